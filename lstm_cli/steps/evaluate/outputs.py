"""Outputs of `evaluate` outside the run: a copy of the scores, the table of forecasts, and a plot."""

import os
from collections.abc import Sequence
from pathlib import Path

from lstm_cli.config import EvaluateConfig
from lstm_cli.config.extras import require_installed
from lstm_cli.errors import UsageError
from lstm_cli.rundir import check_output, check_output_folder
from lstm_cli.steps.evaluate.forecast_table import table_format
from lstm_cli.steps.evaluate.score_files import COPIED
from lstm_cli.steps.shared.plot_output import plot_files


def check_outputs(config: EvaluateConfig, run: Path, copied: Sequence[str] = COPIED) -> list[str]:
    """Return the files that `evaluate` writes outside the run. Nothing is written.

    Args:
        config: settings of `evaluate`.
        run: path of the run directory.
        copied: names of the files that `-o` copies.

    Raises:
        UsageError: an output is in the run directory, a data file of the run, of a format that is not written, or a
            package is not installed. Also if two options name the same file.
        OutputError: a folder is not found, or the system does not allow writing.
    """
    written: list[tuple[str, str]] = []  # option and file
    if config.output is not None:
        check_output_folder(config.output, copied, run=run)
        written += [("-o", str(Path(config.output) / name)) for name in copied]
    if config.forecasts is not None:
        check_output(config.forecasts, run=run, flag="--forecasts")
        if table_format(config.forecasts) == "parquet":
            require_installed("--forecasts in Parquet", "pyarrow")
        written.append(("--forecasts", config.forecasts))
    written += [("--plot", path) for path in plot_files(config.plot, run=run)]
    _require_distinct(written)
    return [path for _, path in written]


def _require_distinct(written: list[tuple[str, str]]) -> None:
    """Raise UsageError if two options write the same file."""
    first: dict[str, str] = {}  # file -> option
    for flag, path in written:
        other = first.setdefault(os.path.realpath(path), flag)
        if other != flag:
            raise UsageError(
                f"{other} and {flag} both write {path}", hint=f"name another file with {flag}", flag=flag
            )
