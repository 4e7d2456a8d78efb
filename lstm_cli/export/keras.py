"""The textbook LSTM as a native Keras model: real `keras.layers.LSTM` layers that hold the weights of torch's.

Both order the gates alike (input, forget, cell, output) and differ in the rest: Keras multiplies from the other
side, and has one bias where torch has two that it adds. See https://keras.io/api/layers/recurrent_layers/lstm/
and https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html.

What is padded gets a value that no row has, and `keras.layers.Masking` leaves it out: the state before the first
real step is zero, as torch has it. The layers between stand in a Sequential of their own, since the HDF5 format
writes layers alone and a mask that runs through the outer model would be operations. For the same reason the
bounds are layers too: a Dense one without weights, whose bias they are, and a maximum or minimum with it.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from lstm_cli.errors import UsageError
from lstm_cli.export.quiet import quiet
from lstm_cli.interrupts import preserve_interrupts
from lstm_cli.models.stacked_lstm import StackedLSTM

BACKEND, HOME = "KERAS_BACKEND", "KERAS_HOME"
PADDED = -(2.0**100)  # in every input of a padded step; exact in 32 bits


def load_keras() -> Any:
    """The module `keras`, with torch behind it unless the environment says otherwise.

    Raises UsageError where the environment names a backend that is not there.
    """
    os.environ.setdefault(BACKEND, "torch")
    try:
        with quiet(), _home():
            import keras
    except (ImportError, ValueError) as error:
        raise UsageError(
            f"Keras does not start with {BACKEND}={os.environ[BACKEND]}: {str(error).splitlines()[0]}",
            hint=f"install that backend, or set {BACKEND}=torch",
        ) from error
    keras.config.set_floatx("float32")
    return keras


@contextmanager
def _home() -> Iterator[None]:
    """Keras writes its settings into the home folder where there are none: here into a folder that goes again."""
    if HOME in os.environ or Path("~/.keras").expanduser().exists():
        yield
        return
    with tempfile.TemporaryDirectory(prefix="lstm-") as folder:
        os.environ[HOME] = folder
        try:
            yield
        finally:
            del os.environ[HOME]


def export_keras(
    model: StackedLSTM, *, lower: np.ndarray | None, upper: np.ndarray | None, ending: str
) -> bytes:
    """The bytes of a `.keras` or `.h5` file that forecasts as `model` does.

    lower, upper: [C] scaled, infinite for none. The inputs are past [batch, L, F], future [batch, H, K] where
    anything is known ahead, and mask [batch, L]; the output is forecast [batch, H, C].
    """
    keras = load_keras()
    with preserve_interrupts(), quiet(), tempfile.TemporaryDirectory(prefix="lstm-") as folder:
        path = Path(folder) / f"model{ending}"
        _network(keras, model, lower, upper).save(path)
        return path.read_bytes()


def open_keras(data: bytes, *, ending: str) -> Any:
    """The file in its own runtime: called with past, future, mask as arrays, it gives the forecast as one."""
    keras = load_keras()
    with preserve_interrupts(), quiet(), tempfile.TemporaryDirectory(prefix="lstm-") as folder:
        path = Path(folder) / f"model{ending}"
        path.write_bytes(data)
        network = keras.models.load_model(path)

    def forecast(past: np.ndarray, future: np.ndarray, mask: np.ndarray) -> np.ndarray:
        given = {"past": past, "future": future, "mask": mask}
        inputs = {tensor.name: given[tensor.name] for tensor in network.inputs}
        with preserve_interrupts():
            found: np.ndarray = keras.ops.convert_to_numpy(network(inputs, training=False))
        return found

    return forecast


def _network(keras: Any, model: StackedLSTM, lower: np.ndarray | None, upper: np.ndarray | None) -> Any:
    layers = keras.layers
    past = keras.Input((model.lookback, model.layers[0].input_size), name="past")
    mask = keras.Input((model.lookback,), name="mask")
    real = layers.Reshape((model.lookback, 1), name="real")(mask)
    steps = layers.Add(name="marked")(
        [
            layers.Multiply(name="kept")([past, real]),
            layers.Rescaling(-PADDED, offset=PADDED, name="marks")(real),  # 0 where real
        ]
    )
    encoder, carried = _encoder(keras, model)
    head = layers.Dense(model.head.out_features, name="head")
    forecast = head(encoder(steps))
    carried.append((head, _dense(model.head)))
    given = {"past": past, "mask": mask}
    if model.ahead is not None:
        given["future"] = keras.Input(
            (model.horizon, model.ahead.in_features // model.horizon), name="future"
        )
        ahead = layers.Dense(model.ahead.out_features, use_bias=False, name="ahead")
        known = layers.Flatten(name="known")(given["future"])
        forecast = layers.Add(name="with_ahead")([forecast, ahead(known)])
        carried.append((ahead, _dense(model.ahead)))
    forecast = layers.Reshape((model.horizon, model.targets), name="forecast")(forecast)
    for name, bound, hold in (("lower", lower, layers.Maximum), ("upper", upper, layers.Minimum)):
        if bound is not None and np.isfinite(bound).any():
            limit = layers.Dense(model.targets, trainable=False, name=name)
            forecast = hold(name=f"held_{name}")([forecast, limit(forecast)])
            carried.append((limit, [np.zeros((model.targets, model.targets)), bound]))
    network = keras.Model(
        {name: given[name] for name in ("past", "future", "mask") if name in given}, forecast
    )
    for layer, weights in carried:
        layer.set_weights(weights)
    return network


def _encoder(keras: Any, model: StackedLSTM) -> tuple[Any, list[tuple[Any, list[np.ndarray]]]]:
    """From marked steps [B, L, F] to the state that the head reads, and the weights that its layers get."""
    layers = keras.layers
    stack = [layers.Masking(PADDED, name="masking")]
    carried = []
    for place, lstm in enumerate(model.layers):
        assert isinstance(lstm, nn.LSTM)
        last = place == len(model.layers) - 1
        number = place + 1
        # The last state of each direction is what `return_sequences=False` gives, behind the padding.
        layer = layers.LSTM(
            lstm.hidden_size, return_sequences=not last or model.head_kind == "mean", name=f"lstm_{number}"
        )
        weights = _recurrent(lstm)
        if model.backward_layers:
            layer = layers.Bidirectional(layer, name=f"bidirectional_{number}")
            backward = model.backward_layers[place]
            assert isinstance(backward, nn.LSTM)
            weights += _recurrent(backward)
        stack.append(layer)
        carried.append((layer, weights))
        if model.norms:
            norm = model.norms[place]
            assert isinstance(norm, nn.LayerNorm)
            stack.append(layers.LayerNormalization(epsilon=norm.eps, name=f"norm_{number}"))
            carried.append((stack[-1], [_array(norm.weight), _array(norm.bias)]))
        if last and model.head_kind == "mean":
            stack.append(layers.GlobalAveragePooling1D(name="mean"))
        stack.append(layers.Dropout(model.dropout.share, name=f"dropout_{number}"))
    return keras.Sequential(stack, name="encoder"), carried


def _recurrent(lstm: nn.LSTM) -> list[np.ndarray]:
    """The weights of a layer as Keras keeps them: kernel [in, 4 hidden], recurrent kernel, one bias."""
    kernel, recurrent, bias, second = (
        _array(getattr(lstm, name)) for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    )
    return [kernel.T, recurrent.T, bias + second]


def _dense(linear: nn.Linear) -> list[np.ndarray]:
    weights = [_array(linear.weight).T]
    return weights if linear.bias is None else [*weights, _array(linear.bias)]


def _array(tensor: Tensor) -> np.ndarray:
    found: np.ndarray = tensor.detach().cpu().numpy()
    return found
