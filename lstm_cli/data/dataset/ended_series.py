"""Ended series of a panel: their last measured row is more than a horizon older than the panel's newest row."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lstm_cli.data.dataset.dataset import Dataset, Schema, SeriesTable
from lstm_cli.data.dataset.panel_times import PanelTimes
from lstm_cli.data.dataset.short_series import ShortSeries
from lstm_cli.data.frequency.step import Step
from lstm_cli.data.times.formats import show_time
from lstm_cli.errors import DataError
from lstm_cli.findings import Finding, in_file


@dataclass(frozen=True, kw_only=True)
class EndedSeries:
    """Ended series of a panel, and the newest time of the panel."""

    mask: np.ndarray  # [S] bool
    names: tuple[str, ...]  # of the ended series
    newest: str  # newest measured time of the panel, as the file writes times; "" without common times

    def text(self, horizon: int) -> str:
        """Return the beginning of a warning or an error."""
        from lstm_cli.data.locations import quote_names  # lazy: most forecasts have no ended series

        return (
            f"{len(self.names):,} of {len(self.mask):,} series ended more than {horizon} steps (the "
            f"horizon) before the newest measured row ({self.newest}): {quote_names(self.names)}"
        )

    def finding(self, source: str, horizon: int, advice: str) -> Finding:
        """Return the finding about the ended series.

        Args:
            source: name of the data in messages.
            horizon: steps.
            advice: end of the sentence, which says how the series are treated.
        """
        text = f"{self.text(horizon)}{advice}"
        return Finding.at(in_file(source), "D623", text, count=len(self.names), flags=("--ended",))


def find_ended_series(
    schema: Schema, names: tuple[str, ...], origin_us: np.ndarray, count: np.ndarray
) -> EndedSeries:
    """Return the series [S] whose last measured row lies more than H steps before the newest row of all series.

    A series ends with its last usable row, which has a measured target. A series that was left out counts as the newest
    too (`Schema.newest_us`). Without common times no series ended.

    Args:
        schema: columns and step of the data.
        names: names of the series.
        origin_us: [S] time of the first row of each series.
        count: [S] usable rows of each series.
    """
    newest = schema.newest_us
    if newest is None:
        newest = newest_time(schema.step, origin_us, count, timed=schema.time_name is not None)
    if newest is None:
        return EndedSeries(mask=np.zeros(len(names), dtype=bool), names=(), newest="")
    steps, _ = schema.step.index(np.append(origin_us, newest), int(origin_us.min()))
    mask = steps[-1] - (steps[:-1] + count - 1) > schema.horizon
    ended = tuple(names[index] for index in np.flatnonzero(mask))
    return EndedSeries(mask=mask, names=ended, newest=show_time(newest, schema.time_format))


def newest_time(step: Step, origin_us: np.ndarray, count: np.ndarray, *, timed: bool) -> int | None:
    """Return the time of the newest row of a panel; None if its series share no times (`PanelTimes.from_grids`).

    Args:
        step: step of the time grid.
        origin_us: [S] time of the first row of each series.
        count: [S] usable rows of each series.
        timed: the file has a time column.
    """
    if PanelTimes.from_grids(step, origin_us, count, timed=timed) is None:
        return None
    return int(step.times(count - 1, origin_us).max())


def ended_series_finding(ended: EndedSeries, source: str, horizon: int) -> Sequence[Finding]:
    """Return the finding of `prepare` and `check` about ended series, if any.

    Args:
        ended: ended series.
        source: name of the data in messages.
        horizon: steps.
    """
    if not ended.names:
        return ()
    advice = "(lstm predict skips them; --ended include forecasts them)"
    return (ended.finding(source, horizon, " " + advice),)


def apply_ended(
    dataset: Dataset, short: ShortSeries, source: str, policy: str
) -> tuple[Dataset, ShortSeries, EndedSeries, Finding | None]:
    """Return the series to forecast, the ended series, and a finding if any series ended.

    Args:
        dataset: dataset with all series that the model forecasts.
        short: series that get the baseline.
        source: name of the data in messages.
        policy: `skip` leaves the ended series out, `include` keeps them, `refuse` raises an error.

    Raises:
        DataError: if `policy` is `refuse` and a series ended, or if `skip` leaves no series.
    """
    ended = find_ended_series(dataset.schema, *_all_series(dataset.series, short))
    if not ended.names:
        return dataset, short, ended, None
    horizon = dataset.schema.horizon
    if policy == "refuse":
        raise DataError(
            ended.text(horizon),
            hint="use --ended skip to leave them out, or --ended include to forecast from their own last rows",
            rule="D624",
            at=in_file(source),
            flags=("--ended",),
        )
    if policy == "include":
        advice = ". They are forecast from their own last rows (--ended skip leaves them out)"
        return dataset, short, ended, ended.finding(source, horizon, advice)
    if ended.mask.all():
        raise DataError(
            f"{ended.text(horizon)}. No series is left to forecast",
            hint="add rows of the newest series, or use --ended include",
            rule="D624",
            at=in_file(source),
            flags=("--ended",),
        )
    current = np.flatnonzero(~ended.mask)
    trained = len(dataset.series.names)
    kept = dataset.select(current[current < trained])
    finding = ended.finding(source, horizon, ". They are left out (--ended include forecasts them)")
    return kept, short.select(current[current >= trained] - trained), ended, finding


def _all_series(table: SeriesTable, short: ShortSeries) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """Return the names, first times and rows of the series of a dataset, followed by the short ones."""
    return (
        (*table.names, *short.names),
        np.append(table.origin_us, short.origin_us),
        np.append(table.count, short.count),
    )


def newest_of_all(schema: Schema, table: SeriesTable, short: ShortSeries) -> int | None:
    """Return the time of the newest row of a panel; None if its series share no times.

    Args:
        schema: columns and step of the data.
        table: series that the model forecasts.
        short: series that get the baseline.
    """
    if schema.newest_us is not None:
        return schema.newest_us
    _, origin_us, count = _all_series(table, short)
    return newest_time(schema.step, origin_us, count, timed=schema.time_name is not None)
