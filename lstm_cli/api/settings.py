"""Keyword arguments as settings: their types, their values, and their names in the signature of a function."""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import Field
from datetime import date
from functools import cache
from os import PathLike, fspath
from typing import Any, TypeVar

from lstm_cli.api.names import python_text
from lstm_cli.api.source import as_source, is_frame
from lstm_cli.config.layers import flag_name, pair_texts
from lstm_cli.config.option_values import READERS
from lstm_cli.config.setting import own_fields_first
from lstm_cli.data.stored_types import has_type
from lstm_cli.errors import UsageError
from lstm_cli.wording import did_you_mean

Config = TypeVar("Config")
Function = TypeVar("Function", bound=Callable[..., Any])

SOURCE = "python"  # source of a setting in run.json
# Settings of `predict` about the output file. A DataFrame has its own methods for files.
ONLY_FILES = ("output", "format", "shard")
# Settings that are not keyword arguments: those of files, and an argument that the method has itself.
OMITTED = {"PredictConfig": ONLY_FILES, "ReportConfig": ("output",)}


def option_fields(kind: type) -> "list[Field[Any]]":
    """Return the fields of a config that are keyword arguments in Python."""
    omitted = OMITTED.get(kind.__name__, ())
    return [field for field in own_fields_first(kind) if field.name not in omitted]


def read_settings(kind: type[Config], given: Mapping[str, Any]) -> Config:
    """Return the settings of a verb from keyword arguments.

    A text is read as on the command line: `time="10m"`, `max_loss="1%"`.

    Args:
        kind: dataclass of the settings.
        given: values by name; a repeatable setting takes one value or several.

    Raises:
        UsageError: a name is unknown, or a value is invalid.
    """
    known = {field.name: field for field in option_fields(kind)}
    unknown = next((name for name in given if name not in known), None)
    if unknown in ONLY_FILES and kind.__name__ == "PredictConfig":
        raise UsageError(
            f"predict returns a DataFrame, and has no setting '{unknown}'",
            hint="choose series with only=['A', 'B']"
            if unknown == "shard"
            else "write it yourself: run.predict().to_csv('forecast.csv', index=False), or to_parquet",
        )
    if unknown is not None:
        raise _unknown_setting(unknown, known)
    values = {name: _read_value(known[name], value) for name, value in given.items()}
    refuse_terminal_plot(values.get("plot"))
    return kind(**values)


def read_settings_of(kinds: Sequence[type], given: Mapping[str, Any]) -> list[Any]:
    """Return the settings of several dataclasses from keyword arguments.

    Args:
        kinds: dataclasses of the settings; the first one with a name reads it.
        given: values by name.

    Raises:
        UsageError: a name is unknown, or a value is invalid.
    """
    reader = {field.name: kind for kind in reversed(kinds) for field in option_fields(kind)}
    unknown = next((name for name in given if name not in reader), None)
    if unknown is not None:
        raise _unknown_setting(unknown, reader)
    return [
        read_settings(kind, {name: value for name, value in given.items() if reader[name] is kind})
        for kind in kinds
    ]


def _unknown_setting(name: str, known: Iterable[str]) -> UsageError:
    return UsageError(
        f"unknown setting '{name}'",
        hint=did_you_mean(name, known) or f"the settings are {', '.join(known)}",
    )


def refuse_terminal_plot(plot: str | None) -> None:
    """Raise UsageError for the plot `-`, which only the command line draws."""
    if plot == "-":
        raise UsageError(
            "plot='-' draws in a terminal, and only the command line does that",
            hint="name a file such as 'plot.png'",
            flag="plot",
        )


def _read_value(field: "Field[Any]", value: Any) -> Any:
    """Return a value in the type of its field. Raise UsageError if it has another one.

    Numbers go through the parser of the command line, so that both accept the same ones.
    """
    flag, parse = flag_name(field.name), READERS.get(field.metadata["kind"] or "")
    plain = as_source(value, field.name) if is_frame(value) else _to_plain(value)
    if parse is not None and _is_number(plain):
        plain = parse(flag, repr(plain))
    elif parse is not None and isinstance(plain, tuple) and plain and all(map(_is_number, plain)):
        plain = parse(flag, ",".join(map(repr, plain)))
    elif parse is not None and isinstance(plain, str):
        plain = parse(flag, plain)
    elif isinstance(plain, Mapping) and field.name == "space":
        plain = tuple(pair_texts("space", plain))
    elif isinstance(plain, date):
        plain = plain.isoformat()
    elif _is_number(plain) and type_text(field) in ("str", "str | None"):
        plain = str(plain)
    if plain is None and isinstance(field.default, tuple):
        plain = ()
    elif plain is not None and "tuple[str" in type_text(field):
        items = plain if isinstance(plain, tuple) else (plain,)
        plain = tuple(str(item) if _is_number(item) else item for item in items)
    if has_type(plain, field.type):
        return plain
    raise UsageError(f"{field.name}={value!r} is not {_allowed(field)}", flag=flag)


def _to_plain(value: Any) -> Any:
    """Return a value without the types of NumPy and of paths, and several values as a tuple."""
    if isinstance(value, PathLike):
        return fspath(value)
    if isinstance(value, (str, Mapping, date)) or value is None:
        return value
    if getattr(getattr(value, "dtype", None), "kind", "") == "M" and not value.shape:
        return _time_of_numpy(value)
    if callable(getattr(value, "tolist", None)):  # of NumPy and pandas
        value = value.tolist()
    return tuple(map(_to_plain, value)) if isinstance(value, Iterable) else value


def _time_of_numpy(value: Any) -> Any:
    """Return a time of NumPy as a date, if its unit is a day or longer, or as a datetime; NaT as text."""
    unit = value.dtype.str[4:-1]  # of <M8[h]
    return value.astype("M8[D]" if unit in ("Y", "M", "W", "D") else "M8[us]").item() or str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def type_text(field: "Field[Any]") -> str:
    """Return the type of a field as text, such as `int | None` or `tuple[str, ...]`."""
    return str(getattr(field.type, "__name__", field.type) if isinstance(field.type, type) else field.type)


def _allowed(field: "Field[Any]") -> str:
    """Return the allowed values as a phrase for messages."""
    if field.metadata["choices"]:
        return f"one of {', '.join(field.metadata['choices'])}"
    nouns = {"bool": "True or False", "int": "a whole number", "float": "a finite number", "str": "a text"}
    kind = type_text(field)
    phrase = " or ".join(noun for name, noun in nouns.items() if name in kind)
    return f"{phrase}, or several" if "tuple" in kind else phrase


def with_settings(*kinds: type) -> Callable[[Function], Function]:
    """Return a decorator that shows each setting of some configs in the signature and the docstring of a function.

    So `help()` and completion list them, while each setting is declared only in its config.
    """

    def decorate(function: Function) -> Function:
        own = inspect.signature(function)
        keyword, variable = inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD
        shown = [parameter for parameter in own.parameters.values() if parameter.kind is not variable]
        shown += [
            inspect.Parameter(field.name, keyword, default=field.default)
            for kind in kinds
            for field in option_fields(kind)
        ]
        documented = "\n".join(
            (inspect.cleandoc(function.__doc__ or ""), "", "Settings:", settings_text(*kinds))
        )
        function.__signature__, function.__doc__ = own.replace(parameters=shown), documented  # type: ignore[attr-defined]
        return function

    return decorate


@cache
def settings_text(*kinds: type) -> str:
    """Return one line for each setting, as in the section `Args:` of a docstring."""
    return "\n".join(f"    {field.name}: {meaning(field)}" for kind in kinds for field in option_fields(kind))


def meaning(field: "Field[Any]") -> str:
    """Return the help text of a setting for Python, with its choices and its default."""
    facts, text = field.metadata, str(field.metadata["help"]).replace(" (repeatable)", "").rstrip(".")
    choices = f" One of {', '.join(map(repr, facts['choices']))}." if facts["choices"] else ""
    default = facts["default_text"] or (repr(field.default) if field.default not in (None, ()) else "none")
    return python_text(f"{text}.{choices} Default: {default}.")
