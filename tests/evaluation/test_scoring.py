"""Tests of forecasts over windows: which are made, from which steps, and when two are equally good."""

import numpy as np
import pytest
from small_data import dataset, wave

from lstm_cli.data.build.log_transform import log_transform
from lstm_cli.data.dataset.windows import split_windows
from lstm_cli.data.forecast.bounds import Bounds, make_bounds
from lstm_cli.evaluation import scoring
from lstm_cli.evaluation.quantiles import intervals
from lstm_cli.linear.ensemble import fit_linear
from lstm_cli.linear.model import LinearEnsemble

FREE = Bounds(lower=np.array([-np.inf]), upper=np.array([np.inf]))


def made(seasons: tuple[int, ...] = (12,)) -> tuple[scoring.Dataset, LinearEnsemble]:
    data = dataset(
        [wave(120, seed=1)], train_end=[80], val_end=[100], lookback=12, horizon=4, seasons=seasons
    )
    return data, fit_linear(data, lookbacks=(6, 12), window=12)


class Graph:
    """Graph that forecasts the last value of its input, with parts 1 and 2."""

    def __init__(self) -> None:
        self.lookbacks: list[int] = []

    def __call__(self, past: np.ndarray, future: np.ndarray, mask: np.ndarray) -> np.ndarray:
        assert past.shape[1] == mask.shape[1]
        self.lookbacks.append(past.shape[1])
        return np.repeat(past[:, -1:, :1], 4, axis=1)

    def forecast_with_parts(
        self, past: np.ndarray, future: np.ndarray, mask: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        forecast = self(past, future, mask)
        return forecast, np.stack([0 * forecast + 1, 0 * forecast + 2], axis=-1)


def test_a_graph_gets_as_many_steps_as_it_looks_back() -> None:
    data = made()[0]
    graph = Graph()
    batch = split_windows(data, "val", 20)[:]
    result = scoring.model_forecaster(graph, 7)(batch)
    assert list(result) == ["model"]
    assert graph.lookbacks == [7]
    result = scoring.model_forecaster(graph, 7, name="m", parts=("linear", "free"))(batch)
    assert list(result) == ["m", "part.linear", "part.free"]
    assert np.unique(result["part.linear"]).tolist() == [1]
    assert np.unique(result["part.free"]).tolist() == [2]


def test_every_forecaster_is_scored_on_the_same_windows_in_the_files_units() -> None:
    data, linear = made()
    windows = scoring.scoring_windows(data, "val", 7, linear, 12)
    assert windows.lookback == 12  # longest lookback of all
    assert scoring.scoring_windows(data, "val", 7, linear, 40).lookback == 40
    both = scoring.combine_forecasters(
        scoring.model_forecaster(Graph(), 7), scoring.baseline_forecaster(data, linear, 12)
    )
    sums = scoring.score(windows, both, FREE)
    assert set(sums) == {"model", "naive", "seasonal_naive", "linear"}
    overall = {
        name: scoring.metrics.overall_scores(result, scoring.metric_scale(data))
        for name, result in sums.items()
    }
    batch = windows[:]
    error = (batch.past[:, -1:, :1] - batch.target) * data.scaler.scale[0, 0]
    assert overall["model"]["mae"] == pytest.approx(np.abs(error).mean(), rel=1e-5)
    assert overall["naive"] == overall["model"]
    assert overall["linear"]["mae"] != overall["naive"]["mae"]
    without, plain = made(seasons=())
    assert set(scoring.baseline_forecaster(without, plain, None)(split_windows(without, "val", 12)[:])) == {
        "naive",
        "linear",
    }


def test_forecasts_are_clipped_to_the_bounds_before_they_are_scored() -> None:
    data, linear = made()
    windows = scoring.scoring_windows(data, "val", 7, linear)
    floor = Bounds(lower=np.array([99.0]), upper=np.array([np.inf]))
    sums = scoring.score(windows, scoring.model_forecaster(Graph(), 7), floor)
    truth = data.inverse_transform_targets(windows[:].target, windows[:].series)
    scores = scoring.metrics.overall_scores(sums["model"], scoring.metric_scale(data))
    assert scores["mae"] == pytest.approx((99 - truth).mean(), rel=1e-6)


@pytest.mark.parametrize(
    ("simple", "model", "good"),
    [
        ({"mase": 1.0}, {"mase": 1.0}, True),
        ({"mase": 1.004}, {"mase": 1.0}, True),  # within half a percent
        ({"mase": 1.006}, {"mase": 1.0}, False),
        ({"mase": 0.5}, {"mase": 1.0}, True),
        ({"mase": None, "mae_scaled": 2.0}, {"mase": 1.0, "mae_scaled": 1.0}, False),
        ({"mase": None, "mae_scaled": 1.0}, {"mase": None, "mae_scaled": 1.0}, True),
        ({"mase": None}, {"mase": None}, False),
    ],
)
def test_as_good(simple: dict[str, float | None], model: dict[str, float | None], good: bool) -> None:
    assert scoring.is_as_good(simple, model) is good


def intermittent(*, logs: bool) -> np.ndarray:
    """Return values [300, 1] with two zeros in three; with a log transform, no zeros in the training rows."""
    rng = np.random.default_rng(5)
    values = np.where(rng.random(300) < 0.66, 0.0, rng.choice([1.0, 2.0, 3.3], 300))
    if logs:
        values[:200] = np.where(values[:200] == 0, 0.7, values[:200])
    return values[:, None]


@pytest.mark.parametrize("least", ["auto", "none", 0.0])
@pytest.mark.parametrize("logs", [False, True])
@pytest.mark.parametrize("scaler", ["standard", "minmax", "robust", "none"])
def test_zeros_are_scored_as_the_file_has_them(scaler: str, logs: bool, least: str | float) -> None:
    """Scores of the last value and coverage are computed only from the file's numbers."""
    horizon, half = 4, 0.5
    file = intermittent(logs=logs)
    data = dataset([file], train_end=[200], val_end=[250], horizon=horizon, scaler=scaler)
    data = log_transform(data) if logs else data
    bounds, _ = make_bounds(data, least, None)
    windows = split_windows(data, "test", 8)
    band = intervals.Intervals(
        half=np.full((2, horizon), half), floor=np.ones(1), season=1, lookback=1, optimism=1.0, horizons=9.0
    )  # a window of one row has no spread, so the floor of 1 is taken
    tally = scoring.IntervalTally(data, band, bounds)
    on_forecast = scoring.tally_forecasts({"model": tally})
    sums = scoring.score(windows, scoring.model_forecaster(Graph(), 8), bounds, on_forecast=on_forecast)
    result = scoring.metrics.overall_scores(sums["model"], scoring.metric_scale(data))

    truth = np.stack([file[row : row + horizon, 0] for row in range(250, 300 - horizon + 1)])
    last = np.stack([np.full(horizon, file[row - 1, 0]) for row in range(250, 300 - horizon + 1)])
    size = np.abs(truth) + np.abs(last)
    symmetric = np.divide(200 * np.abs(truth - last), size, out=np.zeros_like(size), where=size > 0)
    assert result["smape"] == pytest.approx(symmetric.mean(), rel=1e-5)
    assert result["mae"] == pytest.approx(np.abs(truth - last).mean(), rel=1e-5)

    # In scaled space the interval is half a unit to each side, before it is clipped to the bounds.
    scaled = [
        data.scaler.transform(values.reshape(-1, 1), 0).reshape(values.shape) for values in (truth, last)
    ]
    inside = np.abs(scaled[0] - scaled[1]) <= half
    assert tally.sums is not None
    covered = tally.sums.inside.sum(axis=(1, 2, 3)) / tally.sums.count.sum()
    np.testing.assert_allclose(covered, inside.mean(), rtol=1e-12)
    assert 0.3 < inside.mean() < 1
