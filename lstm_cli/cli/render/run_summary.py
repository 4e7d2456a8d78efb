"""Summary of one run as text."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lstm_cli.cli.render.scores import in_parentheses
from lstm_cli.evaluation import BASELINES, baseline_label
from lstm_cli.evaluation.score_text import METRICS, format_number, format_percent, verdict
from lstm_cli.rundir import ARTIFACTS
from lstm_cli.wording import count_noun

CLASS_METRICS = {"accuracy": "accuracy", "log_loss": "log-loss"}  # that are shown of labelled sequences
TEXT_METRICS = {"bpc": "bits/character", "perplexity": "perplexity"}
MAX_NAMES = 4  # of columns in one line
MAX_TEXT = 200  # characters of a name from a file


def run_page(summary: Any, page: Any) -> None:
    """Print what a run is, what it scored, what is out of date, and the next command."""
    page.facts((name, text) for name, text in _run_facts(summary) if text)
    page.blank()
    if summary.scores is not None:
        scores = summary.scores
        baselines = {name: scores.baselines[name] for name in BASELINES if name in scores.baselines}
        panel = scores.series > 1
        page.line(verdict(scores.metrics, baselines, scores.comparisons, scores.baseline_season, panel=panel))
    for text in state_texts(summary):
        page.line(text)
    page.line(f"next, {summary.why}:")
    page.line(f"  {summary.next}")  # on a line of its own, to be copied


def _run_facts(summary: Any) -> Iterator[tuple[str, str]]:
    data, model, scores = summary.data, summary.model, summary.scores
    yield "run", summary.run
    if data is not None:
        series = f" of {data.series:,} series" if data.series is not None else ""
        span = f", {data.time_start} to {data.time_end}" if data.time_start and data.time_end else ""
        rows = count_noun(data.rows, "row") if data.rows is not None else "rows"
        yield "data", f"{shorten(data.source or 'not known')}: {rows}{series}{span}"
        yield "targets", list_names(data.targets)
        covariates = (("past", data.past), ("future", data.future), ("static", data.static))
        further = (("calendar", data.calendar), ("holidays", data.holidays))
        texts = [f"{kind} {list_names(names)}" for kind, names in (*covariates, *further) if names]
        yield "covariates", "; ".join(texts)
        yield "windows", _window_text(data)
    if model is not None:
        parameters = "" if model.parameters is None else f", {model.parameters:,} parameters"
        seed = "" if model.seed is None else f", seed {model.seed}"
        yield "model", f"{shorten(model.model or 'not known')}{parameters}{seed}"
        seconds = "" if model.seconds is None else f" in {model.seconds:,.1f} s"
        yield (
            "trained",
            f"{shorten(model.trained or 'not known')} on {shorten(model.device or 'not known')}{seconds}",
        )
        if summary.class_scores is None and summary.text_scores is None:
            yield "forecasts", f"with the {shorten(model.serves)} model"
    if scores is not None:
        windows = count_noun(scores.windows, f"{scores.split} window") if scores.windows is not None else ""
        yield "scores", f"{_metrics_text(scores.metrics)} on {windows} ({shorten(scores.precision or '')})"
        levels = [
            f"{format_percent(share)} % of the values in the {shorten(level)} % interval"
            for level, share in scores.coverage.items()
            if share is not None
        ]
        yield "coverage", ", ".join(levels)
        errors = [
            f"{baseline_label(name, scores.baseline_season)} {_metrics_text(scores.baselines[name])}"
            for name in reversed(BASELINES)
            if name in scores.baselines
        ]
        yield "baselines", "; ".join(errors)
    if summary.class_scores is not None:
        classified = summary.class_scores
        yield from _task_scores(classified, classified.sequences, "sequences", CLASS_METRICS)
    if summary.text_scores is not None:
        yield from _task_scores(
            summary.text_scores, summary.text_scores.characters, "characters", TEXT_METRICS
        )


def _task_scores(
    scores: Any, count: int | None, noun: str, metrics: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield the scores of a task without forecasts, and those of its baselines.

    Args:
        scores: facts about the scores.
        count: number of what was scored.
        noun: name of what was scored.
        metrics: title of each metric to show.
    """
    split = "" if count is None else f" on {count:,} {shorten(scores.split or '')} {noun}"
    yield "scores", f"{_titled(scores.metrics, metrics)}{split}"
    texts = [f"{shorten(name)} {_titled(values, metrics)}" for name, values in scores.baselines.items()]
    yield "baselines", "; ".join(texts)


def _window_text(data: Any) -> str:
    parts = []
    if data.horizon is not None:
        parts.append(f"horizon {data.horizon:,}")
    if data.lookback is not None:
        parts.append(f"lookback {data.lookback:,}")
    if data.seasons:
        parts.append(f"season {' and '.join(map(str, data.seasons[:MAX_NAMES]))}")
    if data.freq:
        parts.append(f"frequency {shorten(data.freq)}")
    return ", ".join(parts)


def state_texts(summary: Any) -> list[str]:
    """Return sentences about a run: missing files, a lock, a training in progress, and what is out of date."""
    texts = []
    if summary.problem is not None:
        texts.append(summary.problem)
    if summary.missing:
        texts.append(f"missing: {list_names(summary.missing)}")
    if summary.locked_by is not None:
        texts.append(f"locked: it is being written by {summary.locked_by}")
    if summary.training is not None:
        model = "" if summary.training["model"] is None else f" of {shorten(summary.training['model'])}"
        doing = "is in progress" if summary.locked_by is not None else "was interrupted"
        progress = in_parentheses(list_names(summary.training["parts"]))
        texts.append(f"a training{model} {doing}{progress}")
    for artifact, causes in summary.stale.items():
        changed = " and the ".join(ARTIFACTS[cause].title for cause in causes)
        texts.append(f"out of date: the {ARTIFACTS[artifact].title}, because the {changed} changed later")
    if summary.source_changed:
        texts.append(
            "the data file has another size now: 'lstm prepare' with the same options reads it again"
        )
    if summary.problem is None and summary.model is None:
        texts.append("the run has no trained model")
    elif summary.problem is None and not (summary.scores or summary.class_scores or summary.text_scores):
        texts.append("the model has no scores")
    if not texts:
        texts.append("no step is out of date ('lstm verify' checks the bytes of all files)")
    return texts


def _metrics_text(metrics: Mapping[str, float | None]) -> str:
    shown = [(METRICS[name], metrics.get(name)) for name in ("mase", "mae")]
    return (
        ", ".join(f"{title} {format_number(value)}" for title, value in shown if value is not None)
        or "no error"
    )


def _titled(values: Mapping[str, float | None], metrics: Mapping[str, str]) -> str:
    shown = [(title, values.get(name)) for name, title in metrics.items()]
    return ", ".join(f"{title} {value:.4f}" for title, value in shown if value is not None)


def list_names(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    more = len(names) - MAX_NAMES
    shown = ", ".join(shorten(name) for name in names[:MAX_NAMES])
    return f"{shown} and {more:,} more" if more > 0 else shown


def shorten(text: str, length: int = MAX_TEXT) -> str:
    """Return a text of at most `length` characters."""
    return text if len(text) <= length else f"{text[: length - 1]}…"
