"""Tests of the average of many regressions: one map, its scores, and values that must have no effect."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from ridge_oracle import ridge_forecast
from small_data import dataset, wave

from lstm_cli.data.dataset.dataset import Dataset, merge_validation_into_train
from lstm_cli.data.dataset.windows import Batch, split_windows
from lstm_cli.linear.ensemble import fit_linear, known_ahead_response, linear_lookbacks, refit_linear
from lstm_cli.linear.model import LinearEnsemble

LOOKBACKS = (6, 20)


def data(**options: Any) -> Dataset:
    options = {"lookback": 20, "horizon": 6, "seasons": (12,)} | options
    series = [wave(160, 2, seed=1, noise=0.3), 5 * wave(120, 2, seed=2, noise=0.3)]
    return dataset(series, train_end=[100, 80], val_end=[130, 100], **options)


def fit(made: Dataset, **options: Any) -> LinearEnsemble:
    return fit_linear(made, **{"lookbacks": LOOKBACKS, "window": 14} | options)


def batch_of(made: Dataset, split: str) -> Batch:
    return split_windows(made, split, max(LOOKBACKS))[:]


def forecast(linear: LinearEnsemble, batch: Batch) -> np.ndarray:
    return linear(batch.past, batch.future, batch.mask)


def shares_of(linear: LinearEnsemble) -> list[tuple[Any, float]]:
    """Return the maps without a fit, and their weights."""
    return list(linear.smoothed)


def one_by_one(linear: LinearEnsemble, made: Dataset, judged: Batch) -> np.ndarray:
    """Return the weighted forecasts of the members, each fitted by scikit-learn on the dataset's training rows."""
    total = np.zeros_like(judged.target, dtype=np.float64)
    for member in linear.members:
        for penalty, weight in member.penalties.items():
            total += weight * ridge_forecast(
                split_windows(made, "train", max(LOOKBACKS)),
                judged,
                lookback=member.lookback,
                center=member.center,
                scaled=member.scaled,
                intercept=member.intercept,
                penalty=penalty,
                window=linear.window,
                unit=linear.unit,
                season=made.schema.season,
            )
    reach = len(linear.last_weights)
    for smoothing, weight in shares_of(linear):
        mapped = smoothing.weights(reach, made.schema.horizon)
        values = np.swapaxes(judged.past[:, -reach:, : made.targets], 1, 2)
        total += weight * np.swapaxes(values @ mapped, 1, 2)
    return total


def test_the_summed_map_is_the_weighted_sum_of_its_members() -> None:
    made = data()
    linear = fit(made)
    weights = [member.weight for member in linear.members] + [weight for _, weight in shares_of(linear)]
    assert sum(weights) == pytest.approx(1)
    assert sum(len(member.penalties) for member in linear.members) > 5
    assert {member.center for member in linear.members} == {"last", "mean"}
    judged = batch_of(made, "test")
    np.testing.assert_allclose(forecast(linear, judged), one_by_one(linear, made, judged), atol=3e-4)


def test_the_refit_keeps_members_and_weights_and_learns_the_validation_rows() -> None:
    made = data()
    linear = fit(made)
    repeated = refit_linear(merge_validation_into_train(made), linear)
    assert repeated.members == linear.members
    assert repeated.settings() == linear.settings()
    judged = batch_of(made, "test")
    expected = one_by_one(linear, merge_validation_into_train(made), judged)
    np.testing.assert_allclose(forecast(repeated, judged), expected, atol=3e-4)
    assert np.abs(expected - forecast(linear, judged)).max() > 0.01
    np.testing.assert_allclose(
        forecast(refit_linear(made, linear), judged), forecast(linear, judged), atol=1e-5
    )


def test_the_score_is_mase_over_the_validation_windows() -> None:
    made = data()
    linear = fit(made)
    batch = batch_of(made, "val")
    result, truth = (
        made.inverse_transform_targets(side, batch.series) for side in (forecast(linear, batch), batch.target)
    )
    error = np.abs(result - truth) / made.training.seasonal_error[batch.series][:, None]
    assert linear.score == pytest.approx(error.mean(), rel=1e-4)


def test_threads_change_nothing() -> None:
    made = data()
    item, two = fit(made, workers=1), fit(made, workers=2)
    for name, array in item.arrays().items():
        np.testing.assert_array_equal(two.arrays()[name], array)
    assert item.settings() == two.settings()
    repeated = [refit_linear(merge_validation_into_train(made), item, workers=workers) for workers in (1, 2)]
    np.testing.assert_array_equal(repeated[0].last_weights, repeated[1].last_weights)


def test_a_stored_ensemble_has_no_members_and_the_same_forecasts() -> None:
    made = data()
    linear = fit(made)
    read = LinearEnsemble.from_stored(linear.arrays(), linear.settings())
    judged = batch_of(made, "test")
    np.testing.assert_array_equal(forecast(read, judged), forecast(linear, judged))
    assert (read.window, read.share, read.score) == (linear.window, linear.share, linear.score)


def test_test_rows_change_nothing_and_validation_rows_do() -> None:
    fits = []
    for first in (None, 130, 115):
        rows = wave(160, 2, seed=1)
        if first is not None:
            rows[first:] = -50.0
        made = dataset([rows], train_end=[100], val_end=[130], lookback=20, horizon=6, seasons=(12,))
        fits.append(fit(made))
    plain, tested, validated = fits
    np.testing.assert_array_equal(plain.last_weights, tested.last_weights)
    assert plain.settings() == tested.settings()
    assert plain.settings() != validated.settings()


def test_filled_targets_are_not_used_as_truth() -> None:
    """Filled values of missing targets are neither fitted nor scored."""
    rows = wave(160, 1, seed=1)
    rows[60:64] = np.nan
    rows[127:130] = np.nan  # at the end of validation: read by no window of training or validation
    fits = []
    for filled in (0.0, 30.0):
        made = dataset(
            [rows], train_end=[100], val_end=[130], lookback=20, horizon=6, seasons=(12,), missing="last"
        )
        values = made.values_scaled.copy()
        values[127:130] = filled
        fits.append(fit(replace(made, values_scaled=values)))
    assert fits[0].settings() == fits[1].settings()
    np.testing.assert_array_equal(fits[0].last_weights, fits[1].last_weights)
    made = dataset(
        [rows], train_end=[100], val_end=[130], lookback=20, horizon=6, seasons=(12,), missing="last"
    )
    judged = batch_of(made, "test")
    np.testing.assert_allclose(forecast(fit(made), judged), one_by_one(fit(made), made, judged), atol=3e-4)


@pytest.mark.parametrize("values", [wave(160, seed=1), np.full((160, 1), 5.0)], ids=["a wave", "a constant"])
def test_a_lookback_of_one_step_and_a_constant_have_finite_forecasts(values: np.ndarray) -> None:
    """A single value minus the last value is 0, so the regression has no input."""
    made = dataset([values], train_end=[100], val_end=[130], lookback=1, horizon=3)
    linear = fit(made, lookbacks=(1,), window=1)
    batch = split_windows(made, "test")[:]
    assert np.isfinite(forecast(linear, batch)).all()
    repeated = refit_linear(merge_validation_into_train(made), linear)
    assert np.isfinite(forecast(repeated, batch)).all()


def test_a_straight_line_and_a_pure_season_are_forecast_exactly() -> None:
    rows = np.arange(160.0)
    for values, seasons in ((3 * rows, ()), (np.tile([1.0, 5.0, 2.0, 0.0], 40), (4,))):
        made = dataset(
            [values[:, None]], train_end=[100], val_end=[130], lookback=8, horizon=5, seasons=seasons
        )
        batch = split_windows(made, "test")[:]
        linear = fit(made, lookbacks=(4, 8), window=8)
        np.testing.assert_allclose(forecast(linear, batch), batch.target, atol=0.02)


def test_a_map_without_error_has_all_of_the_weight() -> None:
    """Repeating whole numbers make the last season exact, and no other map counts next to a score of 0."""
    values = np.tile([-9.0, -10, -11, -12, -13, -14, -15], 23)[:, None]
    made = dataset(
        [values], train_end=[100], val_end=[130], lookback=14, horizon=3, seasons=(7,), scaler="none"
    )
    linear = fit(made, lookbacks=(7, 14), window=14)
    batch = split_windows(made, "test")[:]
    assert linear.score < 1e-3
    np.testing.assert_allclose(forecast(linear, batch), batch.target, atol=1e-3)


def long_noisy_season(slope: float = 0.0) -> Dataset:
    """Return a cycle of 4 steps with noise; the level rises by `slope` per step."""
    random = np.random.default_rng(6)
    rows = np.tile([3.0, 0, -3, 0], 650)[:, None] + random.normal(size=(2600, 1))
    rows += slope * np.arange(2600)[:, None]
    return dataset([rows], train_end=[2200], val_end=[2400], lookback=20, horizon=4, seasons=(4,))


def test_long_data_have_seasonal_means_as_a_family() -> None:
    """With a constant cycle and noise, the mean of all cycles that are read is the best forecast."""
    made = long_noisy_season()
    linear = fit(made)
    assert {item.family for item, _ in linear.smoothed} == {"last season"}
    assert {item.cycles for item, _ in linear.smoothed} <= {2, 4, 5}
    assert max(linear.smoothed, key=lambda share: share[1])[0].cycles == 5
    assert 0.3 < sum(weight for _, weight in linear.smoothed) < 0.7  # as good as a regression
    weights = [member.weight for member in linear.members] + [weight for _, weight in linear.smoothed]
    assert sum(weights) == pytest.approx(1)
    refitted = refit_linear(merge_validation_into_train(made), linear)
    assert refitted.smoothed == linear.smoothed
    judged = batch_of(made, "test")
    np.testing.assert_allclose(forecast(linear, judged), one_by_one(linear, made, judged), atol=3e-4)


def test_a_seasonal_mean_has_no_weight_if_the_level_rises() -> None:
    assert fit(long_noisy_season(slope=2.0)).families() == {"ridge": 1.0}


def test_padding_changes_nothing() -> None:
    made = data()
    linear = fit(made)
    batch = batch_of(made, "val")
    mask, past = batch.mask.copy(), batch.past.copy()
    mask[:, :7] = 0
    expected = linear(past, batch.future, mask)
    past[:, :7] = 1e6
    np.testing.assert_allclose(linear(past, batch.future, mask), expected, atol=1e-5)
    longer = np.concatenate([np.full_like(past[:, :5], -3), past], axis=1)
    more = np.concatenate([np.zeros_like(mask[:, :5]), mask], axis=1)
    np.testing.assert_allclose(linear(longer, batch.future, more), expected, atol=1e-5)


def test_forecasts_scale_with_the_values() -> None:
    result = []
    for factor in (1.0, 8.0):
        series = [factor * wave(160, 2, seed=1, noise=0.3)]
        made = dataset(
            series, train_end=[100], val_end=[130], lookback=20, horizon=6, seasons=(12,), scaler="none"
        )
        linear = fit(made)
        result.append((linear.score, forecast(linear, batch_of(made, "test")) / factor))
        assert linear.unit == pytest.approx(series[0][:100].std(axis=0), rel=1e-4)
    assert result[0][0] == pytest.approx(result[1][0], rel=1e-4)
    np.testing.assert_allclose(result[0][1], result[1][1], rtol=1e-4)


def test_a_series_without_seasonal_error_is_not_scored() -> None:
    fits = []
    for later in (1.0, 500.0):
        quiet = np.full((130, 1), 3.0)
        quiet[90:] += later * np.random.default_rng(0).normal(size=(40, 1))
        made = dataset(
            [wave(160, seed=1, noise=0.3), quiet],
            train_end=[100, 90],
            val_end=[130, 120],
            lookback=20,
            horizon=6,
            seasons=(12,),
        )
        assert made.training.seasonal_error[1, 0] == 0
        fits.append(fit(made))
    assert fits[0].settings() == fits[1].settings()
    np.testing.assert_array_equal(fits[0].last_weights, fits[1].last_weights)


def promoted() -> Dataset:
    """Return a season with promotions that raise the target by 6 on their day only; all are known ahead."""
    random = np.random.default_rng(4)
    promo = (random.random(220) < 0.2).astype(float)
    sales = 50 + 5 * np.sin(np.arange(220) * 2 * np.pi / 7) + 6 * promo + 0.2 * random.normal(size=220)
    columns = np.stack([sales, promo], axis=1)
    return dataset([columns], train_end=[150], val_end=[185], lookback=14, horizon=7, seasons=(7,), future=1)


def test_the_effect_of_known_ahead_inputs_is_found_and_used() -> None:
    made = promoted()
    plain = fit(made, lookbacks=(7, 14))
    linear = fit(made, lookbacks=(7, 14), covariates=True)
    effect = 6 * made.scaler.scale[0, 1] / made.scaler.scale[0, 0]  # both scaled
    assert linear.response[0, 0] == pytest.approx(effect, rel=0.05)
    assert plain.response.shape == (0, 1)
    assert linear.score < 0.5 * plain.score
    batch = split_windows(made, "test", 14)[:]
    error = np.abs(forecast(linear, batch) - batch.target).mean()
    assert error < 0.4 * np.abs(forecast(plain, batch) - batch.target).mean()
    more = batch.future.copy()
    more[:, 3, 0] += 1
    moved = linear(batch.past, more, batch.mask) - forecast(linear, batch)
    np.testing.assert_allclose(moved[:, 3, 0], linear.response[0, 0], atol=1e-5)
    assert not np.delete(moved, 3, axis=1).any()
    repeated = refit_linear(merge_validation_into_train(made), linear)
    assert repeated.response[0, 0] == pytest.approx(effect, rel=0.05)
    assert repeated.response[0, 0] != linear.response[0, 0]


@pytest.mark.parametrize(
    ("lookback", "rows", "fixed", "expected"),
    [
        (336, 8640, False, (168, 336, 504, 672, 1008)),
        (336, 2000, False, (168, 336, 504, 672, 856)),  # .45 (2000 - 96) at most
        (672, 12_000, False, (336, 672, 1008, 1344, 2016)),  # half-hourly
        (1344, 35_000, False, (672, 1344, 2016)),  # 15 minutes: 2,688 and 4,032 are limited to 2,016
        (1440, 140_000, False, (720, 1440, 2016)),  # minutes
        (20_160, 140_000, True, (10_080, 20_160)),  # a given lookback is not limited
        (24, 110, False, (24,)),  # least is the season, most .45 (110 - 96) = 6: the season
        (48, 500, True, (24, 48)),
        (1, 500, True, (1,)),
    ],
)
def test_lookbacks_of_the_regressions(
    lookback: int, rows: int, fixed: bool, expected: tuple[int, ...]
) -> None:
    assert linear_lookbacks(lookback=lookback, rows=rows, horizon=96, season=24, fixed=fixed) == expected


def test_known_ahead_inputs_are_not_read_beyond_the_training_rows() -> None:
    """Values in a gap at the end of training are filled from row 105, which no training window may read."""
    rows = wave(160, 2, seed=1)
    rows[92:105, 1] = np.nan
    spoilt = rows.copy()
    spoilt[105:, 1] = 1e3
    options: dict[str, Any] = {"train_end": [100], "val_end": [130], "horizon": 6, "future": 1}
    responses = [known_ahead_response(dataset([values], **options)) for values in (rows, spoilt)]
    np.testing.assert_array_equal(*responses)
    refitted = [
        known_ahead_response(merge_validation_into_train(dataset([values], **options)))
        for values in (rows, spoilt)
    ]
    assert (refitted[0] != refitted[1]).any()
    after = dataset([rows], **options)
    assert after.training_inputs(0)[:, 1].tolist() == [
        *after.values_scaled[:92, 1].tolist(),
        *[after.values_scaled[91, 1]] * 8,
    ]


def test_a_series_without_training_rows_does_not_affect_the_response() -> None:
    """Training rows of this series end before it begins, as in a block far back."""
    long, short = wave(160, 2, seed=1), wave(50, 2, seed=2)
    options: dict[str, Any] = {"horizon": 6, "future": 1}
    both = dataset([short, long], train_end=[20, 100], val_end=[40, 130], **options)
    earlier = replace(both, series=replace(both.series, train_end=np.array([-5, 100])))
    alone = replace(both, series=replace(both.series, train_end=np.array([0, 100])))
    np.testing.assert_array_equal(known_ahead_response(earlier), known_ahead_response(alone))


def test_a_fit_is_restored_exactly_from_json() -> None:
    made = data()
    linear = fit(made)
    assert linear.members
    assert linear.smoothed
    facts = json.loads(json.dumps(linear.fit_facts()))
    back = LinearEnsemble.from_fit({name: array.copy() for name, array in linear.arrays().items()}, facts)
    assert back.settings() == linear.settings()
    assert (back.members, back.smoothed) == (linear.members, linear.smoothed)
    repeated = [refit_linear(merge_validation_into_train(made), item) for item in (linear, back)]
    for name, array in repeated[0].arrays().items():
        np.testing.assert_array_equal(array, repeated[1].arrays()[name])


def test_progress_counts_every_fit_and_reaches_the_total() -> None:
    made = data()
    calls: list[tuple[int, int]] = []
    linear = fit(made, progress=lambda done, total: calls.append((done, total)))
    assert sorted(calls) == [(done, calls[0][1]) for done in range(calls[0][1] + 1)]
    repeated: list[tuple[int, int]] = []
    refit_linear(
        merge_validation_into_train(made), linear, progress=lambda done, total: repeated.append((done, total))
    )
    solved = {(member.center, member.scaled, member.lookback) for member in linear.members}
    assert repeated == [(done, len(solved)) for done in range(len(solved) + 1)]


def test_values_whose_squares_are_zero_as_32_bit_floats_are_fitted() -> None:
    tiny = dataset(
        [1e-25 * wave(160, 1, seed=1, noise=0.3)],
        train_end=[100], val_end=[130], lookback=20, horizon=6, seasons=(12,), scaler="none",
    )  # fmt: skip
    linear = fit(tiny)
    assert linear.members
    judged = batch_of(tiny, "val")
    assert np.isfinite(forecast(linear, judged)).all()
    naive = np.abs(judged.past[:, -1:, :1] - judged.target).mean()
    assert np.abs(forecast(linear, judged) - judged.target).mean() < naive
