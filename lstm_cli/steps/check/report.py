"""What `check` reports, from what is known of a file."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lstm_cli.data.grid.regular_grid import Grid, GridRows
from lstm_cli.data.grid.row_lookup import GridLines
from lstm_cli.data.grid.sorting import location_formatter
from lstm_cli.data.quality.decomposition import trend_and_season_strengths
from lstm_cli.data.quality.gaps import DuplicateRows, Gaps, find_duplicates
from lstm_cli.data.reading.table import Table
from lstm_cli.data.times.daylight_saving import skipped_hours
from lstm_cli.data.times.frequency import Step
from lstm_cli.steps.check.inspect import CheckState, findings
from lstm_cli.steps.check.training_cost import estimate_training_cost
from lstm_cli.steps.shared.report_json import to_plain

PLACES = 10  # first holes, doubles and outliers that the report holds


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """What a file holds, and what `prepare` and `train` would make of it; None where that was not come to."""

    source: str
    rows: int  # of the file
    columns: list[dict[str, Any]]  # name, reads_as, part, missing, first_missing, value, least, greatest
    target_named: bool  # False: several columns could be the target, and none was named
    targets: tuple[str, ...]
    past: tuple[str, ...]
    future: tuple[str, ...]
    series: int | None
    ended: tuple[str, ...] | None  # names of the series that ended more than a horizon before the newest row
    time: dict[str, Any] | None  # column, start, end; None: rows are counted as steps
    freq: str | None
    holes: dict[str, Any] | None  # count, longest, places: line before, series, from, to, rows
    doubles: dict[str, Any] | None  # count, lines: rows of a time that there was already
    daylight_saving: (
        dict[str, Any] | None
    )  # skipped: hours that local clocks skip in spring; the lines before
    outliers: list[dict[str, Any]]  # column, count, lines, values
    strength: list[dict[str, Any]]  # column, season, season_strength, trend_strength
    seasons: tuple[int, ...] | None  # that the training rows confirm
    season_reason: str | None
    lookback: int | None  # steps
    horizon: int | None  # steps
    windows: dict[str, int] | None
    split_rows: dict[str, int] | None
    expected: dict[str, Any] | None  # of `lstm train`, by rule of thumb: see Expectation
    findings: list[dict[str, Any]]  # see findings.py
    refused: dict[str, Any] | None  # message and hint of `prepare`
    picture: str | None

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return to_plain(self)


def report_of(known: CheckState, *, picture: str | None) -> CheckReport:
    """The report of all that is known."""
    survey, table, grid, found = known.survey, known.table, known.grid, known.found
    schema = found.schema if found is not None else None
    refused, windows = known.refused, known.windows
    config = known.config
    doubles = None if table is None else find_duplicates(table, start=config.start, end=config.end)
    return CheckReport(
        source=survey.source,
        rows=survey.rows,
        columns=_columns(known),
        target_named=known.target_named,
        targets=table.targets if table is not None and known.target_named else (),
        past=known.config.past,
        future=known.config.future,
        series=None if grid is None else len(grid.names),
        ended=None if found is None else found.ended,
        time=None if table is None else _time(table),
        freq=None if grid is None else grid.step.name,
        holes=None if table is None or grid is None else _holes(known.gaps, table),
        doubles=None if doubles is None else _doubles(doubles),
        daylight_saving=None
        if table is None or doubles is None
        else _daylight_saving(known.gaps, doubles, table, None if grid is None else grid.step),
        outliers=[] if table is None or grid is None else _outliers(known, table, grid),
        strength=[] if table is None or grid is None else _strength(known, table, grid),
        seasons=None if schema is None else schema.seasons,
        season_reason=None if found is None else found.season_reason,
        lookback=None if schema is None else schema.lookback,
        horizon=None if schema is None else schema.horizon,
        windows=windows,
        split_rows=None if found is None else found.series.split_rows,
        expected=None
        if found is None or windows is None or not known.target_named
        else asdict(estimate_training_cost(found.schema, found.series, windows=windows["train"])),
        findings=[finding.to_dict() for finding in findings(known)],
        refused=None if refused is None else {"message": refused.message, "hint": refused.hint},
        picture=picture,
    )


def _columns(known: CheckState) -> list[dict[str, Any]]:
    table, config = known.table, known.config
    targets = config.target if table is None else table.targets
    parts = dict.fromkeys(targets if known.target_named else (), "target")
    parts |= dict.fromkeys(config.past, "past") | dict.fromkeys(config.future, "future")
    time, series = (config.time, config.series) if table is None else (table.time_name, table.series_name)
    parts |= {name: part for name, part in ((time, "time"), (series, "series")) if name is not None}
    rows: list[dict[str, Any]] = []
    for column in known.survey.columns:
        part = parts.get(column.name)
        rows.append(
            {
                "name": column.name,
                "reads_as": "time" if part == "time" else column.reads_as,
                "part": part,
                "missing": column.missing,
                "first_missing": column.first_missing,
                "value": column.constant,
                "least": None if part == "time" else column.min_value,
                "greatest": None if part == "time" else column.max_value,
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


def _holes(gaps: Gaps | None, table: Table) -> dict[str, Any]:
    if gaps is None or not len(gaps.rows):
        return {"count": 0, "longest": None, "places": []}
    wording = location_formatter(table)

    def place(one: int) -> dict[str, Any]:
        return {
            "line": int(gaps.before[one]),
            "series": table.series_names[gaps.series[one]] if table.series_name is not None else None,
            "from": wording.time(int(gaps.first_us[one])),
            "to": wording.time(int(gaps.last_us[one])),
            "rows": int(gaps.rows[one]),
        }

    return {
        "count": int(gaps.rows.sum()),
        "longest": place(int(np.argmax(gaps.rows))),
        "places": [place(int(one)) for one in np.argsort(gaps.before, kind="stable")[:PLACES]],
    }


def _doubles(doubles: DuplicateRows) -> dict[str, Any]:
    return {"count": len(doubles.lines), "lines": doubles.lines[:PLACES].tolist()}


def _daylight_saving(
    gaps: Gaps | None, doubles: DuplicateRows, table: Table, step: Step | None
) -> dict[str, Any]:
    """Hours that were skipped are known where there is a grid, those told twice by the rows alone."""
    skipped = np.zeros(0, dtype=np.int64)
    if gaps is not None and step is not None:
        skipped = np.sort(gaps.before[skipped_hours(gaps.first_us, gaps.rows, step, table.time_format)])
    twice = doubles.lines[doubles.ambiguous_hour]
    return {
        "skipped": len(skipped),
        "skipped_after": skipped[:PLACES].tolist(),
        "told_twice": len(twice),
        "told_twice_lines": twice[:PLACES].tolist(),
    }


def _outliers(known: CheckState, table: Table, grid: Grid) -> list[dict[str, Any]]:
    rows = GridLines(table, grid)
    return [
        {
            "column": table.columns[one.column],
            "count": len(one.rows),
            "lines": [rows.line(int(row)) for row in one.rows[:PLACES]],
            "values": one.values[:PLACES].tolist(),
        }
        for one in known.outliers
    ]


def _strength(known: CheckState, table: Table, grid: Grid) -> list[dict[str, Any]]:
    offset = GridLines(table, grid).offset
    series = [
        GridRows(grid=grid, begin=begin, shape=(count, len(table.targets)))
        for begin, count in zip(offset.tolist(), grid.counts.tolist(), strict=True)
    ]
    return [
        {
            "column": table.columns[one.column],
            "season": one.period,
            "season_strength": None if one.season is None else round(one.season, 4),
            "trend_strength": round(one.trend, 4),
        }
        for one in trend_and_season_strengths(series, len(table.targets), known.seasons)
    ]
