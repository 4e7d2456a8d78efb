"""Names of Python in messages, in place of the flags and commands of the command line."""

import re
import shlex
from dataclasses import Field, fields
from functools import cache
from typing import Any

from lstm_cli.config import (
    EvaluateConfig,
    ExportConfig,
    PredictConfig,
    PrepareConfig,
    QuantizeConfig,
    RefreshConfig,
    ReportConfig,
    ScoreConfig,
    TrainConfig,
    TuneConfig,
)
from lstm_cli.config.predict import TextSampling
from lstm_cli.config.tasks import PrepareOfTasks, TrainOfTasks

CONFIGS = (
    PrepareOfTasks,
    PrepareConfig,
    TrainOfTasks,
    TrainConfig,
    TuneConfig,
    EvaluateConfig,
    QuantizeConfig,
    TextSampling,
    PredictConfig,
    ScoreConfig,
    RefreshConfig,
    ExportConfig,
    ReportConfig,
)
# Arguments of the functions that are not settings: those that are True or False, and others.
SWITCHES, ARGUMENTS = (
    ("force", "fresh", "tuned"),
    ("lock_wait", "checkpoint_every", "keep", "rollback", "drop"),
)
OTHER_NAMES = {"from": "from_", "monthfirst": "dayfirst"}  # names of flags that Python does not have
METHODS = (
    "train",
    "tune",
    "evaluate",
    "quantize",
    "predict",
    "score",
    "refresh",
    "export",
    "report",
    "verify",
    "history",
)
# Words of prose after a flag. Other words after a flag of a text are its value.
PROSE = frozenset(
    re.findall(
        "[a-z]+",
        "a also alone an and are as be by can cannot chooses does exits first for from has have if in instead is it "
        "itself joins keeps lists makes may means must names need needs not of off on only or says so than that the "
        "then to too use was were what which with without works",
    )
)
_COMMAND = re.compile(
    r"'(lstm (?:[^']|(?<=\s)'[^']*')*)'"
)  # a command in quotes, which may have quoted values
_FLAG = re.compile(
    r"(?<![\w-])(?:--(?P<flag>[a-z][a-z-]*[a-z])|(?P<short>-o)\b)"
    r"""(?:[= ](?P<value>'[^']*'|"[^"]*"|[\w%@.~/*?+-](?:[^\s'"`();]*[^\s'"`();.,:?])?))?"""
)


def python_text(text: str) -> str:
    """Return a message with keyword arguments in place of flags, and calls in place of commands in quotes.

    >>> python_text("use --na-value x, or --no-intervals with 'lstm predict runs/load --horizon 3'")
    "use `na_value='x'`, or `intervals=False` with `run.predict(horizon=3)`"
    >>> python_text("use --start and --end, or add --horizon 24")
    'use `start` and `end`, or add `horizon=24`'
    """
    parts = _COMMAND.split(text)
    parts[::2] = [_FLAG.sub(_argument, part) for part in parts[::2]]
    parts[1::2] = [_call(command) for command in parts[1::2]]
    return "".join(parts)


def _call(command: str) -> str:
    """Return a command as a call in backticks, or in quotes as it is, if Python has no such call."""
    try:
        _, verb, *words = shlex.split(command)
    except ValueError:
        return f"'{command}'"
    is_prepare = verb == "prepare"
    count = next((place for place, word in enumerate(words) if word.startswith("-")), len(words))
    operands, options = words[:count], words[count:]
    if (verb not in METHODS and not is_prepare) or len(operands) > 2 or "--help" in options:
        return f"'{command}'"
    arguments: dict[str, list[str]] = {}
    while options:
        name, _, joined = options.pop(0).partition("=")
        match = re.fullmatch("--([a-z][a-z-]*)", name)
        known = _known(match[1]) if match is not None else None
        if known is None:
            return f"'{command}'"
        argument, switch = known
        if switch is not None:
            value = str(switch)
        elif joined or (options and not options[0].startswith("--")):
            value = _literal(argument, joined or options.pop(0))
        else:
            return f"'{command}'"
        arguments.setdefault(argument, []).append(value)
    given = [
        f"{name}={values[0] if len(values) == 1 else '[' + ', '.join(values) + ']'}"
        for name, values in arguments.items()
    ]
    if is_prepare:
        return f"`lstm.prepare({', '.join(['data', *map(repr, operands[1:]), *given])})`"
    return f"`run.{verb}({', '.join([*map(repr, operands[1:]), *given])})`"


def _argument(match: "re.Match[str]") -> str:
    """Return a flag of prose as an argument in backticks, with its value if one follows."""
    known = _known(match["flag"] or "output")
    if known is None:
        return match[0]
    argument, switch = known
    value, flag = match["value"], match["flag"] or match["short"]
    after = match[0][match[0].index(flag) + len(flag) :]
    if switch is not None:
        return f"`{argument}={switch}`{after}" if switch is False else f"`{argument}`{after}"
    if value is None or not _is_value(argument, value):
        return f"`{argument}`{after}"
    return f"`{argument}={_literal(argument, value)}`"


def _known(flag: str) -> tuple[str, bool | None] | None:
    """Return the argument of a flag, and the value that the flag means; None if it takes a value, or is unknown."""
    name = flag.replace("-", "_")
    on = name.removeprefix("no_")
    argument, arguments = OTHER_NAMES.get(name, name), _arguments()
    if argument in arguments:
        return argument, (name != "monthfirst") if arguments[argument] else None
    return (on, False) if on in arguments and name != on else None


def _is_value(argument: str, token: str) -> bool:
    """Return whether the token after a flag is its value, and not a word of prose."""
    if token[0] in "'\"":
        return not token.startswith("'lstm ")
    found = [field for config in CONFIGS for field in fields(config) if field.name == argument]
    words = {word for field in found for word in (*field.metadata["choices"], *field.metadata["words"])}
    if token in words or token in ("auto", "none") or not re.fullmatch("[a-z]+", token):
        return True
    is_word = any(not field.metadata["choices"] and field.metadata["kind"] is None for field in found)
    return is_word and argument not in ("val", "test") and token not in PROSE


def _literal(argument: str, token: str) -> str:
    """Return a value of the command line as Python has it: a number, several numbers, or a text."""
    text = token[1:-1] if token[0] in "'\"" and token[-1] == token[0] and len(token) > 1 else token
    if re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", text):
        return text
    if re.fullmatch(r"-?[\d.]+(,-?[\d.]+)+", text):
        return f"[{text.replace(',', ', ')}]"
    if argument == "names" and "," in text:
        return repr(text.split(","))
    return repr(text)


@cache
def _arguments() -> dict[str, bool]:
    """Return the arguments of all functions, and whether each is True or False."""
    switches = {field.name: _is_switch(field) for config in CONFIGS for field in fields(config)}
    return {**switches, "from_": False} | dict.fromkeys(SWITCHES, True) | dict.fromkeys(ARGUMENTS, False)


def _is_switch(field: "Field[Any]") -> bool:
    return str(getattr(field.type, "__name__", field.type)).startswith("bool")
