"""Reports and runs as HTML for notebooks. Each text of a file or a run is escaped."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from lstm_cli.evaluation import BASELINES, baseline_label
from lstm_cli.evaluation.classification.names import METRICS as CLASS_METRICS

METRICS = {
    "mae": "MAE",
    "rmse": "RMSE",
    "smape": "sMAPE %",
    "mase": "MASE",
    "mse_scaled": "MSE scaled",
    "mae_scaled": "MAE scaled",
    "wql": "WQL",
    **CLASS_METRICS,
}
MAX_ITEMS = 8  # items of a list or a mapping that are shown
LEFT, RIGHT = "text-align:left", "text-align:right;font-variant-numeric:tabular-nums"
NOT_FACTS = ("run", "warnings", "findings", "up_to_date")


class HtmlReport:
    """Base class of reports that a notebook shows as a table."""

    def _repr_html_(self) -> str:
        values: dict[str, Any] = self.to_json()  # type: ignore[attr-defined]
        scores = score_html(values)
        facts = facts_html("" if scores else _title(self, values), _facts(values))
        warnings = warnings_html(values.get("warnings", ()))
        if not scores:
            return facts + warnings
        title = f"<div><b>{escape(_title(self, values))}</b></div>"
        return f"{title}{scores}<details><summary>details</summary>{facts}</details>{warnings}"


def facts_html(title: str, facts: Iterable[tuple[str, str]]) -> str:
    """Return a title and a table with one fact in each row."""
    rows = "".join(
        f"<tr><th style='{LEFT}'>{escape(name)}</th><td style='{LEFT}'>{escape(text)}</td></tr>"
        for name, text in facts
    )
    return (f"<div><b>{escape(title)}</b></div>" if title else "") + f"<table>{rows}</table>"


def score_html(report: Mapping[str, Any]) -> str:
    """Return a table of the model, its parts and the baselines; "" without scores.

    Args:
        report: object that `evaluate --json` or `train --json` prints. The scores of `train` are those of the
            validation rows.
    """
    model = report.get("metrics") or report.get("val")
    baselines = report.get("baselines") or report.get("val_baselines")
    if not model or not baselines:
        return ""
    rows = {"model": {**model, "wql": report.get("wql")}}
    rows |= {f"part {name}": part for name, part in (report.get("parts") or {}).items()}
    season = report.get("baseline_season")
    rows |= {
        baseline_label(name, season): baselines[name] for name in reversed(BASELINES) if name in baselines
    }
    rows |= {name: scores for name, scores in baselines.items() if name not in BASELINES}  # of other tasks
    columns = [name for name in METRICS if any(row.get(name) is not None for row in rows.values())]
    titles = "".join(f"<th style='{RIGHT}'>{METRICS[name]}</th>" for name in columns)
    lines = "".join(
        f"<tr><th style='{LEFT}'>{escape(title)}</th>"
        + "".join(f"<td style='{RIGHT}'>{_value_text(row.get(name))}</td>" for name in columns)
        + "</tr>"
        for title, row in rows.items()
    )
    return f"<table><tr><th></th>{titles}</tr>{lines}</table>"


def warnings_html(warnings: Sequence[str]) -> str:
    """Return the warnings as a list that opens at a click; "" without warnings."""
    if not warnings:
        return ""
    items = "".join(f"<li>{escape(text)}</li>" for text in warnings)
    return f"<details><summary>warnings: {len(warnings)}</summary><ul>{items}</ul></details>"


def _title(report: object, values: Mapping[str, Any]) -> str:
    verb = type(report).__name__.removesuffix("Report").lower()
    state = " (up to date)" if values.get("up_to_date") else ""
    return f"{verb} {values.get('run', '')}".rstrip() + state


def _facts(values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Yield the facts of a report that fit in one line each."""
    for name, value in values.items():
        if name in NOT_FACTS or value in (None, "", [], {}):
            continue
        if isinstance(value, Mapping) and all(_is_scalar(item) for item in value.values()):
            items = [f"{key} {_value_text(item)}" for key, item in value.items()]
        elif isinstance(value, list) and all(map(_is_scalar, value)):
            items = list(map(_value_text, value))
        elif _is_scalar(value):
            items = [_value_text(value)]
        else:
            continue
        more = [f"and {len(items) - MAX_ITEMS:,} more"] if len(items) > MAX_ITEMS else []
        yield name.replace("_", " "), ", ".join(items[:MAX_ITEMS] + more)


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float))


def _value_text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
