"""How a command ends: from what was raised to lines on stderr and an exit code."""

import errno
import os
import signal
import sys

from lstm_cli import __version__
from lstm_cli.cli.stdio import print_json_line, print_line, redirect_to_devnull
from lstm_cli.errors import DeviceError, Interrupted, LstmError, OutputError, UsageError
from lstm_cli.library_errors import is_out_of_memory, usage_message

BUG = 1
BROKEN_PIPE = 128 + signal.SIGPIPE
AGAIN = "run the same command again when you are ready"
# What a disk, a share or a permission does to us; any other OSError is a mistake of ours.
STORAGE = {
    errno.EACCES,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EIO,
    errno.EISDIR,
    errno.EMFILE,
    errno.ENAMETOOLONG,
    errno.ENOENT,
    errno.ENOSPC,
    errno.ENOTDIR,
    errno.EPERM,
    errno.EROFS,
    errno.ESTALE,
}


def report_exception(error: BaseException, verb: str = "") -> int:
    """Tell an exception as this tool tells it, and return the exit code that it means."""
    try:
        sys.stdout.flush()  # what was printed before the error stands before it
    except BrokenPipeError as broken:
        error = broken if isinstance(error, Exception) else error
        redirect_to_devnull(sys.stdout)
    except OSError:
        redirect_to_devnull(sys.stdout)
    if isinstance(error, BrokenPipeError):
        redirect_to_devnull(sys.stdout)
        return BROKEN_PIPE
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    expected = _expected(error, verb)
    if expected is None:
        _print_traceback(error)
        _print_error(
            f"this is a bug in lstm {__version__}: {type(error).__name__}: {error}",
            "please report it with the lines above and the command that you ran",
            BUG,
        )
        return BUG
    if os.environ.get("LSTM_DEBUG") == "1":
        _print_traceback(error)
    _print_error(
        expected.message, expected.hint or _fallback(expected, verb), expected.exit_code, expected.rule
    )
    return expected.exit_code


def _print_error(message: str, hint: str, code: int, rule: str | None = None) -> None:
    """Write one line of the error and one that helps; with --log-format json one object of both.

    Args:
        rule: the id of the rule that the data break.
    """
    if not print_json_line("error", {"message": message, "hint": hint, "exit_code": code, "rule": rule}):
        print_line("error", f"error[{rule}]: {message}" if rule else f"error: {message}")
        print_line("hint", f"hint: {hint}")


def _expected(error: BaseException, verb: str) -> LstmError | None:
    """The error of our tree that says the same; None for a bug."""
    if isinstance(error, Interrupted):
        error.message = f"ended by {signal.Signals(error.exit_code - 128).name}"
        error.hint = error.hint or AGAIN
        return error
    if isinstance(error, LstmError):
        return error
    if isinstance(error, KeyboardInterrupt):
        return _expected(Interrupted(signal.SIGINT), verb)
    if is_out_of_memory(error):
        return DeviceError(
            "there is not enough memory", hint="use fewer rows (prepare --start) or a smaller --batch-size"
        )
    if isinstance(error, OSError) and error.errno in STORAGE:
        from lstm_cli.os_errors import os_error_reason  # only where something failed

        place = error.filename if error.filename is not None else "a file"
        place = os.fsdecode(place) if isinstance(place, (str, bytes)) else place
        return OutputError(
            f"{place}: {os_error_reason(error)}", hint="see that the place exists, is writable and has room"
        )
    if isinstance(error, ModuleNotFoundError):
        from lstm_cli.config.extras import missing_module_error

        return missing_module_error(error, f"lstm {verb}".strip())
    typer = sys.modules.get("typer")  # where Typer raised something, it has been imported
    if typer is not None and isinstance(error, typer.TyperException):
        return _usage(error, verb)
    return None


def _usage(error: Exception, verb: str) -> UsageError:
    """Typer's own refusal in our words. Only its message is public; the rest is read where it is there."""
    near = getattr(error, "possibilities", None)
    message = usage_message(str(getattr(error, "format_message", lambda: error)()))
    hint = f"did you mean '{near[0]}'? {_see_help(verb)}" if near else _see_help(verb)
    return UsageError(message, hint=hint)


def _fallback(error: LstmError, verb: str) -> str:
    if isinstance(error, UsageError):
        return _see_help(verb)
    return "LSTM_DEBUG=1 before the command shows where this arose"


def _see_help(verb: str) -> str:
    return f"see 'lstm {verb} --help'" if verb else "see 'lstm --help'"


def _print_traceback(error: BaseException) -> None:
    from traceback import format_exception

    for line in "".join(format_exception(error)).splitlines():
        print_line("traceback", line)
