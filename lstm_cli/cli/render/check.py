"""Report of `check` as tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from lstm_cli.cli.render.page import Page
from lstm_cli.cli.render.scores import in_parentheses
from lstm_cli.cli.stdio import as_one_line, is_ignored
from lstm_cli.evaluation.score_text import format_number
from lstm_cli.wording import count_noun

MAX_NAME = 64  # characters of a column name in a table
REPEATED_HOURS = ("row of a repeated hour in autumn", "rows of repeated hours in autumn")
DUPLICATES = ("row with a duplicate timestamp", "rows with duplicate timestamps")
MAX_LINES = 3  # line numbers next to a count
MAX_COLUMNS = 40  # columns in a table; --json has all
STYLES = {"error": "red", "warning": "yellow", "note": ""}


def check_table(report: Any, page: Page) -> None:
    """Print the facts of the file, its columns, the expected windows and training time, and the problems."""
    page.facts((name, text) for name, text in _facts(report) if text)
    page.blank()
    print_columns(report.columns, page)
    if report.strength:
        page.blank()
        _strength(report, page)
    if report.windows is not None:
        page.blank()
        _windows(report, page)
    print_findings(report, page)
    if report.picture is not None:
        page.line(f"plot: {report.picture}")


def _facts(report: Any) -> list[tuple[str, str]]:
    series = "" if report.series in (None, 1) else f" of {report.series:,} series"
    rows, columns = count_noun(report.rows, "row"), count_noun(len(report.columns), "column")
    span = "" if report.time is None else f"{report.time['start']} to {report.time['end']}"
    return [
        ("data", f"{report.source}: {rows}{series}, {columns}"),
        ("time", span and f"{span}, frequency {report.freq or 'not found'}"),
        ("gaps", _gaps(report.holes)),
        ("duplicates", _count_with_lines(report.doubles, *DUPLICATES)),
        ("clock changes", _clock_changes(report.daylight_saving)),
        ("outliers", "; ".join(_outliers(outliers) for outliers in report.outliers)),
        ("season", _season(report)),
    ]


def _gaps(gaps: Mapping[str, Any] | None) -> str:
    if gaps is None:
        return ""
    if not gaps["count"]:
        return "none"
    longest = gaps["longest"]
    lines = _lines([gap["line"] for gap in gaps["places"]])
    span = longest["from"] if longest["rows"] == 1 else f"{longest['from']} to {longest['to']}"
    of = f" of '{longest['series']}'" if longest["series"] is not None else ""
    return (
        f"{count_noun(gaps['count'], 'missing row')} after {lines} "
        f"(longest gap: {count_noun(longest['rows'], 'row')}, {span}{of})"
    )


def _count_with_lines(finding: Mapping[str, Any] | None, singular: str, plural: str) -> str:
    if finding is None:
        return ""
    if not finding["count"]:
        return "none"
    return f"{count_noun(finding['count'], singular, plural)}: {_lines(finding['lines'])}"


def _clock_changes(changes: Mapping[str, Any] | None) -> str:
    """Return the hours skipped or repeated by daylight saving time; "" without any."""
    if changes is None:
        return ""
    hours = []
    if changes["skipped"]:
        skipped = count_noun(changes["skipped"], "hour")
        hours.append(f"{skipped} skipped in spring, after {_lines(changes['skipped_after'])}")
    if changes["told_twice"]:
        repeated = {"count": changes["told_twice"], "lines": changes["told_twice_lines"]}
        hours.append(_count_with_lines(repeated, *REPEATED_HOURS))
    return "; ".join(hours)


def _outliers(outliers: Mapping[str, Any]) -> str:
    values = count_noun(outliers["count"], "value")
    return f"{_short(outliers['column'])} {values}: {_lines(outliers['lines'])}"


def _lines(lines: Sequence[int]) -> str:
    """Return the first line numbers as text."""
    more = ", …" if len(lines) > MAX_LINES else ""
    return f"line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines[:MAX_LINES]))}{more}"


def _season(report: Any) -> str:
    if report.seasons is None:
        return ""
    return f"{' and '.join(map(str, report.seasons)) or 'none'}{in_parentheses(report.season_reason)}"


def print_columns(columns: Sequence[Mapping[str, Any]], page: Page) -> None:
    """Print a table of the columns of a file."""
    page.table(
        ("column", "role", "type", "missing", "min", "max"),
        [
            (
                _short(column["name"]),
                column["part"] or "-",
                column["reads_as"],
                f"{column['missing']:,}",
                format_number(column["least"]),
                format_number(column["greatest"]),
            )
            for column in columns[:MAX_COLUMNS]
        ],
    )
    if len(columns) > MAX_COLUMNS:
        page.line(f"and {len(columns) - MAX_COLUMNS:,} more, see --json")


def _strength(report: Any, page: Page) -> None:
    page.table(
        ("column", "season", "season strength", "trend strength"),
        [
            (
                _short(strength["column"]),
                "-" if strength["season"] is None else str(strength["season"]),
                _fraction(strength["season_strength"]),
                _fraction(strength["trend_strength"]),
            )
            for strength in report.strength[:MAX_COLUMNS]
        ],
    )


def _fraction(value: float | None) -> str:
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
        fastest, slowest = report.expected["seconds"]
        page.line(
            f"estimate for lstm train: {_duration(fastest)} to {_duration(slowest)}, "
            f"{report.expected['memory_mb']:,} MB of memory"
        )


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def print_findings(report: Any, page: Page) -> None:
    """Print the findings of a report, but not the error that ends the command."""
    # The error that ends the command is printed on stderr, with its hint.
    findings = [
        finding
        for finding in report.findings
        if finding["kind"] != "refused" and not is_ignored(finding["rule"])
    ]
    if findings or report.refused is None:
        page.blank()
    if not findings and report.refused is None:
        page.line("no problems found", "green")
    for finding in findings:
        severity = finding["severity"]
        page.line(f"{severity}[{finding['rule']}]: {finding['text']}", STYLES[severity])


def _short(name: str) -> str:
    name = as_one_line(name)
    return name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1]}…"
