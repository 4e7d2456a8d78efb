"""Tests of Keras files, compared with the torch model."""

from typing import Any

import numpy as np
import pytest
import torch
from small_networks import HORIZON, INPUTS, LOOKBACK, TARGETS, stacked, windows

from lstm_cli.errors import Interrupted
from lstm_cli.export.keras import export_keras, load_keras, open_keras
from lstm_cli.interrupts import preserve_interrupts
from lstm_cli.models.stacked_lstm import StackedLSTM

# Keras copies torch tensors in a way that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

CLOSE = 1e-5
LOWER = np.array([-0.05, -np.inf], np.float32)
UPPER = np.array([np.inf, 0.05], np.float32)
ALL: dict[str, Any] = {"hidden": (12, 7, 9), "bidirectional": True, "layer_norm": True}


def exported(
    model: StackedLSTM, ending: str, *, lower: np.ndarray | None = None, upper: np.ndarray | None = None
) -> Any:
    return open_keras(export_keras(model, lower=lower, upper=upper, ending=ending), ending=ending)


def expected(model: StackedLSTM, *inputs: torch.Tensor) -> np.ndarray:
    with torch.no_grad():
        forecast: np.ndarray = model.eval()(*inputs).numpy()
    return forecast


@pytest.mark.parametrize(
    ("ending", "known_ahead", "settings"),
    [
        (".keras", 0, {"hidden": (16,)}),
        (".keras", 2, {"hidden": (12, 7, 9)}),
        (".keras", 0, {"bidirectional": True}),
        (".keras", 1, {"layer_norm": True}),
        (".keras", 1, {"head": "mean"}),
        (".keras", 2, {**ALL, "head": "mean"}),
        (".keras", 2, ALL),
        (".h5", 2, {**ALL, "head": "mean"}),
        (".h5", 0, ALL),
    ],
)
def test_the_file_agrees_with_torch_for_any_batch(
    ending: str, known_ahead: int, settings: dict[str, Any]
) -> None:
    model = stacked(known_ahead, **settings)
    forecast = exported(model, ending)
    for size in (1, 7):
        given = windows(size, known_ahead)
        actual = forecast(*(side.numpy() for side in given))
        assert actual.shape == (size, HORIZON, TARGETS)
        np.testing.assert_allclose(actual, expected(model, *given), rtol=0, atol=CLOSE)


@pytest.mark.parametrize("settings", [{"bidirectional": True}, {"head": "mean"}])
def test_padding_does_not_change_the_forecast(settings: dict[str, Any]) -> None:
    model = stacked(0, **settings)
    forecast = exported(model, ".keras")
    past, future, mask = (side.numpy() for side in windows(7, 0))
    actual = forecast(past, future, mask)
    loud = np.where(mask[:, :, None] > 0, past, 1e3).astype(np.float32)
    np.testing.assert_array_equal(forecast(loud, future, mask), actual)
    # A real step of zeros, as in a scaled constant series, is not treated as padding.
    flat = np.zeros_like(past)
    whole = np.ones_like(mask)
    difference = np.abs(forecast(flat, future, whole) - forecast(flat, future, mask))
    assert difference[1::2].max() > 1e-3
    np.testing.assert_allclose(
        forecast(flat, future, whole),
        expected(model, *map(torch.from_numpy, (flat, future, whole))),
        atol=CLOSE,
    )


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_the_file_has_the_bounds_and_ignores_infinite_bounds(ending: str) -> None:
    model = stacked(0)
    forecast = exported(model, ending, lower=LOWER, upper=UPPER)
    given = windows(40, 0)
    free = expected(model, *given)
    assert free[..., 0].min() < -0.1 < 0.1 < free[..., 0].max()
    assert free[..., 1].min() < -0.1 < 0.1 < free[..., 1].max()
    clipped = forecast(*(side.numpy() for side in given))
    np.testing.assert_allclose(clipped, np.clip(free, LOWER, UPPER), rtol=0, atol=CLOSE)
    assert clipped[..., 0].min() == LOWER[0]
    assert clipped[..., 1].max() == UPPER[1]


def test_the_file_has_keras_layers_that_can_be_trained(tmp_path) -> None:
    keras = load_keras()
    path = tmp_path / "model.keras"
    path.write_bytes(export_keras(stacked(1, **ALL, dropout=0.3), lower=LOWER, upper=UPPER, ending=".keras"))
    model = keras.models.load_model(path)
    assert {tensor.name: tuple(tensor.shape) for tensor in model.inputs} == {
        "past": (None, LOOKBACK, INPUTS),
        "future": (None, HORIZON, 1),
        "mask": (None, LOOKBACK),
    }
    assert model.output_shape == (None, HORIZON, TARGETS)
    assert all(isinstance(layer, keras.layers.Layer) for layer in model.layers)
    encoder = model.get_layer("encoder").layers
    lstms = [layer.forward_layer for layer in encoder if isinstance(layer, keras.layers.Bidirectional)]
    assert [(type(layer), layer.units) for layer in lstms] == [
        (keras.layers.LSTM, size) for size in (12, 7, 9)
    ]
    assert [layer.rate for layer in encoder if isinstance(layer, keras.layers.Dropout)] == [0.3] * 3
    bounds = [model.get_layer(name).get_weights() for name in ("lower", "upper")]
    model.compile(optimizer="sgd", loss="mae")
    past, future, mask = (side.numpy() for side in windows(8, 1))
    given = {"past": past, "future": future, "mask": mask}
    losses = model.fit(given, np.zeros((8, HORIZON, TARGETS)), epochs=2, verbose=0).history["loss"]
    assert np.isfinite(losses).all()
    after = [model.get_layer(name).get_weights() for name in ("lower", "upper")]
    for before, now in zip(bounds, after, strict=True):  # training does not change the bounds
        assert all(np.array_equal(*pair) for pair in zip(before, now, strict=True))


def test_an_interrupt_in_a_layer_is_not_wrapped_in_a_keras_error() -> None:
    keras = load_keras()

    class InterruptedLayer(keras.layers.Layer):
        def call(self, steps):
            raise Interrupted(15)

    with pytest.raises(Interrupted) as caught, preserve_interrupts():
        InterruptedLayer()(keras.Input((3,)))
    assert caught.value.exit_code == 143
