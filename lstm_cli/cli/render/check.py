"""What `check` found as a person reads it."""

from collections.abc import Mapping, Sequence
from typing import Any

from lstm_cli.cli.render.page import Page
from lstm_cli.cli.render.scores import format_figure, in_brackets
from lstm_cli.cli.stdio import as_one_line, is_ignored
from lstm_cli.text import count_noun

NAME = 64  # letters of a column's name in a table; a terminal folds them
TWICE = ("row of an hour told twice in autumn", "rows of hours told twice in autumn")
SHOWN = 3  # lines beside a count
LISTED = 40  # columns in a table; --json holds them all
STYLES = {"error": "red", "warning": "yellow", "note": ""}


def check_table(report: Any, page: Page) -> None:
    """The file, its columns, what training on it would be, and what is wrong with it."""
    page.facts((name, text) for name, text in _facts(report) if text)
    page.blank()
    _columns(report.columns, page)
    if report.strength:
        page.blank()
        _strength(report, page)
    if report.windows is not None:
        page.blank()
        _windows(report, page)
    page.blank()
    _findings(report, page)
    if report.picture is not None:
        page.line(f"picture: {report.picture}")


def _facts(report: Any) -> list[tuple[str, str]]:
    series = "" if report.series in (None, 1) else f" of {report.series:,} series"
    rows, columns = count_noun(report.rows, "row"), count_noun(len(report.columns), "column")
    span = "" if report.time is None else f"{report.time['start']} to {report.time['end']}"
    return [
        ("read", f"{report.source}: {rows}{series}, {columns}"),
        ("times", span and f"{span}, step {report.freq or 'not found'}"),
        ("holes", _holes(report.holes)),
        ("doubles", _places(report.doubles, "row of a time told before", "rows of a time told before")),
        ("clocks", _clocks(report.daylight_saving)),
        ("outliers", "; ".join(_outliers(one) for one in report.outliers)),
        ("season", _season(report)),
    ]


def _holes(holes: Mapping[str, Any] | None) -> str:
    if holes is None:
        return ""
    if not holes["count"]:
        return "none"
    longest = holes["longest"]
    lines = _lines([place["line"] for place in holes["places"]])
    span = longest["from"] if longest["rows"] == 1 else f"{longest['from']} to {longest['to']}"
    of = f" of '{longest['series']}'" if longest["series"] is not None else ""
    return (
        f"{count_noun(holes['count'], 'row')} missing, after {lines}; "
        f"longest {count_noun(longest['rows'], 'row')}, {span}{of}"
    )


def _places(found: Mapping[str, Any] | None, one: str, many: str) -> str:
    if found is None:
        return ""
    if not found["count"]:
        return "none"
    return f"{count_noun(found['count'], one, many)}: {_lines(found['lines'])}"


def _clocks(found: Mapping[str, Any] | None) -> str:
    """Hours that local clocks skipped or told twice; nothing where there are none."""
    if found is None:
        return ""
    hours = []
    if found["skipped"]:
        skipped = count_noun(found["skipped"], "hour")
        hours.append(f"{skipped} skipped in spring, after {_lines(found['skipped_after'])}")
    if found["told_twice"]:
        hours.append(_places({"count": found["told_twice"], "lines": found["told_twice_lines"]}, *TWICE))
    return "; ".join(hours)


def _outliers(found: Mapping[str, Any]) -> str:
    values = count_noun(found["count"], "value")
    return f"{_short(found['column'])} {values}: {_lines(found['lines'])}"


def _lines(lines: Sequence[int]) -> str:
    """The first of them."""
    more = ", …" if len(lines) > SHOWN else ""
    return f"line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines[:SHOWN]))}{more}"


def _season(report: Any) -> str:
    if report.seasons is None:
        return ""
    return f"{' and '.join(map(str, report.seasons)) or 'none'}{in_brackets(report.season_reason)}"


def _columns(columns: Sequence[Mapping[str, Any]], page: Page) -> None:
    page.table(
        ("column", "part", "reads as", "missing", "least", "greatest"),
        [
            (
                _short(column["name"]),
                column["part"] or "-",
                column["reads_as"],
                f"{column['missing']:,}",
                format_figure(column["least"]),
                format_figure(column["greatest"]),
            )
            for column in columns[:LISTED]
        ],
    )
    if len(columns) > LISTED:
        page.line(f"and {len(columns) - LISTED:,} more, see --json")


def _strength(report: Any, page: Page) -> None:
    page.table(
        ("column", "season", "strength of it", "strength of trend"),
        [
            (
                _short(one["column"]),
                "-" if one["season"] is None else str(one["season"]),
                _share(one["season_strength"]),
                _share(one["trend_strength"]),
            )
            for one in report.strength[:LISTED]
        ],
    )


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _windows(report: Any, page: Page) -> None:
    names = {"train": "train", "val": "validation", "test": "test"}
    page.table(
        ("split", "rows", "windows"),
        [
            (name, f"{report.split_rows[split]:,}", f"{report.windows[split]:,}")
            for split, name in names.items()
        ],
    )
    page.line(f"lookback {report.lookback}, horizon {count_noun(report.horizon, 'step')}")
    if report.expected is not None:
        least, most = report.expected["seconds"]
        page.line(
            f"lstm train, by rule of thumb: {_duration(least)} to {_duration(most)}, "
            f"{report.expected['memory_mb']:,} MB of memory"
        )


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _findings(report: Any, page: Page) -> None:
    findings = [finding for finding in report.findings if not is_ignored(finding["rule"])]
    if not findings:
        page.line("nothing found that needs attention", "green")
    for finding in findings:
        severity = finding["severity"]
        page.line(f"{severity}[{finding['rule']}]: {finding['text']}", STYLES[severity])


def _short(name: str) -> str:
    name = as_one_line(name)
    return name if len(name) <= NAME else f"{name[: NAME - 1]}…"
