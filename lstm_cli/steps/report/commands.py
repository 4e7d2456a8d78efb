"""Commands that make a run again, from the settings that its manifest records."""

import csv
import io
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields
from pathlib import PurePath
from typing import Any

from lstm_cli.config.layers import flag_name
from lstm_cli.data.reading.data_frame import ARROW_TABLE, DATA_FRAME
from lstm_cli.steps.shared.cached_report import MACHINE_SETTINGS, OUTPUT_SETTINGS
from lstm_cli.steps.show_config import KINDS

DATA, STDIN = "DATA", "-"  # placeholder of data whose name the run does not have
LEFT_OUT = (*MACHINE_SETTINGS, *OUTPUT_SETTINGS)  # they change no result of the run
# `tune` is not repeated: its winner is written as settings of `train`.
REPEATED = (
    "prepare",
    "train",
    "quantize",
    "evaluate",
)  # with `evaluate` first if its scores are of before `quantize`


def commands(
    run: str,
    source: str | None,
    settings: Mapping[str, Mapping[str, Mapping[str, Any]]],
    *,
    quantized_last: bool = False,
) -> tuple[str, ...]:
    """Return one command line for each step of a run, in their order.

    Args:
        run: run directory as the page names it.
        source: data file as the page names it; None for several files, of which the run has no list.
        settings: value and source of each setting by step, as `read_settings` returns them.
        quantized_last: whether the scores are those of the model before quantization.
    """
    lines = []
    for step in (*REPEATED[:2], *reversed(REPEATED[2:])) if quantized_last else REPEATED:
        if step not in settings:
            continue
        nameless = source is None or source in (DATA_FRAME, ARROW_TABLE)
        named = [DATA if nameless else _path(str(source)), _path(run)] if step == "prepare" else [_path(run)]
        values = {name: setting["value"] for name, setting in settings[step].items()}
        line = shlex.join(["lstm", step, *named, *arguments(KINDS[step], values)])
        lines.append(f"{line} < {DATA}" if source == STDIN and step == "prepare" else line)
    return tuple(lines)


def portable_path(path: str) -> str:
    """Return a path as a page shows it: a relative path as it was given, else only its last part.

    An absolute path says something about the machine, and names nothing on another one.
    """
    pure = PurePath(path)
    return pure.name if pure.is_absolute() else path


def arguments(kind: type, values: Mapping[str, Any]) -> list[str]:
    """Return the flags of the settings that differ from their defaults.

    Args:
        kind: dataclass of the settings.
        values: value of each setting by name, as JSON stores it.
    """
    words: list[str] = []
    for field in fields(kind):
        if field.name in values and field.name not in LEFT_OUT:
            words += _flags(field, values[field.name])
    return words


def _flags(field: "Field[Any]", value: Any) -> Iterator[str]:
    value = tuple(value) if isinstance(value, list) else value
    default = field.default if field.default is not MISSING else None
    if value == default:
        return
    declared = field.metadata["flag"] or flag_name(field.name)
    on, _, off = declared.partition("/")
    flag = on.split()[-1]
    if isinstance(value, bool):
        yield flag if value else off or f"--no-{flag.removeprefix('--')}"
        return
    repeated = isinstance(default, tuple) and field.metadata["kind"] is None
    for item in (value or ()) if repeated else (value,):  # release 0.1.0 stored None for none
        text = _text(field.metadata["kind"], item)
        # A value that begins with a dash would be read as a flag.
        yield from (f"{flag}={text}",) if text.startswith("-") else (flag, text)


def _text(kind: str | None, value: Any) -> str:
    """Return the text of a value, which the parser of its kind (`cli/option_values.py`) reads as the same value."""
    if value is None:
        return {"whole or auto": "auto", "upper bound": "none"}.get(kind or "", "0")
    if kind == "names":
        text = io.StringIO()
        csv.writer(text, lineterminator="").writerow(value)
        return text.getvalue()
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    if kind == "share" and value >= 1:
        return f"{100 * value!r}%"
    return str(value)


def _path(path: str) -> str:
    return f"./{path}" if path.startswith("-") and path != "-" else path
