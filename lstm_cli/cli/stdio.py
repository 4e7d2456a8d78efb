"""Standard streams in all conditions: closed, full disk, broken pipe, any locale."""

import io
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from time import gmtime, monotonic, strftime
from typing import Any, TextIO

from lstm_cli.errors import OutputError, UsageError

LOG_FORMATS = ("text", "json")
ALWAYS_PRINTED = ("warning", "error", "hint", "traceback")  # even with --quiet
# Lines without a timestamp: those that scripts detect by their first word, and the list of settings.
WITHOUT_TIMESTAMP = (*ALWAYS_PRINTED, "setting")
NO_BREAK_SPACE = "\u00a0"
# Lines that are not wrapped: they contain a command to copy.
NOT_WRAPPED = ("hint", "setting", "traceback", "try")


@dataclass(kw_only=True)
class StderrOptions:
    """Options of stderr, one instance per process."""

    quiet: bool = False
    as_json: bool = False
    ignored: frozenset[str] = frozenset()  # ids of rules whose findings are not printed
    started: float = 0.0  # start of the command, monotonic clock
    stdout_closed: bool = False  # at the start of the process


_options = StderrOptions()


def configure_stderr(*, quiet: bool, log_format: str, ignored: Iterable[str] = ()) -> None:
    """Set the options of stderr.

    Args:
        quiet: whether only warnings and errors are printed.
        log_format: text or json.
        ignored: ids of rules whose findings are not printed.

    Raises:
        UsageError: the format is unknown.
    """
    if log_format not in LOG_FORMATS:
        raise UsageError(
            f"--log-format '{log_format}' is invalid: use one of {', '.join(LOG_FORMATS)}",
            flag="--log-format",
        )
    _options.quiet, _options.as_json = quiet, log_format == "json"
    _options.ignored = frozenset(ignored)


def is_quiet() -> bool:
    """Return whether --quiet is set."""
    return _options.quiet


def is_ignored(rule: str) -> bool:
    """Return whether a rule is listed in --ignore."""
    return rule in _options.ignored


def start_clock() -> None:
    """Set the start of the command to the current time."""
    _options.started = monotonic()


def seconds_since_start() -> float:
    """Return the seconds since the start of the command."""
    return monotonic() - _options.started


def configure_stderr_early(argv: Sequence[str], verb: str, environ: Mapping[str, str]) -> None:
    """Apply --log-format and its variables before the command line is parsed, because parsing may fail.

    Args:
        argv: command line.
        verb: name of the verb, or "".
        environ: environment variables.
    """
    flag = "--log-format"
    given = [word.partition("=")[2] for word in argv if word.startswith(f"{flag}=")]
    given += [after for word, after in pairwise(argv) if word == flag]
    variables = (f"LSTM_{verb.upper()}_LOG_FORMAT", "LSTM_LOG_FORMAT")
    given += [environ[name] for name in variables if environ.get(name)]
    if given[:1] == ["json"]:
        configure_stderr(quiet=False, log_format="json")


def open_streams() -> None:
    """Replace closed standard streams by /dev/null, and set the encoding of both outputs to UTF-8.

    Otherwise the next opened file would get the number of the closed stream, and prints of a library would go into
    that file. PYTHONUNBUFFERED is reverted for stdout, because an unbuffered write to a pipe may write only a part of
    the rows without an error.
    """
    configure_stderr(quiet=False, log_format="text")
    _options.stdout_closed = False
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            _options.stdout_closed |= number == 1
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
                os.close(null)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
    if isinstance(getattr(sys.stdout, "buffer", None), io.RawIOBase):
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a test or a notebook may replace the stream by another object
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def require_stdout(hint: str) -> None:
    """Raise OutputError if standard output was closed at the start, because the result would be lost."""
    if _options.stdout_closed:
        raise OutputError("standard output is closed, so the result cannot be written", hint=hint)


def read_utf8(orig_argv: list[str]) -> None:
    """Restart this process in Python's UTF-8 mode if the locale is not UTF-8.

    Column and file names in `argv` are UTF-8, as in the data, but Python decodes them by the locale.
    """
    if sys.getfilesystemencoding() != "utf-8" and orig_argv:
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *orig_argv[1:]])


@contextmanager
def name_stdout_errors() -> Iterator[None]:
    """Add the file name "standard output" to each OSError of the block, and flush stdout at its end."""
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        if error.filename is None:
            error.filename = "standard output"
        raise


def as_one_line(text: str) -> str:
    """Return the text as one line, with control characters escaped."""
    text = " ".join(part.strip() for part in text.splitlines()) if "\n" in text else text
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def wrap_line(text: str, width: int, *, indent: int = 4) -> str:
    """Return a line wrapped between words.

    A longer word, such as a path, is not split, so that it can be copied. A number and its percent sign stay together.

    Args:
        text: line to wrap.
        width: maximum number of columns.
        indent: indentation of the second and later lines.
    """
    if len(text) <= width:
        return text
    from textwrap import wrap

    lines = wrap(
        text.replace(" %", f"{NO_BREAK_SPACE}%"),
        width,
        subsequent_indent=" " * indent,
        break_on_hyphens=False,
        break_long_words=False,
    )
    return "\n".join(lines).replace(NO_BREAK_SPACE, " ")


def terminal_width(stream: Any) -> int:
    """Return the width in columns of a stream's terminal; 80 if it is unknown."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns):
        return int(columns)
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def print_note(text: str) -> None:
    """Write a note to stderr, unless --quiet is set."""
    print_line("note", text)


def print_line(
    event: str,
    text: str,
    facts: Mapping[str, Any] | None = None,
    *,
    always_timed: bool = False,
    is_result: bool = False,
) -> None:
    """Write one line to stderr: the text, or with --log-format json an object with the event and its facts.

    If stderr cannot be written (broken pipe, disk full), the command continues without output.

    Args:
        event: name of the event.
        text: line of text.
        facts: keys of the JSON object; None writes only the text.
        always_timed: a file or pipe gets the time of each event, as in the log of a server.
        is_result: also print with --quiet, because the user cannot do without the line.
    """
    print_lines(event, [(text, facts)], always_timed=always_timed, is_result=is_result)


def print_lines(
    event: str,
    lines: Iterable[tuple[str, Mapping[str, Any] | None]],
    *,
    always_timed: bool = False,
    is_result: bool = False,
) -> None:
    """Write lines to stderr at once, each as `print_line` does.

    Args:
        event: name of the event.
        lines: text and facts of each line.
        always_timed: a file or pipe gets the time of each event, as in the log of a server.
        is_result: also print with --quiet.
    """
    if _options.quiet and not (is_result or event in ALWAYS_PRINTED):
        return
    try:
        if _options.as_json:
            written = [_as_json(event, {"text": text} if facts is None else facts) for text, facts in lines]
        else:
            written = [as_one_line(text) for text, _ in lines]
            if (always_timed or event not in WITHOUT_TIMESTAMP) and not is_interactive(sys.stderr):
                now = _now()
                written = [f"{now} {line}" for line in written]
            if event not in NOT_WRAPPED and is_terminal(sys.stderr):
                width = terminal_width(sys.stderr)
                written = [wrap_line(line, width) for line in written]
        sys.stderr.write("".join(f"{line}\n" for line in written))
        sys.stderr.flush()
    except (OSError, ValueError):
        redirect_to_devnull(sys.stderr)


def print_drawing(text: str) -> None:
    """Write the drawing of a plot to stderr, also with --quiet, because it is a result. JSON holds it as a text."""
    try:
        sys.stderr.write(_as_json("plot", {"text": text}) + "\n" if _options.as_json else text)
        sys.stderr.flush()
    except (OSError, ValueError):
        redirect_to_devnull(sys.stderr)


def print_json_line(event: str, facts: Mapping[str, Any]) -> bool:
    """Write an object to stderr if its format is JSON, and return whether it is."""
    if _options.as_json:
        print_line(event, "", facts)
    return _options.as_json


def _as_json(event: str, facts: Mapping[str, Any]) -> str:
    import json

    record = {"time": _now(), "event": event, **facts}
    return json.dumps(record, ensure_ascii=False, allow_nan=False, default=str)


def _now() -> str:
    """Return the current UTC time as the timestamp of a log line."""
    return strftime("%Y-%m-%dT%H:%M:%SZ", gmtime())


def redirect_to_devnull(stream: TextIO) -> None:
    """Redirect a broken stream, including its buffer, to /dev/null.

    Otherwise the interpreter would flush again at its exit, print an error, and exit with 120.
    """
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
    except (OSError, ValueError):  # the stream has no file descriptor
        return


def progress_bar_allowed() -> bool:
    """Return whether stderr may show a progress bar: an interactive terminal, without --quiet and JSON."""
    return is_interactive(sys.stderr) and not _options.quiet and not _options.as_json


def is_interactive(stream: Any) -> bool:
    """Return whether a stream is a terminal that supports colors and progress bars."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") == "dumb":
        return False
    return is_terminal(stream)


def is_terminal(stream: Any) -> bool:
    """Return whether a stream writes to a terminal, with or without colors."""
    try:
        return bool(stream.isatty())
    except ValueError:  # closed
        return False
