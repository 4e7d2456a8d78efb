"""Trained classifier of sequences, as a run holds it."""

from dataclasses import dataclass

from lstm_cli.inference.sequence_session import SequenceSession, open_sequence_session
from lstm_cli.inference.trained_model import load_graph
from lstm_cli.rundir import ArtifactReader, Run
from lstm_cli.sequences.dataset import SequenceScaler, SequenceSchema
from lstm_cli.sequences.store import VOCABULARY, load_description
from lstm_cli.text.vocabulary import Vocabulary, load_vocabulary

GRAPH = "model.onnx"


@dataclass(frozen=True, kw_only=True)
class TrainedClassifier:
    """Description of a classifier, and its ONNX session."""

    schema: SequenceSchema
    scaler: SequenceScaler
    session: SequenceSession
    precision: str  # of the graph
    vocabulary: Vocabulary | None  # of documents


def load_classifier(run: Run, *, threads: int | None, precision: str = "auto") -> TrainedClassifier:
    """Return the classifier of a run.

    Args:
        run: run with a model.
        threads: CPU threads; None: all cores.
        precision: `auto` is the quantized graph if it is up to date, otherwise the fp32 graph.

    Raises:
        MissingArtifact, StaleArtifact: the run has no model of this precision, or it is out of date.
        CorruptArtifact: a file of the model is invalid.
    """
    reader = run.artifact("model")
    schema, scaler = load_description(reader)
    graph, loaded = load_graph(run, precision)
    session = open_sequence_session(graph, threads=threads)
    return TrainedClassifier(
        schema=schema,
        scaler=scaler,
        session=session,
        precision=loaded,
        vocabulary=_load_vocabulary(reader, schema.tokens) if schema.tokens else None,
    )


def _load_vocabulary(reader: ArtifactReader, size: int) -> Vocabulary:
    """Return the vocabulary of a model with this number of tokens."""
    stored = reader.json(VOCABULARY)
    with reader.parsing():
        vocabulary = load_vocabulary(stored)
        if vocabulary.size != size:
            raise ValueError("the vocabulary has another size")
    return vocabulary
