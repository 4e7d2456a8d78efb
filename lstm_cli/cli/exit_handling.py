"""Conversion of an exception to messages on stderr and an exit code."""

import errno
import os
import signal
import sys

from lstm_cli import __version__
from lstm_cli.cli.stdio import print_json_line, print_line, redirect_to_devnull
from lstm_cli.errors import DeviceError, Interrupted, LstmError, OutputError, UsageError
from lstm_cli.library_errors import is_out_of_memory, usage_message
from lstm_cli.wording import nearest_name

BUG = 1
BROKEN_PIPE = 128 + signal.SIGPIPE
NEAR_OPTION = 0.75  # similarity of a misspelled option, so that only a likely name is suggested
MAX_OPTIONS = 12  # options in a hint
RERUN_HINT = "run the same command again when you are ready"
# Errors of a disk, a network share or a permission. Each other OSError is a bug.
STORAGE_ERRORS = {
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
    """Print an exception to stderr and return its exit code."""
    try:
        sys.stdout.flush()  # print earlier output before the error
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
    return _report(error, verb)


def report_interrupt(signum: int) -> None:
    """Print that a signal has ended the command. It does not flush stdout, which the main thread may hold."""
    _report(Interrupted(signum), "")


def _report(error: BaseException, verb: str) -> int:
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
        expected.message, expected.hint or _default_hint(expected, verb), expected.exit_code, expected.rule
    )
    return expected.exit_code


def _print_error(message: str, hint: str, code: int, rule: str | None = None) -> None:
    """Write the error and its hint as two lines; with --log-format json as one object.

    Args:
        message: text of the error.
        hint: text of the hint.
        code: exit code.
        rule: id of the rule that the data violate.
    """
    if not print_json_line("error", {"message": message, "hint": hint, "exit_code": code, "rule": rule}):
        print_line("error", f"error[{rule}]: {message}" if rule else f"error: {message}")
        print_line("hint", f"hint: {hint}")


def _expected(error: BaseException, verb: str) -> LstmError | None:
    """Return the equivalent LstmError; None for a bug."""
    if isinstance(error, Interrupted):
        error.message = f"interrupted by {signal.Signals(error.exit_code - 128).name}"
        error.hint = error.hint or RERUN_HINT
        return error
    if isinstance(error, LstmError):
        return error
    if isinstance(error, KeyboardInterrupt):
        return _expected(Interrupted(signal.SIGINT), verb)
    if is_out_of_memory(error):
        return DeviceError("out of memory", hint="use fewer rows (prepare --start) or a smaller --batch-size")
    if isinstance(error, OSError) and error.errno in STORAGE_ERRORS:
        from lstm_cli.os_errors import os_error_reason  # imported only after an error

        path = error.filename if error.filename is not None else "a file"
        path = os.fsdecode(path) if isinstance(path, (str, bytes)) else path
        return OutputError(
            f"{path}: {os_error_reason(error)}",
            hint="check that the path exists, is writable and has free disk space",
        )
    if isinstance(error, ModuleNotFoundError):
        from lstm_cli.config.extras import missing_module_error

        return missing_module_error(error, f"lstm {verb}".strip())
    typer = sys.modules.get("typer")  # imported already if Typer raised the error
    if typer is not None and isinstance(error, typer.TyperException):
        return _usage_error(error, verb)
    return None


def _usage_error(error: Exception, verb: str) -> UsageError:
    """Convert an error of Typer. Only its message is public API, so other attributes may be missing."""
    message = usage_message(str(getattr(error, "format_message", lambda: error)()))
    unknown = getattr(error, "option_name", None)
    if unknown and hasattr(error, "possibilities"):
        if verb:
            return UsageError(message, hint=_unknown_option_hint(str(unknown), verb))
        from lstm_cli.cli.app import verbs_with_option  # imported only after an error

        if verbs_with_option(str(unknown)):
            return UsageError("options must come after the command", hint=f"write lstm COMMAND ... {unknown}")
    if message.startswith("missing argument") and verb == "prepare":
        return UsageError(
            "missing argument: lstm prepare needs DATA and RUN", hint="write lstm prepare data.csv runs/NAME"
        )
    return UsageError(message, hint=_see_help(verb))


def _unknown_option_hint(flag: str, verb: str) -> str:
    """Return the nearest option of a verb; without one, the verbs that have the option, or all options of the verb."""
    from lstm_cli.cli.app import verb_options, verbs_with_option  # imported only after an error

    options = {known.removeprefix("--"): known for known in verb_options(verb)}
    near = nearest_name(flag.lstrip("-"), options, cutoff=NEAR_OPTION)
    if near:
        return f"did you mean '{options[near]}'? {_see_help(verb)}"
    verbs = verbs_with_option(flag)
    if verbs:
        return f"{flag} is an option of {' and '.join(f'lstm {other}' for other in verbs)}; {_see_help(verb)}"
    others = " and others" if len(options) > MAX_OPTIONS else ""
    listed = ", ".join(list(options.values())[:MAX_OPTIONS])
    return f"the options of lstm {verb} are {listed}{others}; {_see_help(verb)}"


def _default_hint(error: LstmError, verb: str) -> str:
    if isinstance(error, UsageError):
        return _see_help(verb)
    return "set LSTM_DEBUG=1 to see the traceback"


def _see_help(verb: str) -> str:
    return f"see 'lstm {verb} --help'" if verb else "see 'lstm --help'"


def _print_traceback(error: BaseException) -> None:
    from traceback import format_exception

    for line in "".join(format_exception(error)).splitlines():
        print_line("traceback", line)
