"""Report of `prepare` as a table."""

from collections.abc import Mapping
from typing import Any

from lstm_cli.cli.render.page import Page
from lstm_cli.cli.render.scores import in_parentheses
from lstm_cli.rundir import command
from lstm_cli.wording import count_noun


def prepare_table(report: Any, page: Page) -> None:
    """Print the facts of the data, the chosen settings, and the splits."""
    span = "" if report.time_start is None else f", {report.time_start} to {report.time_end}"
    facts = [
        (
            "data",
            f"{report.source}: {report.rows:,} rows of {count_noun(report.series, 'series', 'series')}{span}",
        ),
        ("frequency", report.freq),
        ("target", ", ".join(report.targets)),
        ("past", ", ".join(report.past)),
        ("future", ", ".join(report.future)),
        ("static", ", ".join(report.static)),
        ("calendar", ", ".join(report.calendar)),
        ("holidays", ", ".join(report.holidays)),
        (
            "season",
            f"{' and '.join(map(str, report.seasons)) or 'none'}{in_parentheses(report.season_reason)}",
        ),
        ("lookback", f"{report.lookback} steps{in_parentheses(report.lookback_reason)}"),
        ("horizon", count_noun(report.horizon, "step")),
        ("scaler", report.scaler),
        ("outliers", _dropped(report.outliers or {})),
        ("filled", count_noun(report.filled, "missing value") if report.filled else ""),
    ]
    page.facts((name, text) for name, text in facts if text)
    page.blank()
    names = {"train": "train", "val": "validation", "test": "test"}
    rows = [
        (name, f"{report.split_rows[split]:,}", f"{report.windows[split]:,}") for split, name in names.items()
    ]
    page.table(("split", "rows", "windows"), rows)
    page.blank()
    page.line(f"wrote {report.run} ({report.megabytes:.1f} MB)")
    page.line(f"next: {command('train', report.run)}")


def _dropped(outliers: Mapping[str, int]) -> str:
    """Return the number of dropped outliers by target, as text."""
    counts = [f"{count:,} of {name}" for name, count in outliers.items() if count]
    return f"{', '.join(counts)} dropped" if counts else ""
