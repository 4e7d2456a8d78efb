"""Tests of intervals fitted on a dataset: the rows that they use."""

import dataclasses

import numpy as np
import pytest
from small_data import dataset, wave

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.windows import Batch
from lstm_cli.evaluation.quantiles import calibrate_intervals
from lstm_cli.evaluation.quantiles.calibrate_intervals import calibrate

LOOKBACK, HORIZON = 24, 4


def small(*, rows: int = 200, seasons: tuple[int, ...] = (12,)) -> Dataset:
    return dataset(
        [wave(rows, 2), 50 * wave(rows, 2, seed=1)],
        train_end=[120, 100],
        val_end=[160, 150],
        lookback=LOOKBACK,
        horizon=HORIZON,
        seasons=seasons,
    )


def last_value(batch: Batch) -> np.ndarray:
    return np.repeat(batch.past[:, -1:, :2], HORIZON, axis=1)


def test_the_horizons_are_rows_over_the_horizon() -> None:
    fitted = calibrate(small(), last_value, lookback=LOOKBACK).quantiles.intervals
    validation = (40 + 50) / HORIZON
    training = (120 - LOOKBACK + 100 - LOOKBACK) / HORIZON
    assert fitted.horizons == pytest.approx(validation + training)
    assert (fitted.season, fitted.lookback) == (12, LOOKBACK)


def test_test_rows_change_nothing_and_validation_rows_do() -> None:
    data = small()
    before = calibrate(data, last_value, lookback=LOOKBACK).quantiles.intervals
    for row, same in ((170, True), (140, False)):
        values = data.values_scaled.copy()
        values[row] += 5
        changed = dataclasses.replace(data, values_scaled=values)
        result = calibrate(changed, last_value, lookback=LOOKBACK).quantiles.intervals
        assert (result.to_dict() == before.to_dict()) is same


def test_an_overfitted_model_does_not_have_narrow_intervals() -> None:
    """Training errors are a tenth; the seasonal naive forecast shows that validation rows are not more volatile."""
    data, rng = small(), np.random.default_rng(0)
    noise = rng.normal(size=(data.values_scaled.shape[0], HORIZON, 2)).astype(np.float32)
    ends = data.series.offset + data.series.train_end

    def honest(batch: Batch) -> np.ndarray:
        return batch.target + noise[: len(batch.series)]

    def by_heart(batch: Batch) -> np.ndarray:
        rows = np.array([np.isclose(data.inputs[:, 0], first).argmax() for first in batch.target[:, 0, 0]])
        trained = rows + HORIZON <= ends[batch.series]
        return batch.target + noise[: len(batch.series)] * np.where(trained, 0.1, 1.0)[:, None, None]

    narrow = calibrate(data, by_heart, lookback=LOOKBACK).quantiles.intervals
    wide = calibrate(data, honest, lookback=LOOKBACK).quantiles.intervals
    assert 8 < narrow.optimism < 12
    assert narrow.half == pytest.approx(wide.half, rel=0.35)


def test_without_a_season_or_with_a_lookback_shorter_than_it() -> None:
    for seasons, lookback in (((), 3), ((12,), 3), ((12,), 1)):
        data = small(seasons=seasons)
        fitted = calibrate(data, last_value, lookback=lookback).quantiles.intervals
        assert (fitted.half > 0).all()
        assert np.isfinite(fitted.half).all()


def test_long_horizons_take_fewer_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def counted(batch: Batch) -> np.ndarray:
        seen.append(len(batch.series))
        return last_value(batch)

    monkeypatch.setattr(calibrate_intervals, "MAX_CELLS", 20 * HORIZON * 2)
    calls: list[tuple[int, int]] = []
    calibrate(small(), counted, lookback=LOOKBACK, progress=lambda done, total: calls.append((done, total)))
    assert seen[:2] == [20, 20]
    assert calls[:2] == [(20, 258), (40, 258)]  # the others have the targets of several horizons
    assert calls[-1] == (258, 258)
