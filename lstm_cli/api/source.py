"""Data arguments: a DataFrame, an Arrow table, a path, or several paths."""

import sys
from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path as RunPath
from typing import TYPE_CHECKING, Any, TypeAlias, Union

from lstm_cli.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

ONLY_TEXT = ("encoding", "delimiter", "no_header", "names", "skip_rows")  # settings of text files
Path: TypeAlias = str | PathLike[str]
Data: TypeAlias = Union["pd.DataFrame", "pd.Series", "pa.Table", Path, Sequence[Path]]


def is_frame(data: Any) -> bool:
    """Return whether data are a DataFrame or Series of pandas, or a table that Arrow can read."""
    return _is_pandas(data) or hasattr(data, "__arrow_c_stream__")


def as_source(data: Any, name: str | None = None) -> str | tuple[str, ...]:
    """Return data as a source for a step: paths, or the bytes of a DataFrame.

    Args:
        data: DataFrame or Series of pandas, table of Arrow or of a library with the Arrow C stream, path, or paths.
        name: name of a DataFrame or table in messages; None is its kind.

    Raises:
        UsageError: data are of another type, or a DataFrame cannot be read as a table.
    """
    if is_frame(data):
        from lstm_cli.data.reading.data_frame import ARROW_TABLE, DATA_FRAME, frame_in_memory, table_in_memory

        if not _is_pandas(data):
            return table_in_memory(data, name or ARROW_TABLE)
        frame = data.to_frame("value" if data.name is None else data.name) if data.ndim == 1 else data
        return frame_in_memory(frame, name or DATA_FRAME)
    if isinstance(data, (str, PathLike)):
        return fspath(data)
    if isinstance(data, (list, tuple)) and data and all(isinstance(item, (str, PathLike)) for item in data):
        return tuple(map(fspath, data))
    raise UsageError(
        f"data are of type {type(data).__name__}, which is not a DataFrame, a path or a list of paths",
        hint="several DataFrames are one with pandas.concat; other data are one with pandas.DataFrame(data)",
    )


def refuse_text_settings(data: Any, settings: Mapping[str, Any]) -> None:
    """Raise UsageError for a setting of text files that a DataFrame or a table would ignore.

    Args:
        data: data of a step.
        settings: keyword arguments, by name.
    """
    name = next((name for name in ONLY_TEXT if settings.get(name)), None)
    if name is None or not is_frame(data):
        return
    raise UsageError(
        f"{name} is about text files, and the data are a {'DataFrame' if _is_pandas(data) else 'table'}",
        hint="name the columns of the DataFrame: frame.columns = ['time', 'load']"
        if name in ("names", "no_header")
        else f"leave out {name}",
        flag=name,
    )


def run_path(run: Path) -> RunPath:
    """Return the path of a run directory. Raise UsageError for an empty or another argument."""
    if not isinstance(run, (str, PathLike)) or not fspath(run):
        raise UsageError(
            f"run={run!r} is not a path", hint="give the path of a run directory, such as 'runs/load'"
        )
    return RunPath(run)


def _is_pandas(data: Any) -> bool:
    pandas = sys.modules.get("pandas")  # loaded if data are of it
    return pandas is not None and isinstance(data, (pandas.DataFrame, pandas.Series))
