"""Commands that make a run again, from the settings that its manifest records."""

import shlex
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from lstm_cli.config.arguments import arguments
from lstm_cli.data.reading.data_frame import ARROW_TABLE, DATA_FRAME
from lstm_cli.steps.shared.cached_report import MACHINE_SETTINGS, OUTPUT_SETTINGS
from lstm_cli.steps.show_config import KINDS

DATA, STDIN = "DATA", "-"  # placeholder of data whose name the run does not have
LEFT_OUT = (*MACHINE_SETTINGS, *OUTPUT_SETTINGS)  # they change no result of the run
# `tune` is not repeated: its winner is written as settings of `train`.
REPEATED = ("prepare", "train", "quantize", "evaluate")
REPEATED_QUANTIZED_LAST = ("prepare", "train", "evaluate", "quantize")


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
    for step in REPEATED_QUANTIZED_LAST if quantized_last else REPEATED:
        if step not in settings:
            continue
        nameless = source is None or source in (DATA_FRAME, ARROW_TABLE)
        named = [DATA if nameless else _path(str(source)), _path(run)] if step == "prepare" else [_path(run)]
        values = {name: setting["value"] for name, setting in settings[step].items()}
        line = shlex.join(["lstm", step, *named, *arguments(KINDS[step], values, left_out=LEFT_OUT)])
        lines.append(f"{line} < {DATA}" if source == STDIN and step == "prepare" else line)
    return tuple(lines)


def portable_path(path: str) -> str:
    """Return a path as a page shows it: a relative path as it was given, else only its last part.

    An absolute path says something about the machine, and names nothing on another one.
    """
    pure = PurePath(path)
    return pure.name if pure.is_absolute() else path


def _path(path: str) -> str:
    return f"./{path}" if path.startswith("-") and path != "-" else path
