"""The line on stderr that a command ends with. It stands alone in a log: the verb, its run, and what came out."""

from collections.abc import Callable, Mapping
from typing import Any

from lstm_cli.cli.render.scores import (
    METRICS,
    finite_or_none,
    format_figure,
    format_percent,
    rows_read,
    size_share,
)
from lstm_cli.cli.stdio import is_ignored, print_line, seconds_since_start
from lstm_cli.text import count_noun


def print_summary(verb: str, report: Any, *, stages: Mapping[str, float] | None = None) -> None:
    """Write the summary of a report. stages: seconds of each, for --log-format json."""
    subject = getattr(report, "run", None) or getattr(report, "source", "")
    seconds = round(seconds_since_start(), 1)
    same = bool(getattr(report, "up_to_date", None))
    facts = [fact for fact in FACTS[verb](report) if fact]
    if same:
        facts = ["up to date", *facts, f"{seconds} s (--force runs it again)"]
    else:
        facts.append(f"{seconds} s")
    text = f"{verb} {subject}: {', '.join(facts)}"
    about = {"verb": verb, "subject": subject, "up_to_date": same, "seconds": seconds, "stages": stages or {}}
    print_line("summary", text, {"text": text, **about})


def _check(report: Any) -> list[str]:
    severities = [finding["severity"] for finding in report.findings if not is_ignored(finding["rule"])]
    return [
        count_noun(report.rows, "row"),
        count_noun(severities.count("error"), "error"),
        count_noun(severities.count("warning"), "warning"),
    ]


def _prepare(report: Any) -> list[str]:
    series = f" of {report.series:,} series" if report.series > 1 else ""
    return [
        f"{count_noun(report.rows, 'row')}{series}",
        "" if report.time_end is None else f"to {report.time_end}",
        count_noun(report.windows["train"], "training window"),
        _warned(report),
    ]


def _train(report: Any) -> list[str]:
    scores = _scores(report.val, report.val_baselines, report.baseline_season)
    return [f"{report.model} on the validation rows", *scores, _warned(report)]


def _tune(report: Any) -> list[str]:
    done = sum(report.states.values())
    facts = [f"{done:,} of {count_noun(report.wanted, 'trial')}"]
    if report.best is not None:
        facts.append(f"best {METRICS.get(report.metric, 'score')} {format_figure(report.best['score'])}")
    return [*facts, _warned(report)]


def _evaluate(report: Any) -> list[str]:
    held = report.coverage.get("80")
    failed = sum(gate["failed"] for gate in report.gates)
    return [
        *_scores(report.metrics, report.baselines, report.baseline_season),
        "" if held is None else f"80 % interval held {format_percent(held)} %",
        f"{count_noun(report.windows, 'window')}{'' if report.split == 'test' else ' of ' + report.split}",
        _judged(len(report.gates), failed),
        _warned(report),
    ]


def _judged(conditions: int, failed: int) -> str:
    """Return how the conditions of --fail-if came out; "" without any."""
    if not conditions:
        return ""
    told = count_noun(conditions, "condition")
    return f"{failed} of {told} failed" if failed else f"{told} passed"


def _quantize(report: Any) -> list[str]:
    return [
        report.to,
        f"{size_share(report):.0%} of the size",
        f"validation error {report.loss:+.2%}".replace("-0.00%", "+0.00%"),
        _warned(report),
    ]


def _predict(report: Any) -> list[str]:
    series = f" for {report.series:,} series" if report.series > 1 else ""
    place = "standard output" if report.output == "-" else report.output
    return [
        f"{count_noun(report.rows, 'row')}{series} to {place}",
        f"{report.time_start} to {report.time_end}",
        report.precision,
        rows_read(report),
        _warned(report),
    ]


def _export(report: Any) -> list[str]:
    return [f"{report.to} to {report.output}", _warned(report)]


def _verify(report: Any) -> list[str]:
    broken, stale = len(report.broken), len(report.stale)
    return [
        count_noun(report.files, "file"),
        f"{count_noun(broken, 'artifact')} broken" if broken else "none broken",
        f"{stale} out of date" if stale else "",
    ]


def _config(report: Any) -> list[str]:
    return [f"settings of {', '.join(report.steps) or 'no step'}"]


def _find_lr(report: Any) -> list[str]:
    lower = "no learning rate lowers the loss"
    return [lower if report.suggestion is None else f"try --lr {report.suggestion:.1g}"]


FACTS: dict[str, Callable[[Any], list[str]]] = {
    "check": _check,
    "prepare": _prepare,
    "train": _train,
    "tune": _tune,
    "evaluate": _evaluate,
    "quantize": _quantize,
    "predict": _predict,
    "export": _export,
    "verify": _verify,
    "config": _config,
    "train --find-lr": _find_lr,
}


def _scores(
    model: Mapping[str, Any], baselines: Mapping[str, Mapping[str, Any]], season: int | None
) -> list[str]:
    """Return the model's error and that of the naive forecast, by the first metric that is defined."""
    from lstm_cli.evaluation.baselines import baseline_label  # with NumPy, which `verify` does without

    metric = next(
        (name for name in ("mase", "mae_scaled", "mae") if finite_or_none(model.get(name)) is not None), None
    )
    if metric is None:
        return []
    naive = "seasonal_naive" if "seasonal_naive" in baselines else "naive"
    error = format_figure(baselines.get(naive, {}).get(metric))
    return [f"{METRICS[metric]} {format_figure(model[metric])}", f"{baseline_label(naive, season)} {error}"]


def _warned(report: Any) -> str:
    count = sum(not is_ignored(finding["rule"]) for finding in report.findings)
    return count_noun(count, "warning") if count else ""
