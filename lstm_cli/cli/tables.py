"""Reports as a person reads them, and as one JSON object. The result of a command: it goes to stdout."""

import io
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from lstm_cli.cli.streams import is_lively, one_line, say, writing_out

BASELINES = {"linear": "linear", "seasonal_naive": "seasonal naive", "naive": "naive"}
METRICS = {
    "mae": "MAE",
    "rmse": "RMSE",
    "smape": "sMAPE %",
    "mase": "MASE",
    "mse_scaled": "MSE scaled",
    "mae_scaled": "MAE scaled",
}
MANY = 12  # rows of a table of targets, series or steps; --json holds them all
KEPT = "\ue000"  # stands for a blank that Rich would cut from the end of a cell; in no name, see one_line
AS_GOOD = 0.005  # errors that differ by a smaller share are called equal


class Report(Protocol):
    """What every step returns."""

    def to_json(self) -> dict[str, Any]:
        """The object that --json prints."""


class Page:
    """Lines and tables one below the other: drawn by Rich, without a colour where nobody could see it.

    They are kept until `text` is asked for: Rich has an ending of its own for a closed pipe, and so have we.
    """

    def __init__(self) -> None:
        from rich.console import Console

        lively = is_lively(sys.stdout)
        self._drawn = io.StringIO()
        self._console = Console(
            file=self._drawn,
            force_terminal=lively,
            color_system="auto" if lively else None,
            width=None if lively else 1000,  # a pipe has no width: nothing is folded
            highlight=False,
            markup=False,
            emoji=False,
        )

    def line(self, text: str, style: str = "") -> None:
        """One line of text."""
        self._console.print(one_line(text), style=style or None, soft_wrap=True)

    def text(self) -> str:
        """All of it, without blanks at the ends of lines."""
        drawn = self._drawn.getvalue().replace(KEPT, " ")
        return "".join(f"{line.rstrip()}\n" for line in drawn.splitlines())

    def blank(self) -> None:
        """An empty line."""
        self._console.print()

    def facts(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Names and what is so, one a line."""
        pairs = list(pairs)
        width = max(len(name) for name, _ in pairs)
        for name, text in pairs:
            self.line(f"{name:{width}}  {text}")

    def table(self, header: Sequence[str], rows: Iterable[Sequence[str]], best: Sequence[int] = ()) -> None:
        """A table of figures beside a column of text; `best`: the row to mark in each column of figures."""
        from rich.box import SIMPLE_HEAD
        from rich.table import Table
        from rich.text import Text

        table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
        for place, name in enumerate(header):
            table.add_column(name, justify="right" if place else "left", no_wrap=True)
        for index, row in enumerate(rows):
            cells = [Text(one_line(row[0]))]
            for place, figure in enumerate(row[1:]):
                marked = bool(best) and best[place] == index
                # the mark has a place of its own in each cell, so that figures stand below each other
                cells.append(
                    Text(
                        figure + (" *" if marked else KEPT * 2 if best else ""),
                        "bold green" if marked else "",
                    )
                )
            table.add_row(*cells)
        self._console.print(table)


def show(report: Any, draw: Callable[[Any, Page], None], *, as_json: bool) -> None:
    """Print a report: as JSON for a machine, else as `draw` lays it out for a person."""
    if as_json:
        show_json(report)
    else:
        page = Page()
        draw(report, page)
        with writing_out():
            sys.stdout.write(page.text())


def show_json(report: Report) -> None:
    """Print a report as one JSON object on one line."""
    import json

    text = json.dumps(report.to_json(), ensure_ascii=False, allow_nan=False)
    with writing_out():
        sys.stdout.write(text + "\n")


def tell_forecast(report: Any) -> None:
    """Tell on stderr what `predict -o FILE` wrote."""
    several = f" for {report.series:,} series" if report.series > 1 else ""
    say(
        f"wrote {report.rows:,} rows{several}, {report.time_start} to {report.time_end}, "
        f"to {report.output} ({report.format}, {report.precision})"
    )


def prepare_table(report: Any, page: Page) -> None:
    """What was read, and what was settled by it."""
    span = "" if report.time_start is None else f", {report.time_start} to {report.time_end}"
    facts = [
        (
            "read",
            f"{report.source}: {report.rows:,} rows of {_count(report.series, 'series', 'series')}{span}",
        ),
        ("step", report.freq),
        ("target", ", ".join(report.targets)),
        ("past", ", ".join(report.past)),
        ("future", ", ".join(report.future)),
        ("calendar", ", ".join(report.calendar)),
        ("season", f"{report.season or 'none'}{_reason(report.season_reason)}"),
        ("lookback", f"{report.lookback} steps{_reason(report.lookback_reason)}"),
        ("horizon", _count(report.horizon, "step", "steps")),
        ("scaler", report.scaler),
        ("filled", _count(report.filled, "cell", "cells") if report.filled else ""),
    ]
    page.facts((name, text) for name, text in facts if text)
    page.blank()
    names = {"train": "train", "val": "validation", "test": "test"}
    rows = [
        (name, f"{report.split_rows[split]:,}", f"{report.windows[split]:,}") for split, name in names.items()
    ]
    page.table(("split", "rows", "windows"), rows)
    page.blank()
    page.line(f"wrote {report.run} ({report.megabytes:.1f} MB); next: lstm train {report.run}")


def train_table(report: Any, page: Page) -> None:
    """What was trained, and its validation score beside the simple forecasts."""
    stopped = {
        "patience": "the validation loss got no better",
        "epochs": "all epochs were run",
    }.get(report.stopped, report.stopped)
    page.facts(
        [
            ("model", f"{report.model}, {report.parameters:,} parameters, lookback {report.lookback}"),
            ("linear", f"lookback {report.linear['lookback']}, penalty {_figure(report.linear['penalty'])}"),
            ("device", f"{report.device}, {_count(report.threads, 'thread', 'threads')}, seed {report.seed}"),
            (
                "best epoch",
                f"{report.best_epoch} of {report.epochs_run} run ({stopped}), {report.steps:,} steps",
            ),
            ("time", f"{report.seconds:.1f} s"),
        ]
    )
    page.blank()
    page.line("validation")
    scores = {"model": report.val} | _named(report.val_baselines)
    _score_table(page, scores, {name: METRICS[name] for name in ("mase", "mae_scaled")})
    page.blank()
    page.line(_verdict(report.val, report.val_baselines))
    page.line(f"next: lstm evaluate {report.run}")


def evaluate_table(report: Any, page: Page) -> None:
    """The model's errors beside those of the simple forecasts, in whole and in parts."""
    page.line(
        f"{report.run}: {report.model} ({report.precision}) on {report.windows:,} {report.split} windows"
    )
    page.blank()
    _score_table(page, {"model": report.metrics} | _named(report.baselines), METRICS)
    page.blank()
    page.line(_verdict(report.metrics, report.baselines), "bold")
    _interval_table(page, report)
    if report.mase_left_out:
        page.line(f"MASE leaves out {report.mase_left_out:,} series whose values repeat exactly in training")
    parts = ("mae", "rmse", "mase")
    for title, table in (("target", report.per_target), ("series", report.per_series)):
        if len(table) > 1:
            page.blank()
            _part_table(page, title, list(table.items()), parts)
    if len(report.per_step) > 1:
        page.blank()
        _part_table(page, "step ahead", [(str(row["step"]), row) for row in _spread(report.per_step)], parts)
    if report.gates:
        page.blank()
    for gate in report.gates:
        verdict = "FAILED" if gate["failed"] else "passed"
        page.line(f"{verdict}: --fail-if '{gate['condition']}'{_reason(gate.get('reason') or '')}")
    if report.picture:
        page.blank()
        page.line(f"picture: {report.picture}")


def quantize_table(report: Any, page: Page) -> None:
    """Size, latency and error of the two models side by side."""
    names = ("fp32", "quantized")
    shrunk = report.size["quantized"] / report.size["fp32"] if report.size["fp32"] else 1.0
    rows = [
        ("size, KB", *(f"{report.size[name] / 1000:,.1f}" for name in names)),
        (
            f"latency, ms for {_count(report.batch, 'window', 'windows')}",
            *(f"{report.latency_ms[name]:.2f}" for name in names),
        ),
        ("validation MAE, scaled", *(_figure(report.mae_scaled[name]) for name in names)),
    ]
    page.table(("", "fp32", report.to), rows)
    page.blank()
    change = f"{abs(report.loss):.2%}"
    grown = "did not change" if change == "0.00%" else f"{'grew' if report.loss > 0 else 'fell'} by {change}"
    page.line(
        f"{report.to} has {shrunk:.0%} of the size; the error {grown} (--max-loss {report.max_loss:.2%})"
    )


def _score_table(page: Page, scores: Mapping[str, Mapping[str, Any]], metrics: Mapping[str, str]) -> None:
    shown = {key: title for key, title in metrics.items() if any(key in score for score in scores.values())}
    table = [[_defined(score.get(key)) for key in shown] for score in scores.values()]
    best = [_lowest([row[place] for row in table]) for place in range(len(shown))]
    rows = [(name, *(_figure(figure) for figure in row)) for name, row in zip(scores, table, strict=True)]
    page.table(("forecast", *(f"{title}{KEPT * 2}" for title in shown.values())), rows, best)
    page.line("* the lowest error")


def _interval_table(page: Page, report: Any) -> None:
    """How much of the truth lay within the intervals, and how wide they are."""
    if not report.coverage:
        return
    page.blank()
    rows = [
        (f"{level} %", _figure(share), _figure(report.width[level]), _figure(report.width_scaled[level]))
        for level, share in report.coverage.items()
    ]
    page.table(("interval", "coverage %", "width", "width scaled"), rows)
    page.line(f"weighted quantile loss {_figure(report.wql)}")


def _part_table(
    page: Page, title: str, rows: list[tuple[str, Mapping[str, Any]]], metrics: Sequence[str]
) -> None:
    shown = [name for name in metrics if any(name in row for _, row in rows)]
    page.table(
        (title, *(METRICS[name] for name in shown)),
        [(name, *(_figure(row.get(metric)) for metric in shown)) for name, row in rows[:MANY]],
    )
    if len(rows) > MANY:
        page.line(f"and {len(rows) - MANY:,} more, see --json")


def _spread(rows: list[Any]) -> list[Any]:
    """At most MANY of the rows, evenly spread, with the first and the last."""
    if len(rows) <= MANY:
        return rows
    return [rows[round(place * (len(rows) - 1) / (MANY - 1))] for place in range(MANY)]


def _verdict(model: Mapping[str, Any], baselines: Mapping[str, Mapping[str, Any]]) -> str:
    """One sentence on whether the model is worth its while, by MAE (scaled, where that is defined)."""
    beaten, equal, better = [], [], []
    for name in [name for name in BASELINES if name in baselines][:2]:  # naive only where there is no season
        label = "the linear forecast" if name == "linear" else BASELINES[name]
        gain = _gain(model, baselines[name])
        if gain is None:
            continue
        share = f"{100 * abs(gain):.{0 if abs(gain) >= 0.1 else 1}f} %"
        if gain > AS_GOOD:
            beaten.append(f"{label} by {share}")
        elif gain < -AS_GOOD:
            better.append(f"{label} beats the model, whose error is {share} higher")
        else:
            equal.append(f"{label} is as good as the model")
    parts = better + equal + ([f"the model beats {' and '.join(beaten)}"] if beaten else [])
    text = "; ".join(parts) or "there is no simple forecast to compare with"
    return f"{text[0].upper()}{text[1:]} (mean absolute error)."


def _gain(model: Mapping[str, Any], baseline: Mapping[str, Any]) -> float | None:
    """By which share the model's error is lower; None where neither error is defined."""
    for metric in ("mae_scaled", "mae"):
        ours, theirs = _defined(model.get(metric)), _defined(baseline.get(metric))
        if ours is not None and theirs:
            return 1 - ours / theirs
    return None


def _named(baselines: Mapping[str, Any]) -> dict[str, Any]:
    """The baselines in the order of the table, by their names there."""
    return {title: baselines[name] for name, title in BASELINES.items() if name in baselines}


def _lowest(figures: Sequence[float | None]) -> int:
    defined = [(figure, place) for place, figure in enumerate(figures) if figure is not None]
    return min(defined)[1] if defined else -1


def _figure(value: float | None) -> str:
    """Four digits that tell; a dash for what is not defined."""
    value = _defined(value)
    if value is None:
        return "-"
    if value == 0 or 1e-4 <= abs(value) < 999.95:
        return f"{value:#.4g}"
    return f"{value:,.0f}" if 1 <= abs(value) < 1e9 else f"{value:.3e}"


def _defined(value: float | None) -> float | None:
    """None also for NaN and infinity, which say the same in a report as it comes from a step."""
    return value if value is not None and math.isfinite(value) else None


def _count(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _reason(text: str) -> str:
    return f" ({text})" if text else ""
