"""Tests of the uncertainty of scores: against a plain bootstrap, and by the coverage of its intervals."""

import math
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
from small_data import dataset, wave

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.windows import Batch, Windows, split_windows
from lstm_cli.data.forecast.bounds import Bounds
from lstm_cli.evaluation import scoring
from lstm_cli.evaluation.uncertainty import (
    WindowErrors,
    WindowTimes,
    best_comparison,
    coverage_ranges,
    ratio_of_sums,
    student_t_quantile,
    window_times,
)

FREE = Bounds(lower=np.array([-np.inf]), upper=np.array([np.inf]))


def in_a_row(count: int, horizon: int) -> WindowTimes:
    return WindowTimes(
        moment=np.arange(count), count=count, disjoint=1 + (count - 1) // horizon, horizon=horizon
    )


def errors_of_steps(rng: np.random.Generator, count: int, memory: float) -> tuple[np.ndarray, np.ndarray]:
    """Return |errors| of two forecasts per step with a common part; the first has 20 % less error on average."""
    noise = rng.normal(size=(2, count + 50))
    each = np.zeros_like(noise)
    for step in range(1, count + 50):
        each[:, step] = memory * each[:, step - 1] + math.sqrt(1 - memory**2) * noise[:, step]
    common, own = each[:, 50:]
    return np.abs(0.8 * common + 0.6 * own), np.abs(1.25 * common)


def over_windows(steps: np.ndarray, horizon: int) -> np.ndarray:
    return np.convolve(steps, np.ones(horizon), "valid")


@pytest.mark.parametrize(
    ("quantile", "freedom", "value", "within"),
    [  # Abramowitz and Stegun 1964, table 26.10
        (0.95, 1, 6.314, 1e-3),
        (0.995, 1, 63.657, 1e-3),
        (0.95, 2, 2.920, 1e-3),
        (0.995, 2, 9.925, 1e-3),
        (0.95, 3, 2.353, 0.01),
        (0.95, 10, 1.812, 1e-3),
        (0.995, 10, 3.169, 2e-3),
        (0.95, 1000, 1.646, 1e-3),
    ],
)
def test_students_t(quantile: float, freedom: int, value: float, within: float) -> None:
    assert student_t_quantile(quantile, freedom) == pytest.approx(value, abs=within)


def test_the_error_of_a_ratio_by_the_definition_of_its_transforms() -> None:
    rng = np.random.default_rng(0)
    top, bottom = rng.random(40), 1 + rng.random(40)
    ratio, error, freedom = ratio_of_sums(top, bottom, in_a_row(40, 4))
    assert ratio == pytest.approx(top.sum() / bottom.sum())
    assert freedom == 5  # 10 disjoint windows, half of them
    apart = (top - ratio * bottom) / bottom.sum()
    terms = []
    for number in range(1, 6):
        cosine = math.sqrt(2 / 40) * sum(
            value * math.cos(math.pi * number * (step + 0.5) / 40) for step, value in enumerate(apart)
        )
        # Response of a mean over 4 steps at this frequency.
        wave_of = [np.exp(2j * math.pi * number / 80 * step) for step in range(4)]
        terms.append(cosine**2 / abs(np.mean(wave_of)) ** 2)
    assert error == pytest.approx(math.sqrt(40 * np.mean(terms)), rel=1e-9)


def test_the_interval_agrees_with_a_plain_block_bootstrap() -> None:
    """Circular blocks of 8 horizons (Politis and Romano 1992) are far longer than the correlation of the errors."""
    rng, horizon, count = np.random.default_rng(5), 6, 4_000
    model, baseline = (
        over_windows(steps, horizon) for steps in errors_of_steps(rng, count + horizon - 1, 0.5)
    )
    ratio, error, _ = ratio_of_sums(model, baseline, in_a_row(count, horizon))
    block = 8 * horizon
    ratios = []
    for _ in range(1_000):
        starts = rng.integers(0, count, size=count // block)
        rows = (starts[:, None] + np.arange(block)).ravel() % count
        ratios.append(model[rows].sum() / baseline[rows].sum())
    assert ratio == pytest.approx(np.mean(ratios), abs=0.1 * error)
    assert error == pytest.approx(np.std(ratios), rel=0.2)


@pytest.mark.parametrize("memory", [0.0, 0.7])
@pytest.mark.parametrize(("count", "horizon"), [(10, 1), (200, 1), (25, 24), (97, 24), (300, 12)])
def test_the_interval_covers_the_truth_nine_times_in_ten(count: int, horizon: int, memory: float) -> None:
    rng, trials, held = np.random.default_rng(count + horizon), 600, 0
    for _ in range(trials):
        steps = errors_of_steps(rng, count + horizon - 1, memory)
        ratio, error, freedom = ratio_of_sums(
            *(over_windows(item, horizon) for item in steps), in_a_row(count, horizon)
        )
        held += abs(ratio - 0.8) <= student_t_quantile(0.95, freedom) * error
    assert 0.84 <= held / trials <= 0.96  # nominal .9; 600 trials have a standard error of about .012


def panel(series: int, *, starts: list[int] | None = None) -> Dataset:
    data = dataset(
        [wave(60, seed=number) for number in range(series)],
        train_end=[30] * series,
        val_end=[40] * series,
        horizon=4,
        seasons=(4,),
    )
    if starts is None:
        return data
    hours = 3_600_000_000 * np.array(starts, dtype=np.int64)
    return replace(data, series=replace(data.series, origin_us=hours))


def test_windows_of_several_series_at_one_time_are_one_moment() -> None:
    item, two = (window_times(split_windows(panel(series), "test")) for series in (1, 2))
    assert (item.count, item.disjoint, item.horizon) == (17, 5, 4)
    assert (two.count, two.disjoint) == (17, 5)
    assert two.moment.tolist() == [*range(17), *range(17)]
    shifted = window_times(split_windows(panel(2, starts=[0, 5]), "test"))
    assert (shifted.count, shifted.disjoint) == (22, 6)
    assert shifted.moment.tolist() == [*range(17), *range(5, 22)]


def test_series_without_a_common_time_follow_each_other() -> None:
    for data in (panel(2, starts=[0, 1_000]), _without_times(panel(2))):
        result = window_times(split_windows(data, "test"))
        assert result.moment.tolist() == list(range(34))
        assert result.disjoint == 10


def _without_times(data: Dataset) -> Dataset:
    return replace(data, schema=replace(data.schema, time_columns=()))


def test_windows_far_apart_do_not_overlap() -> None:
    windows = split_windows(panel(1), "test")
    assert window_times(windows.select(np.array([0, 1, 2, 3]))).disjoint == 1
    assert window_times(windows.select(np.array([0, 1, 4]))).disjoint == 2
    assert window_times(windows.select(np.array([0, 8, 16]))).disjoint == 3


def compared(
    windows: Windows, forecasts: dict[str, float], *, scale: scoring.metrics.MetricScale | None = None
) -> tuple[dict[str, dict[str, float]], dict[str, scoring.metrics.Scores]]:
    """Return comparisons and scores of forecasts whose error is a constant and a part of a wave."""
    data = windows.dataset
    scale = scale or scoring.metric_scale(data)
    errors = WindowErrors(windows, scale)

    def forecast(batch: Batch) -> dict[str, np.ndarray]:
        pattern = 1 + 0.3 * np.sin(np.arange(batch.target.size)).reshape(batch.target.shape)
        return {name: batch.target + (miss * pattern).astype(np.float32) for name, miss in forecasts.items()}

    sums = scoring.score(windows, forecast, FREE, on_errors=errors)
    result = errors.comparisons()
    return result, {name: scoring.metrics.overall_scores(item, scale) for name, item in sums.items()}


def test_the_difference_is_that_of_mase_and_the_best_baseline_comes_first() -> None:
    data = panel(3)
    measured = data.measured.copy()
    measured[45:52] = False  # of the first series, so some windows have fewer values
    windows = split_windows(replace(data, measured=measured), "test")
    result, scores = compared(
        windows, {"model": 0.3, "part.free": 9.0, "naive": 1.0, "seasonal_naive": 0.5, "linear": 0.4}
    )
    assert list(result) == ["linear", "seasonal_naive", "naive"]
    for name, comparison in result.items():
        ours, theirs = scores["model"]["mase"], scores[name]["mase"]
        assert ours is not None
        assert theirs is not None
        assert comparison["difference"] == pytest.approx(100 * (1 - ours / theirs), rel=1e-6)
    best = best_comparison(result)
    assert best is not None
    assert best["baseline"] == "linear"
    assert set(best) == {"baseline", "difference", "interval"}
    assert best_comparison({}) is None


def test_without_a_mase_scale_mae_is_compared() -> None:
    windows = split_windows(panel(2), "test")
    none = np.full_like(windows.dataset.training.seasonal_error, np.nan)
    scale = replace(scoring.metric_scale(windows.dataset), seasonal_error=none)
    result, scores = compared(windows, {"model": 0.3, "linear": 0.4}, scale=scale)
    ours, theirs = scores["model"]["mae"], scores["linear"]["mae"]
    assert scores["model"]["mase"] is None
    assert ours is not None
    assert theirs is not None
    assert result["linear"]["difference"] == pytest.approx(100 * (1 - ours / theirs), rel=1e-6)


def test_fewer_than_two_windows_that_do_not_overlap_compare_nothing() -> None:
    windows = split_windows(panel(1), "test")
    few = windows.select(np.array([0, 1, 2]))
    assert compared(few, {"model": 0.3, "linear": 0.4})[0] == {}
    assert compared(windows.select(np.array([0, 4])), {"model": 0.3, "linear": 0.4})[0] != {}


def test_a_baseline_without_error_is_the_best_and_has_no_difference() -> None:
    windows = split_windows(panel(1), "test")
    result = compared(windows, {"model": 0.3, "linear": 0.4, "naive": 0.0})[0]
    assert list(result) == ["naive", "linear"]
    assert best_comparison(result) == {"baseline": "naive", "difference": None, "interval": None}


def test_errors_that_differ_only_by_rounding_are_equal() -> None:
    windows = split_windows(panel(1), "test")
    result = compared(windows, {"model": 0.3, "linear": 0.3 * (1 + 1e-6), "naive": 0.3 * (1 + 1e-3)})[0]
    assert result["linear"] == {"difference": 0.0, "interval": [0.0, 0.0]}
    assert result["naive"]["difference"] == pytest.approx(0.1, rel=0.01)


@pytest.mark.parametrize(("groups", "size", "distance", "horizon"), [(30, 4, 168, 48), (100, 2, 170, 150)])
def test_clustered_windows_have_an_interval_of_the_right_size(
    groups: int, size: int, distance: int, horizon: int
) -> None:
    rows = 40 + groups * distance + horizon
    data = dataset([wave(rows)], train_end=[20], val_end=[40], lookback=8, horizon=horizon)
    origins = (40 + np.arange(groups)[:, None] * distance + np.arange(size)).ravel()
    windows = Windows(
        dataset=data, lookback=8, origins=origins, series=np.zeros(len(origins), dtype=np.int64)
    )
    moments = window_times(windows)
    rng = np.random.default_rng(0)
    top, bottom = 1 + 0.1 * rng.normal(size=(2, len(origins)))
    ratio, error, _ = ratio_of_sums(top, bottom, moments)
    assert ratio == pytest.approx(1, abs=0.05)
    # Independent draws: the deviation of the ratio of two means, within a factor of two for so few transforms.
    assert 0.5 < error / (0.1 * math.sqrt(2 / len(origins))) < 2


def steady(rng: np.random.Generator, count: int, memory: float) -> np.ndarray:
    values = np.zeros(count + 50)
    noise = rng.normal(size=count + 50)
    for step in range(1, count + 50):
        values[step] = memory * values[step - 1] + math.sqrt(1 - memory**2) * noise[step]
    return values[50:]


@pytest.mark.parametrize("memory", [0.0, 0.8])
@pytest.mark.parametrize(("count", "horizon"), [(25, 24), (217, 24), (1_000, 1), (700, 24)])
def test_good_intervals_give_a_warning_once_in_a_hundred(count: int, horizon: int, memory: float) -> None:
    """Bursts of misses are included."""
    rng, trials, alarms = np.random.default_rng(count), 300, 0
    for _ in range(trials):
        values = np.abs(steady(rng, count + horizon - 1, memory))
        ends = [NormalDist().inv_cdf(0.5 + level / 200) for level in (80, 95)]
        inside = np.stack([over_windows(values <= end, horizon) for end in ends])
        result = coverage_ranges(
            inside, np.full(count, horizon), in_a_row(count, horizon), calibration_ratio=math.inf
        )
        alarms += sum(not low <= share <= high for share, low, high in result.values())
    assert alarms / (2 * trials) <= 0.03


def test_too_narrow_and_too_wide_intervals_give_a_warning() -> None:
    rng, horizon, count = np.random.default_rng(0), 12, 600
    values = np.abs(steady(rng, count + horizon - 1, 0.5))
    narrow, wide = (np.stack([over_windows(values <= end, horizon)] * 2) for end in (0.95, 9.0))
    cells = np.full(count, horizon)
    share, low, high = coverage_ranges(narrow, cells, in_a_row(count, horizon), calibration_ratio=4)[80]
    assert share == pytest.approx(100 * narrow[0].sum() / (count * horizon))
    assert share < low < 80 < high
    # All values are inside: 50 disjoint windows reject 80 %, but not 95 %.
    result = coverage_ranges(wide, cells, in_a_row(count, horizon), calibration_ratio=20)
    assert result[80][0] == 100 > result[80][2]
    assert result[95][2] == 100


def test_few_calibration_horizons_widen_the_range() -> None:
    rng, horizon, count = np.random.default_rng(1), 12, 600
    inside = np.stack([over_windows(np.abs(steady(rng, count + horizon - 1, 0.5)) <= 1.0, horizon)] * 2)
    cells, row = np.full(count, horizon), in_a_row(count, horizon)
    many, few = (coverage_ranges(inside, cells, row, calibration_ratio=number)[80] for number in (1e6, 0.5))
    assert few[1] < many[1] < 80 < many[2] < few[2]


def test_overlapping_windows_give_no_warning() -> None:
    assert coverage_ranges(np.zeros((2, 5)), np.full(5, 12), in_a_row(5, 12), calibration_ratio=9) == {}
    assert coverage_ranges(np.zeros((2, 50)), np.zeros(50), in_a_row(50, 12), calibration_ratio=9) == {}
