"""Facts and arrays that a report shows. The step `report` collects them, and this package only draws them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Meaning of the x values of a chart over time."""

    is_time: bool  # seconds since 1970 on the clock of the file; else whole numbers or row numbers
    step: float  # usual distance of two rows
    label: str  # name of the axis: the time column, or `row`


@dataclass(frozen=True, kw_only=True)
class SeriesChart:
    """Values of a target of a series over all rows. Arrays are [n]."""

    series: str  # "" for the only series
    target: str
    rank: str  # why this series of a panel is shown; ""
    x: np.ndarray
    y: np.ndarray  # NaN where not measured
    thinned: bool  # the smallest and the largest value of each part of a long series
    splits: tuple[tuple[str, float, float], ...]  # name, first and last x
    outlier_x: np.ndarray
    outlier_y: np.ndarray
    y_range: tuple[float, float] | None  # of the chart, if outliers would flatten the rest; else None


@dataclass(frozen=True, kw_only=True)
class WindowChart:
    """Forecast of a window with the rows before it. Arrays are [n], NaN where they do not apply."""

    names: str  # best, median, worst, newest
    series: str
    target: str
    error: float | None  # mean absolute error over the steps, in units of the target
    x: np.ndarray
    origin: float  # x of the first forecast
    chosen: float  # x of step 1 of the window; forecasts of one step begin with windows before it
    measured: np.ndarray
    forecast: np.ndarray
    baseline: np.ndarray
    ends: Mapping[str, tuple[np.ndarray, np.ndarray]]  # level: lower and upper end


@dataclass(frozen=True, kw_only=True)
class Groups:
    """Errors by step ahead, hour, weekday or month. Arrays are [n]."""

    title: str
    labels: tuple[str, ...]
    model: np.ndarray
    baseline: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Usual course of the first target by hour, weekday or month, without its trend. Arrays are [n]."""

    title: str
    series: str  # "" for the only series
    labels: tuple[str, ...]
    mean: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Residuals:
    """Forecast errors: forecast minus measured value."""

    edges: np.ndarray  # [bins + 1]
    counts: np.ndarray  # [bins]
    outside: int  # errors beyond the edges
    bias: float
    mean_absolute: float
    x: np.ndarray  # [n] middle of each part of the time
    mean: np.ndarray  # [n]
    low: np.ndarray  # [n] quantile .1
    high: np.ndarray  # [n] quantile .9


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Share of measured values below each quantile, equal ones by half, and within the intervals of each step."""

    nominal: np.ndarray  # [q]
    observed: np.ndarray  # [q]
    by_step: Mapping[str, np.ndarray]  # level: [H], in percent


@dataclass(frozen=True, kw_only=True)
class DataFacts:
    """Facts about the prepared rows."""

    missing: int  # cells of targets
    cells: int
    gaps: int
    longest_gap: str  # "" without gaps
    strengths: tuple[str, ...]  # sentences
    outliers: int
    searched: int  # values of targets that were searched for outliers
    searched_series: int | None  # None: all


@dataclass(frozen=True, kw_only=True)
class LossCurve:
    """Losses of one training. Arrays are [epochs]."""

    part: str
    epoch: np.ndarray
    train: np.ndarray
    val: np.ndarray
    val_measure: str  # MASE; loss: that of the training
    best_epoch: int | None


@dataclass(frozen=True, kw_only=True)
class Made:
    """Making of a run: settings, versions, and commands that make it again."""

    settings: Mapping[str, Mapping[str, Mapping[str, Any]]]  # step: setting: value, source, settled
    versions: Mapping[str, str]
    seed: int | None
    device: str | None
    data_sha256: tuple[tuple[str, str], ...]  # name of the file, sha256
    commands: tuple[str, ...]
    data_is_named: bool  # False: the commands have DATA where the data was no file, or several
    steps: tuple[tuple[str, str, float], ...]  # step, time of its end, seconds


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """Everything that a report shows."""

    run: str
    source: str
    targets: tuple[str, ...]
    series: int
    rows: int
    frequency: str  # "hourly data"
    horizon: int
    span_ahead: str  # "24 hours"
    time_start: str | None
    time_end: str | None
    clock: Clock
    verdict: str
    split: str  # name of the rows of the scores: test or validation
    tested: str  # a sentence about the windows that were scored
    model: str
    precision: str
    windows: int  # that were scored
    drawn_windows: int  # that were forecast again for the charts
    panel: bool  # more than one series
    season: int | None  # of the seasonal naive baseline
    baseline: str  # name of the baseline of the charts
    unit: str  # of the errors in the charts
    scores: Mapping[str, Mapping[str, Any]]  # metrics by name of the forecast
    comparisons: Mapping[str, Mapping[str, Any]]  # by name of the baseline, with difference and interval
    coverage: Mapping[str, float | None]  # percent by level; empty if the stored scores have none
    drawn_coverage: Mapping[str, float | None]  # of the windows of the charts; empty without intervals
    width: Mapping[str, float | None]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    data: DataFacts
    charts: tuple[SeriesChart, ...]
    profiles: tuple[Profile, ...]
    window_charts: tuple[WindowChart, ...]
    by_step: Groups
    by_time: tuple[Groups, ...]
    by_target: Mapping[str, Mapping[str, Any]]
    series_ratios: np.ndarray | None  # [S] error relative to the baseline, NaN if undefined; None: one series
    worst_series: tuple[Mapping[str, Any], ...]  # series, mase, baseline_mase, ratio, mae
    residuals: Residuals | None
    calibration: Calibration | None
    curves: tuple[LossCurve, ...]
    quantized: Mapping[str, Any] | None  # report of `quantize`
    made: Made

    @property
    def warnings_note(self) -> str:
        """Return a sentence about the rows of the warnings, if they are others than those of the verdict; else ""."""
        if self.split == "validation" or not any("validation rows" in text for text in self.warnings):
            return ""
        return (
            "A warning about the validation rows is about older rows. They chose the model, and can differ from the "
            "test rows of the verdict."
        )

    @property
    def known_coverage(self) -> dict[str, float]:
        """Return the coverage by level, in percent, without undefined values."""
        shares = self.coverage or self.drawn_coverage
        return {level: share for level, share in shares.items() if share is not None}
