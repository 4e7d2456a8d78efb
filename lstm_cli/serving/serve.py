"""Verb `serve`: forecasts over HTTP until a signal stops it."""

import gc
from pathlib import Path
from typing import TYPE_CHECKING

from lstm_cli.config.extras import require_installed
from lstm_cli.config.serve import ServeConfig

if TYPE_CHECKING:
    from lstm_cli.serving.http.access_log import PrintLines
    from lstm_cli.serving.http.loaded_model import Print
    from lstm_cli.serving.report import ServeReport

PACKAGES = ("httptools", "orjson", "prometheus_client", "uvicorn", "uvloop")  # of the extra `serve`


def serve(
    run: Path, config: ServeConfig, print_line: "Print", *, print_log: "PrintLines | None"
) -> "ServeReport":
    """Serve the forecasts of a run until a signal stops the server.

    Args:
        run: run directory.
        config: settings of the server.
        print_line: writes one line to stderr: the event, its text and its facts.
        print_log: writes the lines of requests to stderr; None: no log.

    Raises:
        UsageError: a package is missing, or the host has no address.
        OutputError: the port or the socket is in use, or the token file is empty or not readable.
        LstmError: the run has no model, or it cannot forecast.
    """
    require_installed("lstm serve", *PACKAGES)
    gc.disable()  # until `run_server`: the libraries stay, so the search for garbage in them only takes time
    try:
        from lstm_cli.serving.http.loaded_model import load_model, signature_of
        from lstm_cli.serving.http.server import run_server
        from lstm_cli.serving.http.sockets import listening
        from lstm_cli.serving.messages.tokens import Tokens

        tokens = Tokens(config.token_file)
        with listening(config) as sock:
            signature = signature_of(run)
            loaded = load_model(run, threads=config.threads)
            return run_server(
                run,
                config,
                sock,
                tokens=tokens,
                loaded=loaded,
                signature=signature,
                print_line=print_line,
                print_log=print_log,
            )
    finally:
        gc.enable()
