"""Facts about a run from the reports in its `run.json`, whose types are checked because a file can be edited."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lstm_cli.rundir import Run, serves_quantized
from lstm_cli.tasks.settle import task_of

# Metrics that only one task has.
ERROR = "mae"  # of forecasts
ACCURACY = "accuracy"  # of labelled sequences
BITS = "bpc"  # of text


@dataclass(frozen=True, kw_only=True)
class DataFacts:
    """Facts about the prepared data."""

    source: str | None  # data file, as it was named
    rows: int | None
    series: int | None
    targets: tuple[str, ...]
    past: tuple[str, ...]
    future: tuple[str, ...]  # without calendar and holidays
    calendar: tuple[str, ...]
    holidays: tuple[str, ...]
    static: tuple[str, ...]
    time_start: str | None  # ISO
    time_end: str | None
    freq: str | None
    seasons: tuple[int, ...]  # steps
    lookback: int | None  # steps
    horizon: int | None  # steps
    windows: dict[str, int]  # split -> number
    split_rows: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """Facts about the trained model."""

    model: str | None
    parameters: int | None
    trained: str | None  # UTC
    seconds: float | None
    device: str | None
    seed: int | None
    serves: str  # precision that `predict` runs: fp32, or that of an up-to-date quantized model
    refitted: bool | None  # also trained on the validation rows
    val: dict[str, float | None]  # scores on the validation rows


@dataclass(frozen=True, kw_only=True)
class ScoreFacts:
    """Facts about the scores of `evaluate`."""

    split: str | None
    precision: str | None
    windows: int | None
    metrics: dict[str, float | None]
    baselines: dict[str, dict[str, float | None]]  # baseline -> metrics
    baseline_season: int | None  # steps
    mase_season: int | None  # steps
    comparisons: dict[str, dict[str, Any]] | None  # baseline -> difference and interval, in percent
    coverage: dict[str, float | None]  # level -> percent
    wql: float | None
    series: int  # number of scored series

    @property
    def difference(self) -> float | None:
        """Return the percentage by which the error is lower than that of the best baseline, negative if higher."""
        return next(iter(self.comparisons.values()))["difference"] if self.comparisons else None


@dataclass(frozen=True, kw_only=True)
class ClassScoreFacts:
    """Facts about the scores of labelled sequences."""

    split: str | None
    sequences: int | None
    metrics: dict[str, float | None]
    baselines: dict[str, dict[str, float | None]]  # baseline -> metrics


@dataclass(frozen=True, kw_only=True)
class TextScoreFacts:
    """Facts about the scores of text."""

    split: str | None
    characters: int | None
    metrics: dict[str, float | None]
    baselines: dict[str, dict[str, float | None]]  # baseline -> metrics


def first_score(run: Run) -> dict[str, Any] | None:
    """Return the first metric of the task and its value, or None. Raise TypeError or ValueError for edited content."""
    if not run.has("scores"):
        return None
    metric = task_of(run).metrics[0]
    value = number_of(run.report("evaluate").get("metrics") or {}, metric)
    return None if value is None else {"metric": metric, "value": value}


def data_facts(run: Run) -> DataFacts | None:
    """Return the facts about the prepared data, or None. Raise TypeError or ValueError for edited content."""
    if not run.has("data"):
        return None
    report = run.report("prepare")
    season = number_of(report, "season")
    return DataFacts(
        source=text_of(report, "source"),
        rows=count_of(report, "rows"),
        series=count_of(report, "series"),
        **{name: texts_of(report, name) for name in ("targets", "past", "future")},
        **{name: texts_of(report, name) for name in ("calendar", "holidays", "static")},
        time_start=text_of(report, "time_start"),
        time_end=text_of(report, "time_end"),
        freq=text_of(report, "freq"),
        seasons=_counts(report.get("seasons")) or (() if season is None else (int(season),)),
        lookback=count_of(report, "lookback"),
        horizon=count_of(report, "horizon"),
        windows=_counts_by_name(report, "windows"),
        split_rows=_counts_by_name(report, "split_rows"),
    )


def model_facts(run: Run) -> ModelFacts | None:
    """Return the facts about the trained model, or None. Raise TypeError or ValueError for edited content."""
    if not run.has("model"):
        return None
    entry, report = run.entry("train"), run.report("train")
    quantized = serves_quantized(run)
    return ModelFacts(
        model=text_of(report, "model"),
        parameters=count_of(report, "parameters"),
        trained=text_of(entry["times"], "finished"),
        seconds=number_of(entry["times"], "seconds"),
        device=text_of(entry, "device"),
        seed=count_of(entry, "seed"),
        serves=(text_of(run.report("quantize"), "to") or "quantized") if quantized else "fp32",
        refitted=_typed(report, "refitted", bool),
        val=numbers_of(report, "val"),
    )


def has_errors(run: Run) -> bool:
    """Return whether the scores of a run are errors of a forecast."""
    return ERROR in task_of(run).metrics


def _baselines(report: Mapping[str, Any]) -> dict[str, dict[str, float | None]]:
    """Return the metrics of each baseline."""
    baselines = _typed(report, "baselines", dict) or {}
    return {name: numbers_of(baselines, name) for name in baselines}


def score_facts(run: Run) -> ScoreFacts | None:
    """Return the facts about the scores, or None. Raise TypeError or ValueError for edited content."""
    if not (run.has("scores") and has_errors(run)):
        return None
    report = run.report("evaluate")
    comparisons = _typed(report, "comparisons", dict)
    return ScoreFacts(
        split=text_of(report, "split"),
        precision=text_of(report, "precision"),
        windows=count_of(report, "windows"),
        metrics=numbers_of(report, "metrics"),
        baselines=_baselines(report),
        baseline_season=count_of(report, "baseline_season"),
        mase_season=count_of(report, "mase_season"),
        comparisons=None
        if comparisons is None
        else {name: _comparison(comparisons, name) for name in comparisons},
        coverage=numbers_of(report, "coverage"),
        wql=number_of(report, "wql"),
        series=len(_typed(report, "per_series", dict) or {}) or 1,
    )


def class_score_facts(run: Run) -> ClassScoreFacts | None:
    """Return the facts about the scores of labelled sequences, or None. Raise TypeError for edited content."""
    if not (run.has("scores") and ACCURACY in task_of(run).metrics):
        return None
    report = run.report("evaluate")
    return ClassScoreFacts(
        split=text_of(report, "split"),
        sequences=count_of(report, "sequences"),
        metrics=numbers_of(report, "metrics"),
        baselines=_baselines(report),
    )


def text_score_facts(run: Run) -> TextScoreFacts | None:
    """Return the facts about the scores of text, or None. Raise TypeError for edited content."""
    if not (run.has("scores") and BITS in task_of(run).metrics):
        return None
    report = run.report("evaluate")
    return TextScoreFacts(
        split=text_of(report, "split"),
        characters=count_of(report, "characters"),
        metrics=numbers_of(report, "metrics"),
        baselines=_baselines(report),
    )


def _comparison(comparisons: Mapping[str, Any], name: str) -> dict[str, Any]:
    compared = _typed(comparisons, name, dict) or {}
    interval = _typed(compared, "interval", list)
    ends = None if interval is None else [number_of(dict(enumerate(interval)), index) for index in range(2)]
    return {
        "difference": number_of(compared, "difference"),
        "interval": None if ends is None or None in ends else ends,
    }


def _typed(values: Mapping[Any, Any], key: Any, kind: type) -> Any:
    """Return a value, or None if it is null or absent. Raise TypeError for another type."""
    value = values.get(key)
    if value is not None and type(value) is not kind:
        raise TypeError(f"{key} is {type(value).__name__}")
    return value


def text_of(values: Mapping[str, Any], key: str) -> str | None:
    """Return a text, or None if it is null or absent. Raise TypeError for another type."""
    text: str | None = _typed(values, key, str)
    return text


def count_of(values: Mapping[str, Any], key: str) -> int | None:
    """Return a whole number, or None if it is null or absent. Raise TypeError or ValueError for another value."""
    count: int | None = _typed(values, key, int)
    if count is not None and abs(count) >= 1 << 63:
        raise ValueError(f"{key} is too large")
    return count


def number_of(values: Mapping[Any, Any], key: Any) -> float | None:
    """Return a number, or None if it is null, absent or infinite. Raise TypeError for another type."""
    value = values.get(key)
    if value is None:
        return None
    if type(value) not in (int, float):
        raise TypeError(f"{key} is {type(value).__name__}")
    return float(value) if math.isfinite(value) else None


def texts_of(values: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Return a list of texts, empty if it is absent. Raise TypeError for another type."""
    items = _typed(values, key, list) or []
    if not all(type(item) is str for item in items):
        raise TypeError(f"{key} has a value that is no text")
    return tuple(items)


def numbers_of(values: Mapping[str, Any], key: str) -> dict[str, float | None]:
    """Return the numbers of an object, without its lists and objects. Raise TypeError for another type."""
    inner = _typed(values, key, dict) or {}
    return {
        name: number_of(inner, name) for name, value in inner.items() if not isinstance(value, dict | list)
    }


def _counts(items: Any) -> tuple[int, ...]:
    return tuple(count_of({"seasons": item}, "seasons") or 0 for item in items or ())


def _counts_by_name(values: Mapping[str, Any], key: str) -> dict[str, int]:
    inner = _typed(values, key, dict) or {}
    return {name: count_of(inner, name) or 0 for name in inner}
