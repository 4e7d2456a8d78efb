"""Series of a panel that ended: their last measured row lies more than a horizon before the panel's newest one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lstm_cli.data.dataset.dataset import Dataset, Schema, SeriesTable
from lstm_cli.data.dataset.panel_times import PanelTimes
from lstm_cli.data.times.formats import format_times
from lstm_cli.data.times.frequency import Step
from lstm_cli.errors import DataError
from lstm_cli.findings import Finding, in_file


@dataclass(frozen=True, kw_only=True)
class EndedSeries:
    """The series of a panel that ended, and the panel's newest time."""

    mask: np.ndarray  # [S] bool
    names: tuple[str, ...]  # of those
    newest: str  # the newest measured row of the panel, as the file writes times; "" without common times

    def text(self, horizon: int) -> str:
        """Return what a warning or an error begins with."""
        from lstm_cli.data.locations import quote_names  # most forecasts have nothing to tell

        return (
            f"{len(self.names):,} series of {len(self.mask):,} ended more than {horizon} steps (the "
            f"horizon) before the newest measured row ({self.newest}): {quote_names(self.names)}"
        )

    def finding(self, source: str, horizon: int, advice: str) -> Finding:
        """Return the finding, which ends with what becomes of these series."""
        text = f"{self.text(horizon)}{advice}"
        return Finding.at(in_file(source), "D623", text, count=len(self.names), flags=("--ended",))


def find_ended_series(schema: Schema, table: SeriesTable) -> EndedSeries:
    """Return the series whose last measured row lies more than H steps before the newest one of all.

    A series ends with its last usable row, which has a measured target. A series that was left out counts as the
    newest too (`Schema.newest_us`). Without common times no series ended.
    """
    newest = schema.newest_us
    if newest is None:
        newest = newest_time(schema.step, table.origin_us, table.count, timed=schema.time_name is not None)
    if newest is None:
        return EndedSeries(mask=np.zeros(len(table.names), dtype=bool), names=(), newest="")
    steps, _ = schema.step.index(np.append(table.origin_us, newest), int(table.origin_us.min()))
    which = steps[-1] - (steps[:-1] + table.count - 1) > schema.horizon
    names = tuple(table.names[one] for one in np.flatnonzero(which))
    return EndedSeries(
        mask=which, names=names, newest=format_times(np.array([newest]), schema.time_format)[0]
    )


def newest_time(step: Step, origin_us: np.ndarray, count: np.ndarray, *, timed: bool) -> int | None:
    """Return the time of the newest row of a panel, or None where its series share no times; see `PanelTimes.of`."""
    if PanelTimes.from_grids(step, origin_us, count, timed=timed) is None:
        return None
    return int(step.times(count - 1, origin_us).max())


def ended_series_finding(ended: EndedSeries, source: str, horizon: int) -> Sequence[Finding]:
    """Return the finding of `prepare` and `check`, if there is one."""
    if not ended.names:
        return ()
    advice = "(lstm predict leaves them out, --ended include forecasts them)"
    return (ended.finding(source, horizon, " " + advice),)


def apply_ended(dataset: Dataset, source: str, how: str) -> tuple[Dataset, EndedSeries, Finding | None]:
    """Return the dataset to forecast, the series that ended, and a finding if there is one.

    how: `skip` leaves the series that ended out, `include` keeps them. Raises DataError where `refuse` finds one.
    """
    ended = find_ended_series(dataset.schema, dataset.series)
    if not ended.names:
        return dataset, ended, None
    horizon = dataset.schema.horizon
    if how == "refuse":
        raise DataError(
            ended.text(horizon),
            hint="--ended skip leaves them out, --ended include forecasts what follows their own last rows",
            rule="D624",
            at=in_file(source),
            flags=("--ended",),
        )
    if how == "include":
        kept_in = "; forecast from their own last rows (--ended skip leaves them out)"
        return dataset, ended, ended.finding(source, horizon, kept_in)
    if ended.mask.all():
        raise DataError(
            f"{ended.text(horizon)}; no series is left to forecast",
            hint="give more rows of the newest series, or --ended include",
            rule="D624",
            at=in_file(source),
            flags=("--ended",),
        )
    kept = dataset.select(np.flatnonzero(~ended.mask))
    return kept, ended, ended.finding(source, horizon, "; left out (--ended include forecasts them)")
