"""The way in: `lstm` and `python -m lstm_cli`."""

import gc
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from lstm_cli.cli import exit_handling, signals, stdio


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run one command and leave with its exit code (errors.py says what each means)."""
    if argv is None:
        stdio.read_utf8(sys.orig_argv)
    code = run(sys.argv[1:] if argv is None else argv)
    if code in signals.CODES:
        signals.exit_soon(code)
    if "TORCHELASTIC_RUN_ID" in os.environ:
        # Threads of torch.distributed may abort an interpreter that is taken down, and what was done well then fails.
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    gc.disable()  # what is left goes with the process: to collect it first takes 10 ms
    sys.exit(code)


def run(argv: Sequence[str]) -> int:
    """Run one command and return its exit code; nothing is raised.

    >>> run(["--version"])
    lstm 0.2.0.dev0
    0
    """
    verb = ""
    try:
        stdio.start_clock()
        stdio.open_streams()
        signals.install_handlers()
        # Within the try: a signal may come while modules are read.
        from lstm_cli.cli import app

        verb = app.find_verb(argv)
        stdio.configure_stderr_early(argv, verb, os.environ)
        with stdio.name_stdout_errors():  # --help is answered here
            work = app.parse(argv)
        # Run here, and not inside of Typer, which has endings of its own for EOFError and closed pipes.
        if work is not None:
            work()
        with stdio.name_stdout_errors():  # what is still in the buffer
            pass
    except BaseException as error:
        return exit_handling.report_exception(error, verb)
    return 0
