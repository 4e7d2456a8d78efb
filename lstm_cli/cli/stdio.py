"""Standard input, output and error as they come: closed, full, a pipe whose reader left, any locale."""

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
ALWAYS = ("warning", "error", "hint", "traceback")  # what --quiet leaves
# Lines of a log without their time: those that scripts know by their first word, and the list of settings.
UNTIMED = (*ALWAYS, "setting")
BOUND = "\u00a0"  # a blank at which no line is broken
# Lines that a terminal breaks where it ends: a hint holds a command to copy.
UNFOLDED = ("hint", "setting", "traceback")


@dataclass(kw_only=True)
class StderrOptions:
    """How this process speaks on stderr, which there is one of."""

    quiet: bool = False
    as_json: bool = False
    ignored: frozenset[str] = frozenset()  # ids of rules whose findings are not printed
    began: float = 0.0  # when the command began, by the monotonic clock
    stdout_closed: bool = False  # when the process began


_options = StderrOptions()


def configure_stderr(*, quiet: bool, log_format: str, ignored: Iterable[str] = ()) -> None:
    """Say how stderr is to be written from now on. Raises UsageError for an unknown format.

    Args:
        ignored: ids of rules whose findings are not printed.
    """
    if log_format not in LOG_FORMATS:
        raise UsageError(
            f"--log-format '{log_format}' is none of {', '.join(LOG_FORMATS)}", flag="--log-format"
        )
    _options.quiet, _options.as_json = quiet, log_format == "json"
    _options.ignored = frozenset(ignored)


def is_ignored(rule: str) -> bool:
    """Return whether --ignore names a rule."""
    return rule in _options.ignored


def start_clock() -> None:
    """Let the command begin now."""
    _options.began = monotonic()


def seconds_since_start() -> float:
    """Return the seconds since the command began."""
    return monotonic() - _options.began


def configure_stderr_early(argv: Sequence[str], verb: str, environ: Mapping[str, str]) -> None:
    """Heed --log-format and its variables before the command line is parsed, since that may fail."""
    flag = "--log-format"
    given = [word.partition("=")[2] for word in argv if word.startswith(f"{flag}=")]
    given += [after for word, after in pairwise(argv) if word == flag]
    variables = (f"LSTM_{verb.upper()}_LOG_FORMAT", "LSTM_LOG_FORMAT")
    given += [environ[name] for name in variables if environ.get(name)]
    if given[:1] == ["json"]:
        configure_stderr(quiet=False, log_format="json")


def open_streams() -> None:
    """Put /dev/null where a standard stream is closed, and make both outputs write UTF-8 in every locale.

    A closed one is more than a missing place to print: the next file opened would get its number, and what a
    library prints would land in that file. PYTHONUNBUFFERED is undone for stdout: without a buffer, a write
    to a pipe may take half of the rows and say nothing.
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
        if hasattr(stream, "reconfigure"):  # a test or a notebook may have put another object there
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def require_stdout(hint: str) -> None:
    """Raise OutputError where standard output was closed when the process began, so that a result would be lost."""
    if _options.stdout_closed:
        raise OutputError("standard output is closed, so the result cannot be written", hint=hint)


def read_utf8(orig_argv: list[str]) -> None:
    """Begin this process anew in Python's UTF-8 mode where the locale is another one.

    The names of columns and files in `argv` were read by the locale, but are UTF-8 as in the data.
    """
    if sys.getfilesystemencoding() != "utf-8" and orig_argv:
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *orig_argv[1:]])


@contextmanager
def name_stdout_errors() -> Iterator[None]:
    """Within this block what is written to stdout fails by the name of standard output."""
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        if error.filename is None:
            error.filename = "standard output"
        raise


def as_one_line(text: str) -> str:
    """The text as one line that no control character of a file's content can change."""
    text = " ".join(part.strip() for part in text.splitlines()) if "\n" in text else text
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def wrap_line(text: str, width: int, *, indent: int = 4) -> str:
    """Return a line as several of at most `width` columns, broken between words; all but the first are indented.

    A word that is longer, such as a path, is left whole, so that it can be copied. A number and its percent sign stay
    together.
    """
    if len(text) <= width:
        return text
    from textwrap import wrap

    lines = wrap(
        text.replace(" %", f"{BOUND}%"),
        width,
        subsequent_indent=" " * indent,
        break_on_hyphens=False,
        break_long_words=False,
    )
    return "\n".join(lines).replace(BOUND, " ")


def terminal_width(stream: Any) -> int:
    """Return the columns of the terminal that a stream writes to; 80 where it tells none."""
    asked = os.environ.get("COLUMNS", "")
    if asked.isdecimal() and int(asked):
        return int(asked)
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def print_note(text: str) -> None:
    """Write one line to stderr, a note that --quiet leaves out."""
    print_line("note", text)


def print_line(event: str, text: str, facts: Mapping[str, Any] | None = None) -> None:
    """Write one line to stderr: the text, or with --log-format json an object of the event's name and its facts.

    Where it cannot be written (closed pipe, full disk), work goes on unheard.
    """
    if _options.quiet and event not in ALWAYS:
        return
    try:
        if _options.as_json:
            line = _as_json(event, {"text": text} if facts is None else facts)
        else:
            line = as_one_line(text)
            if event not in UNTIMED and not is_interactive(sys.stderr):
                line = f"{_now()} {line}"
            if event not in UNFOLDED and is_terminal(sys.stderr):
                line = wrap_line(line, terminal_width(sys.stderr))
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        redirect_to_devnull(sys.stderr)


def print_json_line(event: str, facts: Mapping[str, Any]) -> bool:
    """Write the object where stderr is written as JSON; False where it is text."""
    if _options.as_json:
        print_line(event, "", facts)
    return _options.as_json


def _as_json(event: str, facts: Mapping[str, Any]) -> str:
    import json

    whole = {"time": _now(), "event": event, **facts}
    return json.dumps(whole, ensure_ascii=False, allow_nan=False, default=str)


def _now() -> str:
    """Return the time in UTC, as every line of a log begins with it."""
    return strftime("%Y-%m-%dT%H:%M:%SZ", gmtime())


def redirect_to_devnull(stream: TextIO) -> None:
    """Send what is written to a broken stream, and what it still holds, to /dev/null.

    Otherwise the interpreter would try once more at its end, complain, and exit with 120.
    """
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
    except (OSError, ValueError):  # no file stands behind the stream
        return


def progress_bar_allowed() -> bool:
    """Whether a bar may move on stderr: a person watches it, and asked neither for silence nor for JSON."""
    return is_interactive(sys.stderr) and not _options.quiet and not _options.as_json


def is_interactive(stream: Any) -> bool:
    """Whether a person watches this stream on a terminal that may get colours and moving bars."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") == "dumb":
        return False
    return is_terminal(stream)


def is_terminal(stream: Any) -> bool:
    """Whether a stream writes to a terminal, with colours or without."""
    try:
        return bool(stream.isatty())
    except ValueError:  # closed
        return False
