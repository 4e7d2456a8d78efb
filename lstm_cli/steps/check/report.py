"""Report of `check`."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lstm_cli.data.frequency.daylight_saving import skipped_hours
from lstm_cli.data.frequency.step import Step
from lstm_cli.data.grid.regular_grid import Grid, GridSeries
from lstm_cli.data.grid.row_lookup import GridLines
from lstm_cli.data.grid.sorting import location_formatter
from lstm_cli.data.quality.decomposition import trend_and_season_strengths
from lstm_cli.data.quality.gaps import DuplicateRows, Gaps, find_duplicates
from lstm_cli.data.reading.table import Table
from lstm_cli.steps.check.inspect import CheckState, findings
from lstm_cli.steps.check.training_cost import estimate_training_cost
from lstm_cli.steps.shared.report_html import HtmlReport
from lstm_cli.steps.shared.report_json import to_plain

MAX_EXAMPLES = 10  # of gaps, duplicate rows and outliers in the report


@dataclass(frozen=True, kw_only=True)
class CheckReport(HtmlReport):
    """Contents of a file, and the result of `prepare` and `train`; a field is None if it is not known."""

    source: str
    rows: int  # of the file
    columns: list[dict[str, Any]]  # name, reads_as, part, missing, first_missing, value, least, greatest
    target_named: bool  # False: several columns could be the target, and none was named
    targets: tuple[str, ...]
    past: tuple[str, ...]
    future: tuple[str, ...]
    series: int | None
    ended: tuple[str, ...] | None  # names of the series that ended more than a horizon before the newest row
    time: dict[str, Any] | None  # column, start, end; None without a time column
    freq: str | None
    holes: dict[str, Any] | None  # count, longest, places: line before, series, from, to, rows
    doubles: dict[str, Any] | None  # count, lines: rows with a duplicate timestamp
    daylight_saving: (
        dict[str, Any] | None
    )  # skipped: hours that local clocks skip in spring, with the lines before them
    outliers: list[dict[str, Any]]  # column, count, lines, values
    strength: list[dict[str, Any]]  # column, season, season_strength, trend_strength
    seasons: tuple[int, ...] | None  # confirmed by the training rows
    season_reason: str | None
    lookback: int | None  # steps
    horizon: int | None  # steps
    windows: dict[str, int] | None
    split_rows: dict[str, int] | None
    expected: dict[str, Any] | None  # estimated cost of `lstm train`, see TrainingCost
    findings: list[dict[str, Any]]  # see findings.py
    refused: dict[str, Any] | None  # message and hint of `prepare`
    picture: str | None

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return to_plain(self)


def report_of(state: CheckState, *, picture: str | None) -> CheckReport:
    """Return the report of all known facts."""
    profile, table, grid, assembled = state.profile, state.table, state.grid, state.assembled
    schema = assembled.schema if assembled is not None else None
    refused, windows = state.refused, state.windows
    config = state.config
    duplicates = None if table is None else find_duplicates(table, start=config.start, end=config.end)
    return CheckReport(
        source=profile.source,
        rows=profile.rows,
        columns=_columns(state),
        target_named=state.target_named,
        targets=table.targets if table is not None and state.target_named else (),
        past=state.config.past,
        future=state.config.future,
        series=None if grid is None else len(grid.names),
        ended=None if assembled is None else assembled.ended,
        time=None if table is None else _time(table),
        freq=None if grid is None else grid.step.name,
        holes=None if table is None or grid is None else _gaps(state.gaps, table),
        doubles=None if duplicates is None else _duplicates(duplicates),
        daylight_saving=None
        if table is None or duplicates is None
        else _daylight_saving(state.gaps, duplicates, table, None if grid is None else grid.step),
        outliers=[] if table is None or grid is None else _outliers(state, table, grid),
        strength=[] if table is None or grid is None else _strength(state, table, grid),
        seasons=None if schema is None else schema.seasons,
        season_reason=None if assembled is None else assembled.season_reason,
        lookback=None if schema is None else schema.lookback,
        horizon=None if schema is None else schema.horizon,
        windows=windows,
        split_rows=None if assembled is None else assembled.series.split_rows,
        expected=None
        if assembled is None or windows is None or not state.target_named
        else asdict(estimate_training_cost(assembled.schema, assembled.series, windows=windows["train"])),
        findings=[finding.to_dict() for finding in findings(state)],
        refused=None if refused is None else {"message": refused.message, "hint": refused.hint},
        picture=picture,
    )


def _columns(state: CheckState) -> list[dict[str, Any]]:
    table, config = state.table, state.config
    targets = config.target if table is None else table.targets
    roles = dict.fromkeys(targets if state.target_named else (), "target")
    roles |= dict.fromkeys(config.past, "past") | dict.fromkeys(config.future, "future")
    roles |= dict.fromkeys(config.static, "static")
    time, series = (
        (config.time, config.series) if table is None else (table.time_columns, table.series_columns)
    )
    roles |= dict.fromkeys(time, "time") | dict.fromkeys(series, "series")
    rows: list[dict[str, Any]] = []
    for column in state.profile.columns:
        role = roles.get(column.name)
        rows.append(
            {
                "name": column.name,
                "reads_as": "time" if role == "time" and table is not None else column.reads_as,
                "part": role,
                "missing": column.missing,
                "first_missing": column.first_missing,
                "value": column.constant,
                "least": None if role == "time" else column.min_value,
                "greatest": None if role == "time" else column.max_value,
            }
        )
    return rows


def _time(table: Table) -> dict[str, Any] | None:
    if table.time_name is None:
        return None
    wording = location_formatter(table)
    return {
        "column": table.time_name,
        "start": wording.time(int(table.times.min())),
        "end": wording.time(int(table.times.max())),
    }


def _gaps(gaps: Gaps | None, table: Table) -> dict[str, Any]:
    if gaps is None or not len(gaps.rows):
        return {"count": 0, "longest": None, "places": []}
    wording = location_formatter(table)

    def gap_at(index: int) -> dict[str, Any]:
        return {
            "line": int(gaps.before[index]),
            "series": table.series_names[gaps.series[index]] if table.series_name is not None else None,
            "from": wording.time(int(gaps.first_us[index])),
            "to": wording.time(int(gaps.last_us[index])),
            "rows": int(gaps.rows[index]),
        }

    return {
        "count": int(gaps.rows.sum()),
        "longest": gap_at(int(np.argmax(gaps.rows))),
        "places": [gap_at(int(index)) for index in np.argsort(gaps.before, kind="stable")[:MAX_EXAMPLES]],
    }


def _duplicates(duplicates: DuplicateRows) -> dict[str, Any]:
    return {"count": len(duplicates.lines), "lines": duplicates.lines[:MAX_EXAMPLES].tolist()}


def _daylight_saving(
    gaps: Gaps | None, duplicates: DuplicateRows, table: Table, step: Step | None
) -> dict[str, Any]:
    """Return skipped hours (they need a time grid) and repeated hours (they need only the rows)."""
    skipped = np.zeros(0, dtype=np.int64)
    if gaps is not None and step is not None:
        skipped = np.sort(gaps.before[skipped_hours(gaps.first_us, gaps.rows, step, table.time_format)])
    repeated = duplicates.lines[duplicates.ambiguous_hour]
    return {
        "skipped": len(skipped),
        "skipped_after": skipped[:MAX_EXAMPLES].tolist(),
        "told_twice": len(repeated),
        "told_twice_lines": repeated[:MAX_EXAMPLES].tolist(),
    }


def _outliers(state: CheckState, table: Table, grid: Grid) -> list[dict[str, Any]]:
    rows = GridLines(table, grid)
    return [
        {
            "column": table.columns[outlier.column],
            "count": len(outlier.rows),
            "lines": [rows.line(int(row)) for row in outlier.rows[:MAX_EXAMPLES]],
            "values": outlier.values[:MAX_EXAMPLES].tolist(),
        }
        for outlier in state.outliers
    ]


def _strength(state: CheckState, table: Table, grid: Grid) -> list[dict[str, Any]]:
    offset = GridLines(table, grid).offset
    series = GridSeries(grid=grid, begins=offset, lengths=grid.counts, columns=len(table.targets))
    return [
        {
            "column": table.columns[strength.column],
            "season": strength.period,
            "season_strength": None if strength.season is None else round(strength.season, 4),
            "trend_strength": round(strength.trend, 4),
        }
        for strength in trend_and_season_strengths(series, len(table.targets), state.seasons)
    ]
