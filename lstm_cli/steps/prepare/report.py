"""The report of `prepare`, and whether the run has the data of the same files already."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lstm_cli.config import PrepareConfig
from lstm_cli.data.locations import dataset_name
from lstm_cli.data.reading.source import is_pipe
from lstm_cli.rundir import Run, is_up_to_date
from lstm_cli.steps.shared.report_json import to_plain


@dataclass(frozen=True, kw_only=True)
class PrepareReport:
    """What was read and settled."""

    run: str
    source: str
    rows: int  # usable rows of the file
    target_sum: float | None  # of the first target over them, in the file's units
    targets: tuple[str, ...]
    past: tuple[str, ...]
    future: tuple[str, ...]
    calendar: tuple[str, ...]
    series: int
    ended: tuple[str, ...]  # names of the series that ended more than a horizon before the newest row
    time_start: str | None  # ISO
    time_end: str | None
    freq: str
    season: int | None  # the shortest; absent where there is none
    seasons: tuple[int, ...]
    season_reason: str
    lookback: int  # steps
    lookback_reason: str
    horizon: int  # steps
    windows: dict[str, int]
    split_rows: dict[str, int]
    filled: int  # cells
    scaler: str
    megabytes: float  # of the scaled values
    warnings: tuple[str, ...]
    findings: tuple[dict[str, Any], ...] = ()  # the warnings as data; 0.1.0 kept none
    outliers: dict[str, int] | None = (
        None  # by target: cells that --outliers drop emptied; None: it was not asked
    )
    up_to_date: bool | None = (
        None  # True: nothing had changed, and this is what the run that made it reported
    )

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return to_plain(self, absent=("season", "outliers", "up_to_date"))


def named_sources(paths: Collection[str]) -> dict[str, str]:
    """The files of a data set by the names that `run.json` has for them."""
    if len(paths) == 1:
        return {"source": next(iter(paths))}
    return {f"source {number}": path for number, path in enumerate(paths, start=1)}


def data_is_up_to_date(run: Run | None, paths: Sequence[str], config: PrepareConfig) -> bool:
    """Whether the run has the data of these very files, which reports name."""
    return (
        run is not None
        and not any(map(is_pipe, paths))
        and run.report("prepare").get("source") == dataset_name(paths)
        and is_up_to_date(run, "prepare", config=asdict(config), sources=named_sources(paths))
    )
