"""`prepare`: a file of measurements becomes scaled series on a time grid, with their splits."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from lstm_cli.config import PrepareConfig
from lstm_cli.data.source import expanded, is_pipe
from lstm_cli.data.splits import parse_share
from lstm_cli.data.wording import name_of
from lstm_cli.events import Listener
from lstm_cli.rundir import Run, stands, writing
from lstm_cli.steps.before import told_again
from lstm_cli.steps.reporting import plain


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
    outliers: dict[str, int] | None = (
        None  # by target: cells that --outliers drop emptied; None: it was not asked
    )
    up_to_date: bool | None = (
        None  # True: nothing had changed, and this is what the run that made it reported
    )

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return plain(self, absent=("season", "outliers", "up_to_date"))


def prepare(
    source: str | Sequence[str],
    run: Path,
    config: PrepareConfig,
    listen: Listener,
    *,
    force: bool = False,
    lock_wait: float = 0.0,
    sources: Mapping[str, str] | None = None,
    stdin: BinaryIO | None = None,
) -> PrepareReport:
    """Reads `source` (a path, `-`, a pattern, or several paths) and writes the run's data.

    Where the run has the data of these very bytes and settings, it is left alone. force: prepare anyhow, over a run
    whose `run.json` is damaged too. Raises what errors.py names; then nothing is left.
    """
    (
        parse_share("--val", config.val),
        parse_share("--test", config.test),
    )  # a wrong one answers before the reading
    paths = expanded(source)
    with writing(
        run, step="prepare", create=True, lock_wait=lock_wait, sources=sources, force=force
    ) as writer:
        if not force and stands_of(writer.run, paths, config):
            assert writer.run is not None
            return told_again(PrepareReport, writer.run, "prepare")
        # What reads and looks is loaded where there is something to read.
        from lstm_cli.steps.preparing import prepare_anew

        return prepare_anew(writer, paths, config, listen, stdin=stdin)


def named_sources(paths: Collection[str]) -> dict[str, str]:
    """The files of a data set by the names that `run.json` has for them."""
    if len(paths) == 1:
        return {"source": next(iter(paths))}
    return {f"source {number}": path for number, path in enumerate(paths, start=1)}


def stands_of(run: Run | None, paths: Sequence[str], config: PrepareConfig) -> bool:
    """Whether the run has the data of these very files, which reports name."""
    return (
        run is not None
        and not any(map(is_pipe, paths))
        and run.report("prepare").get("source") == name_of(paths)
        and stands(run, "prepare", config=asdict(config), sources=named_sources(paths))
    )
