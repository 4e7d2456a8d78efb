"""Export of the `stacked` LSTM as a native Keras model with `keras.layers.LSTM` layers.

Keras and torch have the same order of gates (input, forget, cell, output). But Keras multiplies from the other side,
and has one bias instead of the sum of two. See https://keras.io/api/layers/recurrent_layers/lstm/
and https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html.

Padded steps get a value that no row has, and `keras.layers.Masking` skips them. So the state before the first real
step is zero, as in torch. The encoder layers are in a Sequential, because HDF5 only stores layers, and a mask in the
outer model would be stored as operations. For the same reason, a bound consists of layers: a Dense layer with zero
weights and the bound as its bias, then a Maximum or Minimum layer.
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
PADDED = -(2.0**100)  # inputs of a padded step; exact in 32 bits


def load_keras() -> Any:
    """Return the module `keras`. The backend is torch unless the environment sets another one.

    Raises:
        UsageError: the backend that the environment sets is not installed.
    """
    os.environ.setdefault(BACKEND, "torch")
    try:
        with quiet(), _temporary_home():
            import keras
    except (ImportError, ValueError) as error:
        raise UsageError(
            f"Keras cannot start with {BACKEND}={os.environ[BACKEND]}: {str(error).splitlines()[0]}",
            hint=f"install that backend, or set {BACKEND}=torch",
        ) from error
    keras.config.set_floatx("float32")
    return keras


@contextmanager
def _temporary_home() -> Iterator[None]:
    """Use a temporary Keras home, because Keras otherwise creates a settings file in the home folder."""
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
    """Return the bytes of a `.keras` or `.h5` file with the same forecasts as `model`.

    The inputs are past [batch, L, F], mask [batch, L] and, if K > 0, future [batch, H, K]. The output is forecast
    [batch, H, C].

    Args:
        model: Trained model.
        lower: Lower bounds [C], scaled; infinite or None: no bound.
        upper: Upper bounds [C], scaled; infinite or None: no bound.
        ending: `.keras` or `.h5`.
    """
    keras = load_keras()
    with preserve_interrupts(), quiet(), tempfile.TemporaryDirectory(prefix="lstm-") as folder:
        path = Path(folder) / f"model{ending}"
        _build_network(keras, model, lower, upper).save(path)
        return path.read_bytes()


def open_keras(data: bytes, *, ending: str) -> Any:
    """Load the file with Keras. Return a function that maps the arrays past, future and mask to the forecast."""
    keras = load_keras()
    with preserve_interrupts(), quiet(), tempfile.TemporaryDirectory(prefix="lstm-") as folder:
        path = Path(folder) / f"model{ending}"
        path.write_bytes(data)
        network = keras.models.load_model(path)

    def forecast(past: np.ndarray, future: np.ndarray, mask: np.ndarray) -> np.ndarray:
        given = {"past": past, "future": future, "mask": mask}
        inputs = {tensor.name: given[tensor.name] for tensor in network.inputs}
        with preserve_interrupts():
            values: np.ndarray = keras.ops.convert_to_numpy(network(inputs, training=False))
        return values

    return forecast


def _build_network(keras: Any, model: StackedLSTM, lower: np.ndarray | None, upper: np.ndarray | None) -> Any:
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
    encoder, layer_weights = _build_encoder(keras, model)
    head = layers.Dense(model.head.out_features, name="head")
    forecast = head(encoder(steps))
    layer_weights.append((head, _dense_weights(model.head)))
    given = {"past": past, "mask": mask}
    if model.ahead is not None:
        given["future"] = keras.Input(
            (model.horizon, model.ahead.in_features // model.horizon), name="future"
        )
        ahead = layers.Dense(model.ahead.out_features, use_bias=False, name="ahead")
        known = layers.Flatten(name="known")(given["future"])
        forecast = layers.Add(name="with_ahead")([forecast, ahead(known)])
        layer_weights.append((ahead, _dense_weights(model.ahead)))
    forecast = layers.Reshape((model.horizon, model.targets), name="forecast")(forecast)
    for name, bound, clip in (("lower", lower, layers.Maximum), ("upper", upper, layers.Minimum)):
        if bound is not None and np.isfinite(bound).any():
            limit = layers.Dense(model.targets, trainable=False, name=name)
            forecast = clip(name=f"held_{name}")([forecast, limit(forecast)])
            layer_weights.append((limit, [np.zeros((model.targets, model.targets)), bound]))
    network = keras.Model(
        {name: given[name] for name in ("past", "future", "mask") if name in given}, forecast
    )
    for layer, weights in layer_weights:
        layer.set_weights(weights)
    return network


def _build_encoder(keras: Any, model: StackedLSTM) -> tuple[Any, list[tuple[Any, list[np.ndarray]]]]:
    """Return the encoder from masked steps [B, L, F] to the input of the head, and the weights of its layers."""
    layers = keras.layers
    stack = [layers.Masking(PADDED, name="masking")]
    layer_weights = []
    for index, lstm in enumerate(model.layers):
        assert isinstance(lstm, nn.LSTM)
        last = index == len(model.layers) - 1
        number = index + 1
        # `return_sequences=False` returns the last state of each direction, without the padded steps.
        layer = layers.LSTM(
            lstm.hidden_size, return_sequences=not last or model.head_kind == "mean", name=f"lstm_{number}"
        )
        weights = _lstm_weights(lstm)
        if model.backward_layers:
            layer = layers.Bidirectional(layer, name=f"bidirectional_{number}")
            backward = model.backward_layers[index]
            assert isinstance(backward, nn.LSTM)
            weights += _lstm_weights(backward)
        stack.append(layer)
        layer_weights.append((layer, weights))
        if model.norms:
            norm = model.norms[index]
            assert isinstance(norm, nn.LayerNorm)
            stack.append(layers.LayerNormalization(epsilon=norm.eps, name=f"norm_{number}"))
            layer_weights.append((stack[-1], [_array(norm.weight), _array(norm.bias)]))
        if last and model.head_kind == "mean":
            stack.append(layers.GlobalAveragePooling1D(name="mean"))
        stack.append(layers.Dropout(model.dropout.share, name=f"dropout_{number}"))
    return keras.Sequential(stack, name="encoder"), layer_weights


def _lstm_weights(lstm: nn.LSTM) -> list[np.ndarray]:
    """Return the weights of a layer for Keras: kernel [in, 4 hidden], recurrent kernel [hidden, 4 hidden], bias."""
    kernel, recurrent, bias, second = (
        _array(getattr(lstm, name)) for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    )
    return [kernel.T, recurrent.T, bias + second]


def _dense_weights(linear: nn.Linear) -> list[np.ndarray]:
    weights = [_array(linear.weight).T]
    return weights if linear.bias is None else [*weights, _array(linear.bias)]


def _array(tensor: Tensor) -> np.ndarray:
    values: np.ndarray = tensor.detach().cpu().numpy()
    return values
