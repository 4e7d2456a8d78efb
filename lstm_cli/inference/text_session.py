"""ONNX Runtime session of a text model: the scores of the next token, with the state as input and output."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lstm_cli.errors import CorruptArtifact
from lstm_cli.inference.onnx_format import TRAIN_AGAIN
from lstm_cli.inference.session import open_graph, run_graph

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

INPUTS = ("tokens", "state")
OUTPUTS = ("logits", "next_state")
TOKENS_AT_ONCE = 4_096  # in a call, so that the logits stay small
LOGITS_AT_ONCE = 4_000_000
STREAMS = 16  # parts of a long text that are read side by side
SHORTEST_STREAM = 2_048  # tokens of a part
WARM_UP = 512  # tokens before a part that are read first


@dataclass(frozen=True, kw_only=True)
class TextSession:
    """Loaded graph of a text model."""

    graph: "InferenceSession"
    size: int  # of the vocabulary, V
    units: int  # H of each layer
    states: int  # S: twice the number of layers

    def start(self, samples: int = 1) -> np.ndarray:
        """Return the state [S, B, H] before the first token."""
        return np.zeros((self.states, samples, self.units), dtype=np.float32)

    def step(self, tokens: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the logits [B, T, V] of the tokens after tokens [B, T], and the state [S, B, H] after them."""
        logits, state = run_graph(self.graph, list(OUTPUTS), {"tokens": tokens, "state": state})
        return logits, state

    def step_alone(self, tokens: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what `step` returns, with a call for each sample.

        An int8 graph scales its activations by the largest one of a call, so samples of one call change each other.
        """
        steps = [
            self.step(tokens[sample : sample + 1], state[:, sample : sample + 1])
            for sample in range(len(tokens))
        ]
        return np.concatenate([logits for logits, _ in steps]), np.concatenate(
            [after for _, after in steps], 1
        )

    def read(self, tokens: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the logits [B, V] after tokens [B, T], at least one, and the state after them."""
        for chunk in self._chunks(tokens):
            logits, state = self.step(chunk, state)
        return logits[:, -1], state

    def score(self, tokens: np.ndarray) -> np.ndarray:
        """Return the negative log-probability in nats [N - 1] of each token [N] after the first one.

        A long text is divided into parts that are read side by side. Each part but the first has read WARM_UP tokens
        before its own ones. In an int8 graph, the tokens of a call share the scale of their activations, so the losses
        depend a little on the division into parts and calls. It is always the same for a text and a vocabulary.
        """
        count = len(tokens) - 1
        streams = max(1, min(STREAMS, count // SHORTEST_STREAM))
        length = -(-count // streams)
        padded = np.concatenate([tokens, np.zeros(streams * length - count, dtype=tokens.dtype)])
        begins = np.arange(streams) * length
        state = self.start(streams)
        if streams > 1:
            before = padded[begins[1:, None] + np.arange(-WARM_UP, 0)]
            for chunk in self._chunks(before):
                _, warm = self.step(chunk, state[:, 1:])
                state = np.concatenate([state[:, :1], warm], axis=1)
        rows = padded[begins[:, None] + np.arange(length + 1)]
        losses, done = [], 0
        for chunk in self._chunks(rows[:, :-1]):
            logits, state = self.step(chunk, state)
            losses.append(_losses(logits, rows[:, done + 1 : done + 1 + chunk.shape[1]]))
            done += chunk.shape[1]
        result: np.ndarray = np.concatenate(losses, axis=1).ravel()[:count]
        return result

    def _chunks(self, tokens: np.ndarray) -> list[np.ndarray]:
        """Return parts of tokens [B, T] along T that fit in memory."""
        longest = max(1, min(TOKENS_AT_ONCE, LOGITS_AT_ONCE // self.size) // len(tokens))
        return [tokens[:, at : at + longest] for at in range(0, tokens.shape[1], longest)]


def _losses(logits: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the negative log-probability [B, T] of tokens [B, T] with logits [B, T, V]. It changes the logits."""
    logits -= logits.max(axis=2, keepdims=True)
    chosen = np.take_along_axis(logits, truth[:, :, None].astype(np.int64), axis=2)[:, :, 0]
    total: np.ndarray = np.log(np.exp(logits, out=logits).sum(axis=2, dtype=np.float64))
    return total - chosen


def open_text_session(model: bytes, *, size: int, threads: int | None) -> TextSession:
    """Load the step graph of a text model.

    Args:
        model: bytes of the ONNX file.
        size: size of the vocabulary V.
        threads: CPU threads; None: all cores.

    Raises:
        CorruptArtifact: the graph is invalid, or it has another size.
    """
    graph = open_graph(model, inputs=INPUTS, threads=threads)
    state, outputs = graph.get_inputs()[1].shape, {value.name: value.shape for value in graph.get_outputs()}
    is_ours = (
        len(state) == 3
        and all(isinstance(length, int) and length > 0 for length in (state[0], state[2]))
        and [len(outputs.get(name, ())) for name in OUTPUTS] == [3, 3]
        and outputs["logits"][2] == size
    )
    if not is_ours:
        raise CorruptArtifact(
            "the ONNX graph of the model does not fit its vocabulary, or it is not a text model",
            hint=TRAIN_AGAIN,
        )
    return TextSession(graph=graph, size=size, units=state[2], states=state[0])
