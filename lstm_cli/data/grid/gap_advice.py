"""Advice for a time grid with more missing rows than rows."""

from lstm_cli.data.frequency.infer import count_gaps
from lstm_cli.data.frequency.step import Step
from lstm_cli.data.frequency.suggested_step import step_length, suggested_step
from lstm_cli.data.grid.sorting import SortedRows


def gap_advice(rows: SortedRows, step: Step) -> tuple[str, str]:
    """Return what to do about rows that are missing for the most part, and the option for it.

    Args:
        rows: sorted rows on the grid of the step.
        step: step of the grid.
    """
    if rows.table.resampled:
        return "use --freq with a longer step", "--freq"
    whole = rows.table.time_format.is_integer
    better = suggested_step(*count_gaps(rows.times, rows.series), whole=whole)
    if step_length(better) > step_length(step):
        return f"use --freq {better.name} --resample mean to aggregate the rows", "--resample"
    return "use --start and --end to leave out long gaps", "--start"
