"""Summary of a command on stderr: one line with the verb, the run and the main results."""

from collections.abc import Callable, Mapping
from signal import Signals
from typing import Any

from lstm_cli.cli.render.classify import sequence_names
from lstm_cli.cli.render.generate import different_tokens
from lstm_cli.cli.render.scores import rows_read_text, size_ratio
from lstm_cli.cli.stdio import is_ignored, print_line, seconds_since_start
from lstm_cli.evaluation import baseline_label
from lstm_cli.evaluation.score_text import METRICS, finite_or_none, format_number, format_percent
from lstm_cli.wording import count_noun


def print_summary(verb: str, report: Any, *, stages: Mapping[str, float] | None = None) -> None:
    """Write the summary of a report to stderr.

    Args:
        verb: name of the command.
        report: report of the step.
        stages: seconds of each stage, for --log-format json.
    """
    subject = getattr(report, "run", None) or getattr(report, "source", "")
    seconds = round(seconds_since_start(), 1)
    up_to_date = bool(getattr(report, "up_to_date", None))
    facts_of = FACTS.get(f"{verb} {getattr(report, 'task', '')}", FACTS[verb])  # a forecast names no task
    facts = [fact for fact in facts_of(report) if fact]
    if up_to_date:
        facts = ["up to date", *facts, f"{seconds} s (--force runs it again)"]
    else:
        facts.append(f"{seconds} s")
    text = f"{verb} {subject}: {', '.join(facts)}"
    record = {
        "text": text,
        "verb": verb,
        "subject": subject,
        "up_to_date": up_to_date,
        "seconds": seconds,
        "stages": stages or {},
    }
    print_line("summary", text, record)


def _check(report: Any) -> list[str]:
    severities = [finding["severity"] for finding in report.findings if not is_ignored(finding["rule"])]
    return [
        "" if report.rows is None else count_noun(report.rows, "row"),
        count_noun(severities.count("error"), "error"),
        count_noun(severities.count("warning"), "warning"),
    ]


def _prepare(report: Any) -> list[str]:
    series = f" of {report.series:,} series" if report.series > 1 else ""
    return [
        f"{count_noun(report.rows, 'row')}{series}",
        "" if report.time_end is None else f"to {report.time_end}",
        count_noun(report.windows["train"], "training window"),
        _warning_count(report),
    ]


def _train(report: Any) -> list[str]:
    scores = _scores(report.val, report.val_baselines, report.baseline_season)
    return [f"{report.model} on the validation rows", *scores, _warning_count(report)]


def _tune(report: Any) -> list[str]:
    done = sum(report.states.values())
    facts = [f"{done:,} of {count_noun(report.wanted, 'trial')}"]
    if report.best is not None:
        facts.append(f"best {METRICS.get(report.metric, 'score')} {format_number(report.best['score'])}")
    return [*facts, _warning_count(report)]


def _windows(report: Any) -> str:
    from lstm_cli.data.dataset.windows import SPLITS

    return count_noun(
        report.windows, "window" if report.split == "test" else f"{SPLITS[report.split]} window"
    )


def _evaluate(report: Any) -> list[str]:
    coverage = report.coverage.get("80")
    failed = sum(gate["failed"] for gate in report.gates)
    return [
        *_scores(report.metrics, report.baselines, report.baseline_season),
        "" if coverage is None else f"80 % interval coverage {format_percent(coverage)} %",
        _windows(report),
        _gate_summary(len(report.gates), failed),
        _forecasts_summary(report.forecasts),
        _warning_count(report),
    ]


def _forecasts_summary(forecasts: Mapping[str, Any] | None) -> str:
    """Return the table of --forecasts as text; "" without it."""
    return f"{count_noun(forecasts['rows'], 'row')} to {forecasts['path']}" if forecasts else ""


def _score(report: Any) -> list[str]:
    test, promised = report.test, (report.trained or {}).get("mase")
    mase = format_number(report.metrics.get("mase"))
    name, baseline = next(iter(report.baselines.items()))
    alarm = "ALARM" if test["alarm"] else "no alarm" if test["limit"] is not None else "no test"
    return [
        f"{count_noun(report.forecasts['scored'], 'forecast')} came true, {report.new_values:,} new values",
        f"MASE {mase}" + ("" if promised is None else f" (promised {format_number(promised)})"),
        f"{name.replace('_', ' ')} {format_number(baseline.get('mase'))}",
        f"accuracy: {alarm}",
        _gate_summary(len(report.gates), sum(gate["failed"] for gate in report.gates)),
        _warning_count(report),
    ]


def _refresh(report: Any) -> list[str]:
    test = (report.ledger or {}).get("test")
    output = "standard output" if report.output == "-" else report.output
    return [
        report.text,
        "ALARM" if test == "alarm" else "",
        "" if output is None else f"{count_noun(report.forecast['rows'], 'row')} to {output}",
        _gate_summary(len(report.gates), sum(gate["failed"] for gate in report.gates)),
        _warning_count(report),
    ]


def _gate_summary(conditions: int, failed: int) -> str:
    """Return the result of --fail-if as text; "" without conditions."""
    if not conditions:
        return ""
    noun = count_noun(conditions, "condition")
    return f"{failed} of {noun} failed" if failed else f"{noun} passed"


def _quantize(report: Any) -> list[str]:
    return [
        report.to,
        f"{size_ratio(report):.0%} of the size",
        f"validation error {report.loss:+.2%}".replace("-0.00%", "+0.00%"),
        _warning_count(report),
    ]


def _predict(report: Any) -> list[str]:
    series = f" for {report.series:,} series" if report.series > 1 else ""
    output = "standard output" if report.output == "-" else report.output
    return [
        f"{count_noun(report.rows, 'row')}{series} to {output}",
        f"{report.time_start} to {report.time_end}" if report.rows else "",
        report.precision,
        rows_read_text(report),
        "recorded" if report.recorded else "",
        _warning_count(report),
    ]


def _serve(report: Any) -> list[str]:
    failed = sum(count for status, count in report.statuses.items() if status >= "500")
    return [
        "" if report.signal is None else f"stopped by {Signals(report.signal).name}",
        count_noun(report.requests, "request"),
        f"{failed:,} with status 5xx" if failed else "",
        count_noun(report.reloads["reloaded"], "reload") if report.reloads.get("reloaded") else "",
        f"{count_noun(report.reloads['failed'], 'reload')} failed" if report.reloads.get("failed") else "",
        f"{count_noun(report.unfinished, 'request')} unfinished" if report.unfinished else "",
    ]


def _export(report: Any) -> list[str]:
    return [f"{report.to} to {report.output}", _warning_count(report)]


def _report(report: Any) -> list[str]:
    output = "standard output" if report.output == "-" else report.output
    return [
        f"{report.format} to {output}",
        _windows(report),
        _warning_count(report),
    ]


def _report_classes(report: Any) -> list[str]:
    output = "standard output" if report.output == "-" else report.output
    return [
        f"{report.format} to {output}",
        count_noun(report.sequences, f"{report.split} sequence"),
        _warning_count(report),
    ]


def _verify(report: Any) -> list[str]:
    broken, stale = len(report.broken), len(report.stale)
    return [
        count_noun(report.files, "file"),
        f"{count_noun(broken, 'artifact')} corrupt or missing" if broken else "all intact",
        f"{stale} out of date" if stale else "",
    ]


def _history(report: Any) -> list[str]:
    kept = sum(version["kept"] for version in report.versions)
    facts = [f"version {report.current} of {len(report.versions):,}", f"{kept:,} kept"]
    if report.rollback is not None and report.rollback["changed"]:
        facts.insert(0, f"rolled back from version {report.rollback['from']}")
    return facts


def _config(report: Any) -> list[str]:
    return [f"settings of {', '.join(report.steps) or 'no step'}"]


def _runs(report: Any) -> list[str]:
    if report.single:
        return [report.runs[0].state]
    return [
        count_noun(len(report.runs), "run"),
        f"{len(report.skipped)} not searched" if report.skipped else "",
    ]


def _runs_diff(report: Any) -> list[str]:
    return [
        f"{report.a} and {report.b}",
        count_noun(len(report.settings), "setting differs", "settings differ"),
        "same windows" if report.same_windows else "other windows",
    ]


def _runs_clean(report: Any) -> list[str]:
    found, removed = len(report.folders), sum(folder.removed for folder in report.folders)
    folders = count_noun(found, "folder")
    return [
        count_noun(report.checked, "run"),
        f"{removed} of {folders} removed" if report.delete and found else f"{folders} to remove",
        f"{report.size / 1e6:,.1f} MB" if found else "",
        f"{len(report.locked)} locked" if report.locked else "",
    ]


def _find_lr(report: Any) -> list[str]:
    if report.suggestion is None:
        return ["no learning rate reduces the loss"]
    return [f"try --lr {report.suggestion:.1g}"]


def _check_sequences(report: Any) -> list[str]:
    return [
        "" if report.count is None else count_noun(report.count, sequence_names(report)[0]),
        "" if report.labels is None else count_noun(len(report.labels), "class", "classes"),
        *_check(report)[1:],
    ]


def _prepare_sequences(report: Any) -> list[str]:
    noun, _ = sequence_names(report)
    return [
        count_noun(sum(report.sequences.values()), noun),
        count_noun(len(report.classes), "class", "classes"),
        count_noun(report.sequences["train"], f"training {noun}"),
        _warning_count(report),
    ]


def _train_classifier(report: Any) -> list[str]:
    scores = _class_scores(report.val, report.val_baselines)
    return ["classifier on the validation sequences", *scores, _warning_count(report)]


def _evaluate_classifier(report: Any) -> list[str]:
    return [
        *_class_scores(report.metrics, report.baselines),
        count_noun(report.sequences, f"{report.split} sequence"),
        _gate_summary(len(report.gates), sum(gate["failed"] for gate in report.gates)),
        _warning_count(report),
    ]


def _quantize_classifier(report: Any) -> list[str]:
    return [
        report.to,
        f"{size_ratio(report):.0%} of the size",
        f"validation log-loss {report.loss:+.2%}".replace("-0.00%", "+0.00%"),
        _warning_count(report),
    ]


def _class_scores(model: Mapping[str, float], baselines: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return the accuracy and the log-loss of the model, and those of the simple model."""
    simple = baselines["simple"]
    return [
        f"accuracy {model['accuracy']:.4f} (simple model {simple['accuracy']:.4f})",
        f"log-loss {model['log_loss']:.4f} ({simple['log_loss']:.4f})",
    ]


def _predict_sequences(report: Any) -> list[str]:
    output = "standard output" if report.output == "-" else report.output
    return [
        f"{count_noun(report.sequences, 'sequence')} to {output}",
        report.precision,
        _warning_count(report),
    ]


def _prepare_text(report: Any) -> list[str]:
    return [
        count_noun(sum(report.characters.values()), "character"),
        f"{different_tokens(report):,} different tokens",
        count_noun(report.tokens["train"], "training token"),
        _warning_count(report),
    ]


def _evaluate_text(report: Any) -> list[str]:
    n_gram = report.baselines["n_gram"]
    return [
        f"{report.metrics['bpc']:.4f} bits per character (5-gram {n_gram['bpc']:.4f})",
        f"perplexity {format_number(report.metrics['perplexity'])}",
        count_noun(report.characters, f"{report.split} character"),
        _gate_summary(len(report.gates), sum(gate["failed"] for gate in report.gates)),
        _warning_count(report),
    ]


def _predict_text(report: Any) -> list[str]:
    output = "standard output" if report.output == "-" else report.output
    samples = f" in {report.samples:,} samples" if report.samples > 1 else ""
    speed = report.characters / report.seconds["model"] if report.seconds["model"] else 0
    return [
        f"{count_noun(report.characters, 'character')}{samples} to {output}",
        report.precision,
        f"{speed:,.0f} characters/s" if speed else "",
        _warning_count(report),
    ]


def _train_text(report: Any) -> list[str]:
    return [
        "language model on the validation text",
        f"{report.nats_per_character:.4f} nats per character",
        f"perplexity {report.val['perplexity']:.4g}",
        _warning_count(report),
    ]


FACTS: dict[str, Callable[[Any], list[str]]] = {
    "check": _check,
    "prepare": _prepare,
    "train": _train,
    "tune": _tune,
    "evaluate": _evaluate,
    "quantize": _quantize,
    "predict": _predict,
    "serve": _serve,
    "score": _score,
    "refresh": _refresh,
    "export": _export,
    "report": _report,
    "runs": _runs,
    "runs --diff": _runs_diff,
    "runs --clean": _runs_clean,
    "verify": _verify,
    "history": _history,
    "config": _config,
    "train --find-lr": _find_lr,
    "check classify": _check_sequences,
    "report classify": _report_classes,
    "prepare classify": _prepare_sequences,
    "train classify": _train_classifier,
    "evaluate classify": _evaluate_classifier,
    "quantize classify": _quantize_classifier,
    "quantize generate": _quantize,
    "evaluate generate": _evaluate_text,
    "predict classify": _predict_sequences,
    "predict generate": _predict_text,
    "prepare generate": _prepare_text,
    "train generate": _train_text,
}


def _scores(
    model: Mapping[str, Any], baselines: Mapping[str, Mapping[str, Any]], season: int | None
) -> list[str]:
    """Return the errors of the model and the naive baseline, in the first metric that is defined."""
    metric = next(
        (name for name in ("mase", "mae_scaled", "mae") if finite_or_none(model.get(name)) is not None), None
    )
    if metric is None:
        return []
    naive = "seasonal_naive" if "seasonal_naive" in baselines else "naive"
    error = format_number(baselines.get(naive, {}).get(metric))
    return [f"{METRICS[metric]} {format_number(model[metric])}", f"{baseline_label(naive, season)} {error}"]


def _warning_count(report: Any) -> str:
    count = sum(not is_ignored(finding["rule"]) for finding in report.findings)
    return count_noun(count, "warning") if count else ""
