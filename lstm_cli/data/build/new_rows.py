"""Checks of new rows before they become data of a run: a step that cannot be undone."""

import numpy as np

from lstm_cli.data.build.merge_rows import RowCounts
from lstm_cli.data.dataset.dataset import Dataset, Schema
from lstm_cli.data.times.formats import iso_time
from lstm_cli.errors import DataError
from lstm_cli.findings import Finding, in_file
from lstm_cli.wording import count_noun

FAR = "differ by more than half a standard deviation from those of the run"
ACCEPT = "--accept-changes"
GAP_HORIZONS = 10  # a gap of this length, or of one lookback, can be an outage
LONGEST_OUTAGE = 300 * 86_400_000_000  # microseconds: a wrong year makes a longer gap
MANY = 5  # with fewer changed values, nothing is reported
FEW = 24  # fewer known values can all be corrected, so only another unit is refused
RESCALED = 3  # fewer values of another unit can be a correction


def check_new_times(own: Dataset, new: Dataset, source: str, *, accept: bool) -> list[Finding]:
    """Return a finding if rows are missing between the run and the file.

    Args:
        own: data of the run.
        new: rows of the file.
        source: name of the file.
        accept: accept any gap.

    Raises:
        DataError: most of the steps after the newest row of the run are missing, as after a wrong date.
    """
    schema, step = own.schema, own.schema.step
    if schema.time_name is None:
        return []
    newest_us = int(step.times(own.series.count - 1, own.series.origin_us).max())
    ahead = []
    for index, begin in enumerate(new.series.offset.tolist()):
        count = int(new.series.count[index])
        measured = new.measured[begin : begin + count, : new.targets].any(axis=1)
        times = step.times(np.flatnonzero(measured), int(new.series.origin_us[index]))
        ahead.append(step.index(times, newest_us)[0])
    steps = np.unique(np.concatenate(ahead))
    later = steps[steps > 0]
    if not len(later):
        return []
    newest = iso_time(newest_us, schema.time_format)
    missing = int(later[-1]) - len(later)
    outage = max(schema.lookback, GAP_HORIZONS * schema.horizon)
    if not schema.time_format.is_integer:
        outage = min(outage, int(step.index(np.array([newest_us + LONGEST_OUTAGE]), newest_us)[0][0]))
    if missing > max(len(later), outage) and not accept:
        last = iso_time(int(step.times(later[-1:], newest_us)[0]), schema.time_format)
        raise DataError(
            f"too many missing rows: {missing:,} of {int(later[-1]):,} from {newest}, the newest time of the run, to "
            f"{last}",
            hint=f"look for a wrong time in {source}, or add the rows after this gap with {ACCEPT}",
            rule="D514",
            at=in_file(source),
            flags=(ACCEPT,),
        )
    between = int(steps[0]) - 1  # the reader has reported gaps inside of the file
    if between < 1:
        return []
    first = iso_time(int(step.times(steps[:1], newest_us)[0]), schema.time_format)
    text = (
        f"{count_noun(between, 'row')} {'is' if between == 1 else 'are'} missing between {newest}, the newest time of "
        f"the run, and {first}. Filled as 'lstm prepare --missing' says, and never used as targets"
    )
    return [Finding.at(in_file(source), "D516", text, count=between)]


def check_changes(schema: Schema, counts: RowCounts, source: str, *, accept: bool) -> list[Finding]:
    """Return a finding if most of the known values have changed.

    Args:
        schema: schema of the run.
        counts: counts of the rows of the file.
        source: name of the file.
        accept: accept any change.

    Raises:
        DataError: most of the known values differ much, or the rows of a file without times are others.
    """
    timed, known = schema.time_name is not None, f"{counts.compared:,} known values"
    if not timed and 2 * counts.differing > counts.compared and not accept:
        raise DataError(
            f"the file does not begin with the rows of the run: {counts.differing:,} of {known} differ",
            hint=f"a file without times needs all rows from the first one of the run, or use {ACCEPT}",
            rule="D814",
            at=in_file(source),
            flags=(ACCEPT,),
        )
    is_few = counts.compared < FEW
    many, least = (counts.rescaled, RESCALED) if is_few else (counts.far, MANY)
    if many >= least and 2 * many > counts.compared and not accept:
        what = "are about 10 times as large or as small, or more" if is_few else FAR
        raise DataError(
            f"{many:,} of {known} {what}",
            hint=f"check the unit, the column and the time zone of {source}, or use {ACCEPT}",
            rule="D814",
            at=in_file(source),
            flags=(ACCEPT,),
        )
    if counts.differing < MANY or 2 * counts.differing <= counts.compared:
        return []
    text = f"{counts.differing:,} of {known} have changed. Those of the file count"
    return [Finding.at(in_file(source), "D811", text, count=counts.differing)]
