"""Tests of the format of a recorded forecast: what is written comes back, and nothing else is accepted."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from small_forecasts import HOUR, MIDNIGHT, MODEL, small_forecast

from lstm_cli.errors import ArtifactError, CorruptArtifact
from lstm_cli.monitoring.recorded_forecast import from_file, read_forecast, record, to_file
from lstm_cli.rundir import ledger

FORECAST = small_forecast([[1.0, 2.5], [-3.0, 4.0]], names=("A", "Ä, b\n"))
PATH = Path("some.forecast")


def encoded(forecast=FORECAST) -> bytes:
    return b"".join(ledger.encode_ledger_file(to_file(forecast), PATH))


def test_a_forecast_comes_back(tmp_path):
    path = record(tmp_path, FORECAST)
    assert path.parent == tmp_path / "ledger"
    read = read_forecast(tmp_path, path.name.removesuffix(".forecast"))
    assert read is not None
    for field in fields(read):
        assert np.array_equal(getattr(read, field.name), getattr(FORECAST, field.name)), field.name
    assert not list(path.parent.glob(".*"))


def test_series_with_different_times_come_back():
    times = FORECAST.times_us + np.array([[0], [5 * HOUR]])
    forecast = replace(FORECAST, times_us=times)
    assert np.array_equal(from_file(to_file(forecast), PATH).times_us, times)
    assert forecast.origin_us == MIDNIGHT + 5 * HOUR


def test_the_same_forecast_has_the_same_name():
    again = replace(FORECAST, made_at="2025-01-01T00:00:00+00:00", forecast=FORECAST.forecast + 1)
    assert again.name == FORECAST.name
    assert FORECAST.name.startswith("20240101T000000-")
    others = [
        replace(FORECAST, model=replace(MODEL, digest="cd" * 32)),
        replace(FORECAST, model=replace(MODEL, quantized="cd" * 32)),
        replace(FORECAST, names=("A", "C")),
        replace(FORECAST, times_us=FORECAST.times_us + HOUR),
        small_forecast([[1.0], [-3.0]], names=FORECAST.names),
    ]
    assert len({forecast.name for forecast in (FORECAST, *others)}) == 6


def test_each_changed_bit_is_detected():
    data = encoded()
    for position in range(len(data)):
        for bit in (1, 16, 128):
            changed = bytearray(data)
            changed[position] ^= bit
            with pytest.raises(ArtifactError):
                ledger.decode_ledger_file(bytes(changed), PATH)


@pytest.mark.parametrize("keep", [0, 1, 40, -40, -1])
def test_a_truncated_file_is_detected(keep):
    with pytest.raises(CorruptArtifact):
        ledger.decode_ledger_file(encoded()[:keep], PATH)


def test_additional_bytes_are_detected():
    with pytest.raises(CorruptArtifact):
        ledger.decode_ledger_file(encoded() + b"\0", PATH)


@pytest.mark.parametrize(
    "facts",
    [
        {"names": ["A"]},
        {"names": ["A", "A"]},
        {"names": [1, 2]},
        {"names": 3},
        {"targets": ["load", "x"]},
        {"trained_horizon": 1},
        {"trained_horizon": "2"},
        {"season": 0},
        {"season": True},
        {"calendar": 1},
        {"probabilities": [0.5]},
        {"model": {"digest": "x"}},
        {"model": None},
        {"promise": {"slope": 1}},
        {"more": 1},
    ],
)
def test_edited_facts_are_refused(facts):
    content = to_file(FORECAST)
    with pytest.raises(CorruptArtifact, match="is corrupt"):
        from_file(replace(content, facts={**content.facts, **facts}), PATH)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("forecast", np.full((2, 2, 1), np.nan, dtype="<f4")),
        ("forecast", np.zeros((2, 3, 1), dtype="<f4")),
        ("forecast", np.zeros(4, dtype="<f4")),
        ("baseline", np.zeros((2, 1, 1), dtype="<f4")),
        ("deviation", np.zeros((2, 1), dtype="<f4")),
        ("times_of_series", np.array([0, 9], dtype="<u4")),
        ("times", np.zeros((1, 2), dtype="<f4")),
    ],
)
def test_edited_arrays_are_refused(name, array):
    content = to_file(FORECAST)
    with pytest.raises(CorruptArtifact, match="is corrupt"):
        from_file(replace(content, arrays={**content.arrays, name: array}), PATH)


def test_a_missing_array_is_refused():
    content = to_file(FORECAST)
    for name in content.arrays:
        rest = {key: value for key, value in content.arrays.items() if key != name}
        with pytest.raises(CorruptArtifact, match="is corrupt"):
            from_file(replace(content, arrays=rest), PATH)
