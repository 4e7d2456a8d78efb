"""Report of `history` as tables."""

from collections.abc import Iterator, Mapping
from typing import Any

from lstm_cli.cli.render.page import Page
from lstm_cli.cli.render.scores import format_number
from lstm_cli.evaluation.classification.names import METRICS as CLASS_METRICS
from lstm_cli.evaluation.score_text import METRICS
from lstm_cli.rundir import ARTIFACTS, command
from lstm_cli.tasks.records import FORECAST

ABSENT = "-"
TITLES = {**METRICS, **CLASS_METRICS}
MAX_VERDICTS = 7  # newest ones of refresh


def history_table(report: Any, page: Page) -> None:
    """Print the versions with their scores and the periods in which they served, or what a rollback means."""
    if report.rollback is not None:
        for line, style in _rollback_lines(report):
            page.line(line, style)
        return
    if report.dropped is not None:
        page.line(f"the files of version {report.dropped} are removed")
        return
    _version_table(report, page)
    page.blank()
    page.table(
        ("served from (UTC)", "until", "version", "by"),
        _periods(report.versions),
        text_columns=(0, 1, 2, 3),
    )
    page.blank()
    since = [version for version in report.versions if version["since"] is not None]
    if since:
        page.line("forecasts that came true, by the last 'lstm score' or 'lstm refresh'")
        page.table(
            (
                "version",
                "forecasts",
                "until",
                "MASE",
                "WQL",
                "80 % interval",
                "bias scaled",
                "MASE of baseline",
            ),
            [_since_row(str(version["version"]), version["since"]) for version in since],
            text_columns=(0, 2),
        )
        page.blank()
    verdicts = [verdict for version in report.versions for verdict in version.get("verdicts", ())]
    for verdict in sorted(verdicts, key=lambda each: str(each["at"]))[-MAX_VERDICTS:]:
        page.line(f"{_minute(verdict['at'])}  {verdict['text']}")
    if verdicts:
        page.blank()
    page.line(_next_line(report))


def _version_table(report: Any, page: Page) -> None:
    """Print a row for each version, with its scores in the first metric of the task."""
    metric = report.metric
    title = TITLES.get(metric, metric)
    scores: dict[str, tuple[str, str]] = {f"val {title}": ("val", metric), title: ("scores", metric)}
    if metric in FORECAST.metrics:
        scores |= {"WQL": ("scores", "wql"), f"{title} since": ("since", metric)}
    rows = [
        (version, [(version[part] or {}).get(name) for part, name in scores.values()])
        for version in report.versions
    ]
    page.table(
        ("version", "made by", "made (UTC)", "data until", *scores),
        [(*_version_facts(version), *map(format_number, figures)) for version, figures in rows],
        text_columns=(0, 1, 2, 3),
    )


def _version_facts(version: Mapping[str, Any]) -> tuple[str, ...]:
    state = "current" if version["current"] else "kept" if version["kept"] else "removed"
    return (
        f"{version['version']} {state}",
        version["made_by"] or ABSENT,
        _minute(version["made"]),
        _time_text((version["data"] or {}).get("time_end")),
    )


def _since_row(version: str, since: Mapping[str, Any]) -> tuple[str, ...]:
    figures = [
        since["mase"],
        since["wql"],
        (since["coverage"] or {}).get("80"),
        since["bias_scaled"],
        since["baseline"]["mase"],
    ]
    return version, f"{since['forecasts']:,}", _time_text(since["time_end"]), *map(format_number, figures)


def _periods(versions: tuple[dict[str, Any], ...]) -> Iterator[tuple[str, str, str, str]]:
    """Yield a row for each period in which a version served, in the order of time."""
    periods = [(version, period) for version in versions for period in version["served"]]
    for version, period in sorted(
        periods, key=lambda pair: (pair[1]["since"] or "", pair[1]["until"] or "~")
    ):
        until = "now" if period["until"] is None else _minute(period["until"])
        yield _minute(period["since"]), until, str(version["version"]), period["by"] or ABSENT


def _time_text(time: str | None) -> str:
    """Return a time of the data without the T of ISO 8601, and without its seconds if they are 0.

    >>> _time_text("2018-02-01T00:00:00"), _time_text(None)
    ('2018-02-01 00:00', '-')
    """
    return ABSENT if time is None else time.replace("T", " ").removesuffix(":00")


def _minute(time: str | None) -> str:
    """Return a time of the manifest to the minute.

    >>> _minute("2026-11-29T02:00:17Z")
    '2026-11-29 02:00'
    """
    return ABSENT if time is None else time[:16].replace("T", " ")


def _rollback_lines(report: Any) -> Iterator[tuple[str, str]]:
    """Yield the lines about a rollback, each with its style."""
    facts, run = report.rollback, report.run
    number = facts["to"]
    if not facts["changed"]:
        yield f"version {number} is the current model already: nothing changed", ""
        return
    version = next(line for line in report.versions if line["version"] == number)
    until = (version["data"] or {}).get("time_end")
    learnt = "" if until is None else f", trained on data until {_time_text(until)}"
    file = "the fp32 model" if facts["quantized"] is None else f"its {facts['quantized']} model"
    yield f"predict uses version {number} from now on{learnt}: {file}", ""
    if facts["quantized_corrupt"]:
        yield f"the quantized model of version {number} was corrupt and is left out", "yellow"
    if facts["model_is_stale"]:
        yield (
            "the data of the run are not those of this version: predict warns, and evaluate, quantize and export need "
            f"'{facts['retrain']}', which can replace this version, or 'lstm prepare' with the data of this version",
            "yellow",
        )
    elif facts["stale"]:
        titles = " and ".join(ARTIFACTS[name].title for name in facts["stale"])
        commands = ", ".join(f"'{command(ARTIFACTS[name].made_by, run)}'" for name in facts["stale"])
        yield f"out of date: {titles} ({commands})", "yellow"
    if facts["exports"]:
        yield f"the files in {run}/exports are of other models ('{command('export', run)}')", "yellow"
    yield "the next training on new data or with other settings replaces this version", ""
    yield f"undo: {command('history', run)} --rollback {facts['from']}", ""


def _next_line(report: Any) -> str:
    kept = [line["version"] for line in report.versions if line["kept"] and not line["current"]]
    if not kept:
        return f"no earlier model is kept ({command('train', report.run)} --keep 3 keeps them)"
    return f"roll back: {command('history', report.run)} --rollback {kept[-1]}"
