"""Reports of `runs` as text: one run, a list, a comparison, and the folders to clean."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from lstm_cli.cli.render.markdown import MarkdownPage
from lstm_cli.cli.render.page import Page
from lstm_cli.cli.render.run_summary import list_names, run_page, shorten
from lstm_cli.config.option_values import value_text
from lstm_cli.evaluation.classification.names import METRICS as CLASS_METRICS
from lstm_cli.evaluation.score_text import METRICS, format_number, format_percent
from lstm_cli.tasks.records import FORECAST
from lstm_cli.wording import count_noun

TITLES = {**METRICS, **CLASS_METRICS}
FIRST = FORECAST.metrics[0]  # metric of the columns of forecasts
MAX_CELL = 20  # characters of a name in a column that is not wrapped
MAX_LINES = 10  # problems below a list


AnyPage: TypeAlias = Page | MarkdownPage


def runs_page(report: Any, page: AnyPage) -> None:
    """Print one run, or a list of runs."""
    if report.single:
        run_page(report.runs[0], page)
    else:
        _list_page(report, page)


def _list_page(report: Any, page: AnyPage) -> None:
    if not report.runs:
        page.line(f"no runs in {report.run}")
    else:
        header: tuple[str, ...] = (
            "run",
            "MASE",
            "MAE",
            "better by %",
            "80 % coverage",
            "windows",
            "horizon",
            "state",
            "model",
            "target",
            "last step (UTC)",
        )
        rows = [_list_row(summary) for summary in report.runs]
        # Runs of other tasks have other metrics than those of a forecast.
        scored = any(summary.score and summary.score["metric"] != FIRST for summary in report.runs)
        if scored:
            header = (header[0], "score", *header[1:])
            rows = [
                (row[0], _score(summary), *row[1:]) for row, summary in zip(rows, report.runs, strict=True)
            ]
        whole = range(len(header) - 4, len(header))
        page.table(header, rows, whole_columns=tuple(whole))
        page.blank()
        page.line("better by: how much lower the error is than that of the best baseline")
        if report.same_windows is False:
            page.line(
                "The scores are not all of the same windows, so they do not rank the runs. "
                f"'lstm runs {report.run} --diff A B' says why."
            )
    problems = [
        f"{summary.name}: {summary.problem}" for summary in report.runs if summary.problem is not None
    ]
    problems += [f"not searched: {item['path']}: {item['reason']}" for item in report.skipped]
    for text in problems[:MAX_LINES]:
        page.line(text)
    if len(problems) > MAX_LINES:
        page.line(f"and {len(problems) - MAX_LINES:,} more, see --json")


def _list_row(summary: Any) -> tuple[str, ...]:
    data, model, scores = summary.data, summary.model, summary.scores
    return (
        summary.name,
        format_number(None if scores is None else scores.metrics.get("mase")),
        format_number(None if scores is None else scores.metrics.get("mae")),
        _percent(None if scores is None else scores.difference),
        _percent(None if scores is None else scores.coverage.get("80")),
        "-" if scores is None or scores.windows is None else f"{scores.windows:,}",
        "-" if data is None or data.horizon is None else f"{data.horizon:,}",
        summary.state,
        "-" if model is None or model.model is None else shorten(model.model, MAX_CELL),
        "-" if data is None or not data.targets else _first_target(data.targets),
        "-" if summary.time is None else shorten(summary.time, MAX_CELL).replace("T", " ").removesuffix("Z"),
    )


def _score(summary: Any) -> str:
    """Return the first metric of the task of a run, and its value."""
    if summary.score is None:
        return "-"
    metric = summary.score["metric"]
    return f"{TITLES.get(metric, metric)} {format_number(summary.score['value'])}"


def _first_target(targets: Sequence[str]) -> str:
    more = f" +{len(targets) - 1:,}" if len(targets) > 1 else ""
    return f"{shorten(targets[0], MAX_CELL)}{more}"


def _percent(value: float | None) -> str:
    return "-" if value is None else format_percent(value)


def diff_page(report: Any, page: AnyPage) -> None:
    """Print what differs between two runs, and their scores on the same windows."""
    page.facts((("A", report.a), ("B", report.b)))
    tables = (
        ("setting", report.settings, _setting_name, "no setting differs"),
        ("data", report.data, lambda row: row["fact"].replace("_", " "), "the data are the same"),
        ("version", report.versions, _version_name, "no version differs"),
    )
    for title, rows, name, none in tables:
        page.blank()
        if not rows:
            page.line(none)
            continue
        page.table(
            (title, "A", "B"),
            [(shorten(name(row)), _value(row["a"]), _value(row["b"])) for row in rows],
            text_columns=(0, 1, 2),
        )
    page.blank()
    if not report.same_windows:
        page.line(f"The scores are not compared, because the windows are not the same: {report.reason}.")
    else:
        page.line(f"scores on the same {count_noun(report.windows or 0, 'window')}")
        page.table(
            ("metric", "A", "B", "B - A, %"),
            [
                (
                    _metric_title(row["metric"]),
                    format_number(row["a"]),
                    format_number(row["b"]),
                    "-" if row["difference"] is None else f"{row['difference']:+.2f}",
                )
                for row in report.scores
            ],
        )
    for note in report.notes:
        page.line(note)


def _setting_name(row: Mapping[str, Any]) -> str:
    return f"{row['step']} --{row['setting'].replace('_', '-')}"


def _version_name(row: Mapping[str, Any]) -> str:
    return f"{row['step']} {row['name']}"


def _metric_title(metric: str) -> str:
    if metric.startswith("coverage."):
        return f"coverage of the {shorten(metric.removeprefix('coverage.'))} % interval, %"
    return METRICS.get(metric, metric.upper())


def _value(value: Any) -> str:
    """Return a value as text; a checksum with 12 digits."""
    if isinstance(value, str):
        return value[:12] if len(value) == 64 and set(value) <= set("0123456789abcdef") else shorten(value)
    return shorten(value_text(value))


def clean_page(report: Any, page: AnyPage) -> None:
    """Print the folders that `run.json` does not name, and the runs that were skipped."""
    if report.folders:
        page.table(
            ("folder", "files", "KB", "state"),
            [
                (
                    f"{folder.run}/{folder.folder}",
                    f"{folder.files:,}",
                    f"{folder.size / 1e3:,.1f}",
                    _clean_state(folder),
                )
                for folder in report.folders
            ],
            text_columns=(0, 3),
        )
        page.blank()
        if not report.delete:
            page.line(
                "run.json names none of these folders. --clean --delete removes what lstm wrote in them."
            )
    else:
        page.line(f"no folder to remove in {count_noun(report.checked, 'run')}")
    for item in (*report.locked, *report.skipped)[:MAX_LINES]:
        page.line(f"{item['path']}: {item['reason']}")


def _clean_state(folder: Any) -> str:
    if folder.removed:
        return "removed"
    if folder.in_use:
        return "may be in use"
    if folder.others:
        return f"{list_names(folder.others)} {'stays' if len(folder.others) == 1 else 'stay'}"
    return "not in use"
