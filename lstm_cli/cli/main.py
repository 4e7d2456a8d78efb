"""Entry point of `lstm` and `python -m lstm_cli`."""

import gc
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from lstm_cli.cli import exit_handling, signals, stdio


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run one command and exit with its code (see errors.py for the meaning of each code)."""
    if argv is None:
        stdio.read_utf8(sys.orig_argv)
    code = run(sys.argv[1:] if argv is None else argv)
    if code in signals.EXIT_CODES:
        signals.exit_soon(code)
    if "TORCHELASTIC_RUN_ID" in os.environ:
        # Threads of torch.distributed may abort the interpreter at its exit, and a successful command would fail.
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    gc.disable()  # saves 10 ms: the process ends anyway
    sys.exit(code)


def run(argv: Sequence[str]) -> int:
    """Run one command and return its exit code. No exception leaves this function.

    >>> run(["--version"])
    lstm 0.2.0.dev0
    0
    """
    try:
        stdio.start_clock()
        stdio.open_streams()
        with signals.handled_signals():
            return _run(argv)
    except BaseException as error:  # a signal before or after the command
        return exit_handling.report_exception(error)


def _run(argv: Sequence[str]) -> int:
    """Run one command while signals are watched, and return its exit code."""
    verb = ""
    try:
        # Import inside the try block, because a signal may come during the import.
        from lstm_cli.cli import app

        verb = app.find_verb(argv)
        stdio.configure_stderr_early(argv, verb, os.environ)
        with stdio.name_stdout_errors():  # --help prints here
            work = app.parse(argv)
        # Run the command outside of Typer, which handles EOFError and closed pipes differently.
        if work is not None:
            work()
        with stdio.name_stdout_errors():  # flush the buffer
            pass
    except BaseException as error:
        return exit_handling.report_exception(error, verb)
    return 0
