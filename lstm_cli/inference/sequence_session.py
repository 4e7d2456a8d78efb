"""ONNX Runtime session that classifies sequences."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lstm_cli.inference.session import open_graph, run_graph
from lstm_cli.sequences.dataset import SequenceData, batches_of_similar_length

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

VALUES, LENGTHS = INPUTS = ("values", "lengths")
PROBABILITIES, SIMPLE = OUTPUTS = ("probabilities", "simple")  # of the model, and of the simple model in it
STEPS_AT_ONCE = 200_000  # steps in a batch, with their padding


@dataclass(frozen=True, kw_only=True)
class SequenceSession:
    """Loaded graph of a classifier."""

    graph: "InferenceSession"

    def __call__(self, data: SequenceData) -> tuple[np.ndarray, np.ndarray]:
        """Return the probabilities [S, K] of the model and of the simple model for all sequences."""
        shape = len(data.names), len(data.schema.classes)
        results = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        for indices in batches_of_similar_length(data.lengths, STEPS_AT_ONCE):
            outputs = self.probabilities(data.padded(indices), data.lengths[indices])
            for result, values in zip(results, outputs, strict=True):
                result[indices] = values
        return results

    def probabilities(self, values: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the probabilities [B, K] of both models for values [B, L, F] with lengths [B]."""
        model, simple = run_graph(self.graph, list(OUTPUTS), {VALUES: values, LENGTHS: lengths[:, None]})
        return model, simple


def open_sequence_session(model: bytes, *, threads: int | None) -> SequenceSession:
    """Load the graph of a classifier.

    Args:
        model: bytes of the ONNX file.
        threads: CPU threads; None: all cores.

    Raises:
        CorruptArtifact: the graph is invalid.
    """
    return SequenceSession(graph=open_graph(model, inputs=INPUTS, threads=threads))
