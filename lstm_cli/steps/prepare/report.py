"""Report of `prepare`, and the check whether the data of a run is up to date."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lstm_cli.config import PrepareConfig
from lstm_cli.data.locations import dataset_name
from lstm_cli.data.reading.source import InMemory, is_pipe
from lstm_cli.rundir import Run, is_up_to_date
from lstm_cli.steps.shared.report_html import HtmlReport
from lstm_cli.steps.shared.report_json import to_plain


@dataclass(frozen=True, kw_only=True)
class PrepareReport(HtmlReport):
    """Facts about the data and settings chosen from it."""

    run: str
    source: str
    rows: int  # usable rows of the file
    target_sum: float | None  # sum of the first target over these rows, in units of the file
    targets: tuple[str, ...]
    past: tuple[str, ...]
    future: tuple[str, ...]
    calendar: tuple[str, ...]
    series: int
    ended: tuple[str, ...]  # names of the series that ended more than a horizon before the newest row
    time_start: str | None  # ISO
    time_end: str | None
    freq: str
    season: int | None  # the shortest season; absent without a season
    seasons: tuple[int, ...]
    season_reason: str
    lookback: int  # steps
    lookback_reason: str
    horizon: int  # steps
    windows: dict[str, int]
    split_rows: dict[str, int]
    filled: int  # number of imputed missing values
    scaler: str
    megabytes: float  # of the scaled values
    warnings: tuple[str, ...]
    holidays: tuple[str, ...] = ()  # known-ahead inputs of holidays
    static: tuple[str, ...] = ()  # inputs that are constant within a series
    findings: tuple[dict[str, Any], ...] = ()  # the warnings as data; 0.1.0 kept none
    outliers: dict[str, int] | None = (
        None  # by target: values that --outliers drop removed; None without the option
    )
    up_to_date: bool | None = None  # True: nothing changed, and this is the stored report

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return to_plain(self, absent=("season", "outliers", "up_to_date"))


def named_sources(paths: Collection[str]) -> dict[str, str]:
    """Return the paths of a data set by their names in `run.json`."""
    if len(paths) == 1:
        return {"source": next(iter(paths))}
    return {f"source {number}": path for number, path in enumerate(paths, start=1)}


def data_is_up_to_date(run: Run | None, paths: Sequence[str], config: PrepareConfig) -> bool:
    """Return whether the run's data is up to date.

    Args:
        run: the run; None for a new run.
        paths: data files.
        config: settings of `prepare`.
    """
    return (
        run is not None
        and not any(map(is_pipe, paths))
        and run.report("prepare").get("source") == dataset_name(paths)
        and is_up_to_date(run, "prepare", config=asdict(config), sources=_contents(paths))
    )


def _contents(paths: Sequence[str]) -> dict[str, str | bytes]:
    """Return the paths of a data set by their names in `run.json`, with the bytes of a source in memory."""
    return {
        name: path.content if isinstance(path, InMemory) else path
        for name, path in named_sources(paths).items()
    }
