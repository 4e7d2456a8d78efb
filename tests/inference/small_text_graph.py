"""ONNX step graph of a small text model, built without torch, and the same model in NumPy."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIZE, UNITS = 6, 5  # V, H; one layer


@dataclass(frozen=True, kw_only=True)
class SmallTextModel:
    """Weights of one LSTM layer; the tokens are one-hot inputs."""

    inputs: np.ndarray  # [4 H, V]
    recurrent: np.ndarray  # [4 H, H]
    bias: np.ndarray  # [4 H]
    head: np.ndarray  # [H, V]

    @property
    def size(self) -> int:
        """Return the number of tokens V."""
        return self.head.shape[1]

    @property
    def units(self) -> int:
        """Return the number of units H."""
        return len(self.head)

    def losses(self, tokens: np.ndarray) -> np.ndarray:
        """Return the nats [N - 1] of each token after the first, one step after the other."""
        hidden, cell, losses = np.zeros(self.units), np.zeros(self.units), []
        for token, following in pairwise(tokens):
            gates = self.inputs[:, token] + self.recurrent @ hidden + self.bias
            enter, leave, forget, new = np.split(gates, 4)  # the order of ONNX: input, output, forget, cell
            cell = _sigmoid(forget) * cell + _sigmoid(enter) * np.tanh(new)
            hidden = _sigmoid(leave) * np.tanh(cell)
            logits = hidden @ self.head
            losses.append(np.log(np.exp(logits).sum()) - logits[following])
        return np.array(losses)


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


def small_text_model(*, size: int = SIZE, units: int = UNITS, deviation: float = 1.0) -> SmallTextModel:
    """Return a model with random weights.

    Args:
        size: number of tokens V.
        units: number of units H.
        deviation: standard deviation of the weights.
    """
    random = np.random.default_rng(11)
    shapes = {
        "inputs": (4 * units, size),
        "recurrent": (4 * units, units),
        "bias": (4 * units,),
        "head": (units, size),
    }
    return SmallTextModel(**{name: random.normal(0, deviation, shape) for name, shape in shapes.items()})


def small_text_graph(model: SmallTextModel, *, state_shape: tuple[object, ...] | None = None) -> bytes:
    """Return the step graph of a model, or one that says that its state has another shape."""
    state_shape = state_shape or (2, "B", model.units)
    weights = {
        "one_hot": np.eye(model.size),
        "W": model.inputs[None],
        "R": model.recurrent[None],
        "bias": np.concatenate([model.bias, np.zeros(4 * model.units)])[None],
        "head": model.head,
    }
    constants = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()]
    constants.append(numpy_helper.from_array(np.array([1]), "direction"))
    nodes = [
        helper.make_node("Gather", ["one_hot", "tokens"], ["rows"], axis=0),
        helper.make_node("Transpose", ["rows"], ["steps"], perm=[1, 0, 2]),
        helper.make_node("Split", ["state"], ["hidden", "cell"], axis=0, num_outputs=2),
        helper.make_node(
            "LSTM",
            ["steps", "W", "R", "bias", "", "hidden", "cell"],
            ["all", "last_hidden", "last_cell"],
            hidden_size=model.units,
        ),
        helper.make_node("Concat", ["last_hidden", "last_cell"], ["next_state"], axis=0),
        helper.make_node("Squeeze", ["all", "direction"], ["outputs"]),
        helper.make_node("Transpose", ["outputs"], ["by_sample"], perm=[1, 0, 2]),
        helper.make_node("MatMul", ["by_sample", "head"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [
            helper.make_tensor_value_info("tokens", TensorProto.INT64, ["B", "T"]),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, list(state_shape)),
        ],
        [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["B", "T", model.size]),
            helper.make_tensor_value_info("next_state", TensorProto.FLOAT, list(state_shape)),
        ],
        initializer=constants,
    )
    onnx_model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(onnx_model)
    return bytes(onnx_model.SerializeToString())
