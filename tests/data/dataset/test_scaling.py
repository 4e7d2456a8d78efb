"""Scalers against scikit-learn, the oracle."""

import json
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from small_data import dataset, wave

from lstm_cli.data.dataset.dataset import training_statistics
from lstm_cli.data.dataset.scaling import Scaler, fit_scaler

KINDS = ("standard", "minmax", "robust")


def oracle(kind: str) -> Any:
    from sklearn import preprocessing

    kinds = {"standard": "StandardScaler", "minmax": "MinMaxScaler", "robust": "RobustScaler"}
    return getattr(preprocessing, kinds[kind])()


def numbers(rows: int, columns: int) -> st.SearchStrategy[np.ndarray]:
    cells = st.one_of(
        st.floats(-1e9, 1e9, allow_subnormal=False),
        st.integers(-5, 5).map(float),
        st.just(float("nan")),
    )
    return arrays(np.float64, (rows, columns), elements=cells)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60)
@given(data=st.data())
def test_scaled_values_are_scikit_learns(kind: str, data: st.DataObject) -> None:
    train = data.draw(numbers(data.draw(st.integers(1, 30)), 3))
    train[0] = np.nan_to_num(train[0])  # a column without any measured cell is ours alone, see below
    new = data.draw(numbers(4, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = oracle(kind).fit(train).transform(new)
    scaler = fit_scaler(kind, [train])
    assert (scaler.scale > 0).all()
    scaled = scaler.transform(new, 0)
    np.testing.assert_array_equal(np.isnan(scaled), np.isnan(new))
    np.testing.assert_allclose(
        scaled, expected, rtol=1e-7, atol=1e-7 * np.nanmax(np.abs(expected), initial=1)
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("level", [0.0, 5.0, 0.1, -1e9 + 0.1, 1e15])
def test_a_constant_column_is_only_shifted(kind: str, level: float) -> None:
    train = np.full((97, 1), level)
    scaler = fit_scaler(kind, [train])
    assert scaler.scale.tolist() == [[1.0]]
    np.testing.assert_allclose(scaler.transform(train, 0), 0, atol=1e-6 * max(1, abs(level)))
    expected = oracle(kind).fit(train).transform(train + 3)
    np.testing.assert_allclose(scaler.transform(train + 3, 0), expected, atol=1e-6 * max(1, abs(level)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_of_tiny_numbers_is_scikit_learns(kind: str) -> None:
    train = np.array([[1e-20], [3e-20], [7e-20]])
    np.testing.assert_allclose(
        fit_scaler(kind, [train]).transform(train, 0), oracle(kind).fit(train).transform(train)
    )


@pytest.mark.parametrize("kind", [*KINDS, "none"])
def test_a_column_never_measured_is_left_as_it_is(kind: str) -> None:
    scaler = fit_scaler(kind, [np.column_stack([np.full(5, np.nan), np.arange(5.0)])])
    assert (scaler.center[0, 0], scaler.scale[0, 0]) == (0.0, 1.0)


def test_none_changes_nothing() -> None:
    values = wave(20, 2)
    np.testing.assert_array_equal(fit_scaler("none", [values]).transform(values, 0), values)


def test_numbers_by_hand() -> None:
    train = np.array([[1.0], [2.0], [np.nan], [4.0], [9.0]])
    by_kind = {kind: fit_scaler(kind, [train]) for kind in KINDS}
    centers = {kind: scaler.center[0, 0] for kind, scaler in by_kind.items()}
    scales = {kind: scaler.scale[0, 0] for kind, scaler in by_kind.items()}
    assert centers == {"standard": 4.0, "minmax": 1.0, "robust": 3.0}
    assert scales == {"standard": np.sqrt((9 + 4 + 0 + 25) / 4), "minmax": 8.0, "robust": 5.25 - 1.75}


@pytest.mark.parametrize("kind", [*KINDS, "none"])
@settings(max_examples=40)
@given(data=st.data())
def test_scaling_inverted_gives_the_numbers_back_within_float32(kind: str, data: st.DataObject) -> None:
    values = data.draw(numbers(20, 2))
    scaler = fit_scaler(kind, [values])
    back = scaler.inverse_transform(scaler.transform(values, 0).astype(np.float32), 0)
    assert back.dtype == np.float64
    np.testing.assert_array_equal(np.isnan(back), np.isnan(values))
    # float32 keeps 2^-24 of a scaled value; its centre comes on top.
    room = 1e-6 * (np.nanmax(np.abs(values), initial=0) + np.abs(scaler.center[0]) + scaler.scale[0])
    assert (np.nan_to_num(np.abs(back - values)) <= room).all()


def test_every_series_has_its_own_numbers() -> None:
    panel = [wave(30, 3, seed=1), 100 * wave(20, 3, seed=2)]
    scaler = fit_scaler("standard", panel)
    for number, rows in enumerate(panel):
        np.testing.assert_allclose(scaler.transform(rows, number), oracle("standard").fit_transform(rows))


@pytest.mark.parametrize("kind", KINDS)
def test_a_panel_read_in_pieces_has_the_numbers_of_each_series(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pieces hold several short series, or a part of a long one."""
    rng = np.random.default_rng(0)
    panel = [1e3 + wave(length, 2, seed=length) for length in (3, 400, 7, 5, 290, 1, 2, 130)]
    for rows in panel:
        rows[rng.random(rows.shape) < 0.1] = np.nan
    monkeypatch.setattr("lstm_cli.data.chunks.CHUNK_ROWS", 20)
    scaler = fit_scaler(kind, panel)
    deviation = np.ones((len(panel), 2))
    statistics = training_statistics(panel, 4, deviation)
    for number, rows in enumerate(panel):
        np.testing.assert_allclose(
            scaler.transform(rows, number), oracle(kind).fit_transform(rows), rtol=1e-9, atol=1e-9
        )
        errors = np.abs(rows[4:] - rows[:-4])
        with warnings.catch_warnings(action="ignore"):  # of columns without a value
            np.testing.assert_allclose(statistics.seasonal_error[number], np.nanmean(errors, axis=0))
            np.testing.assert_array_equal(statistics.least[number], np.nanmin(rows, axis=0))
            np.testing.assert_array_equal(statistics.greatest[number], np.nanmax(rows, axis=0))


def test_inverse_transform_uses_the_scaler_of_each_series() -> None:
    panel = [wave(30, 3, seed=1), 100 * wave(20, 3, seed=2)]
    scaler = fit_scaler("standard", panel)
    series = np.array([1, 0, 1])
    forecasts = (
        np.random.default_rng(0).normal(size=(3, 5, 2)).astype(np.float32)
    )  # [N, H, C], C of 3 columns
    whole = scaler.inverse_transform(forecasts, series)
    for place, number in enumerate(series):
        np.testing.assert_array_equal(whole[place], scaler.inverse_transform(forecasts[place], int(number)))
    np.testing.assert_allclose(scaler.transform(whole, series), forecasts, rtol=1e-6)


@pytest.mark.parametrize("kind", [*KINDS, "none"])
def test_json_keeps_every_bit(kind: str) -> None:
    scaler = fit_scaler(kind, [wave(30, 2), wave(9, 2, seed=5)])
    back = Scaler.from_dict(json.loads(json.dumps(scaler.to_dict())))
    assert back.kind == kind
    np.testing.assert_array_equal(back.center, scaler.center)
    np.testing.assert_array_equal(back.scale, scaler.scale)


@pytest.mark.parametrize("kind", KINDS)
def test_the_scaler_saw_the_training_rows_only(kind: str) -> None:
    values = wave(60, 2)
    values[[3, 30], [0, 1]] = np.nan
    changed = values.copy()
    changed[40:] = 1e6 * np.random.default_rng(3).normal(size=(20, 2))
    item, other = (dataset([rows], train_end=[40], val_end=[50], scaler=kind) for rows in (values, changed))
    assert item.scaler.to_dict() == other.scaler.to_dict()
    np.testing.assert_array_equal(item.values_scaled[:40], other.values_scaled[:40])
    assert item.training.to_dict() == other.training.to_dict()
    # It did see all of the training rows.
    changed = values.copy()
    changed[39] = 1e6
    assert dataset([changed], train_end=[40], val_end=[50], scaler="standard").scaler.center[0, 0] > 1e4
