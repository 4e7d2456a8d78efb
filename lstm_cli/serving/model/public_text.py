"""Errors and warnings for clients: without paths of the machine, options and commands."""

import re
import shlex
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace

from lstm_cli.errors import DataError, LstmError
from lstm_cli.findings import Finding
from lstm_cli.serving.model.request import MalformedBody

QUERY_VALUES = {"--horizon": "horizon", "--quantiles": "quantiles", "--only": "series"}  # by option
FORMAT_HINT = "send the rows in the format of the training data"
OPERATOR_HINT = "ask the operator of the server"
# Rules of text that no reader can parse, whatever the model is.
MALFORMED_RULES = frozenset(
    f"D{number}"
    for number in (101, 102, 103, 104, 105, 110, 112, 113, 114, 121, 122, 126, 127, 128, 131, 138, 139, 146)
)
# An option, or a command of the tool, which a client cannot use.
_OPTION = re.compile(r"(?<![\w-])--[a-z]|'lstm [a-z]|\brun prepare\b")
_QUERY_OPTION = re.compile(
    rf"(?<![\w-])({'|'.join(QUERY_VALUES)})(?![\w-])(?:[ =]('[^']*'|[0-9][0-9.,e-]*))?"
)
_IN_BRACKETS = re.compile(r" ?\([^()]*\)")
_SENTENCE = re.compile(r"(?<=\w\w)\. (?=[A-Z])")
_MISSING = re.compile("(?:leave (?:it|the cell) empty(?:,| or) )?write NA")
_ASIDES = re.compile(r"no option for this; | as set by --[a-z-]+")


def remove_path(error: LstmError, path: str, name: str) -> None:
    """Put the name of the run in place of its path in the texts of an error.

    Args:
        error: error of the model.
        path: absolute path of the run.
        name: name of the run.
    """
    error.message = _without_path(error.message, path, name)
    error.hint = _without_path(error.hint, path, name)
    error.args = (error.message,)


def make_public(error: LstmError, path: str, name: str) -> None:
    """Change the texts of an error to those for clients: query values in place of options, and no paths.

    Advice to use an option or a command is left out.

    Args:
        error: error of the model.
        path: absolute path of the run.
        name: name of the run.
    """
    remove_path(error, path, name)
    error.message = _without_options(error.message, _flags(error))
    error.args = (error.message,)
    if error.hint:
        error.hint = _public_hint(error.hint) or (
            FORMAT_HINT if isinstance(error, DataError | MalformedBody) else OPERATOR_HINT
        )


def name_null(error: LstmError) -> None:
    """Write the hint of an error about a JSON body with `null`, which is its missing value."""
    error.hint = _MISSING.sub("write null", error.hint)


@contextmanager
def public_errors(path: str, name: str, *, is_json: bool = False) -> Iterator[None]:
    """Write the errors of the block for clients. Text that no reader can parse is a MalformedBody.

    Args:
        path: absolute path of the run.
        name: name of the run.
        is_json: whether the rows are JSON.
    """
    try:
        yield
    except LstmError as error:
        make_public(error, path, name)
        if is_json:
            name_null(error)
        if isinstance(error, DataError) and error.rule in MALFORMED_RULES:
            raise MalformedBody(error.message, hint=error.hint) from error
        raise


def public_finding(finding: Finding, path: str, name: str) -> Finding:
    """Return a finding with a text for clients, as `make_public` makes them.

    Args:
        finding: finding of the model.
        path: absolute path of the run.
        name: name of the run.
    """
    source = _without_path(finding.source, path, name) if finding.source is not None else None
    return replace(
        finding,
        text=_without_options(_without_path(finding.text, path, name), finding.flags),
        source=source,
        flags=tuple(QUERY_VALUES[flag] for flag in finding.flags if flag in QUERY_VALUES),
    )


def _without_path(text: str, path: str, name: str) -> str:
    """Return a text with the name of the run in place of its path, also where a command has the path in quotes.

    Args:
        text: text of an error or a finding.
        path: absolute path of the run.
        name: name of the run.
    """
    text = text.replace(_inside_quotes(path), _inside_quotes(name))
    return text.replace(shlex.quote(path), shlex.quote(name)).replace(path, name)


def _inside_quotes(text: str) -> str:
    """Return a text as it stands between the quotes of `shlex.quote`."""
    return text.replace("'", "'\"'\"'")


def _flags(error: LstmError) -> tuple[str, ...]:
    if isinstance(error, DataError):
        return error.flags
    return () if error.flag is None else (error.flag,)


def _without_options(text: str, flags: Collection[str]) -> str:
    """Return a text with query values in place of options, and without advice in brackets to use other options.

    Args:
        text: text of an error or a finding.
        flags: options that the text may name. Other text that looks like an option is of the data.
    """
    text = _ASIDES.sub("", text)
    if not flags:
        return text
    text = _IN_BRACKETS.sub(lambda match: "" if _OPTION.search(match[0]) else match[0], text)
    first, *others = _SENTENCE.split(text)
    text = ". ".join([first, *(other for other in others if not _OPTION.search(other))])
    return _QUERY_OPTION.sub(_query_value, text)


def _public_hint(hint: str) -> str:
    """Return the parts of a hint that do not need an option or a command; "" if there is none."""
    hint = _QUERY_OPTION.sub(_query_value, hint)
    sentences = [
        ", or ".join(part for part in sentence.split(", or ") if not _OPTION.search(part))
        for sentence in _SENTENCE.split(hint)
    ]
    return ". ".join(sentence for sentence in sentences if sentence).removeprefix("Otherwise ")


def _query_value(match: "re.Match[str]") -> str:
    """Return the query value in place of an option: `horizon=48`, or `series=` if no value follows."""
    option, value = match[1], (match[2] or "").strip("'")
    return f"{QUERY_VALUES[option]}={value.replace(',', '') if option == '--horizon' else value}"
