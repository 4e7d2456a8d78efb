"""Trained text model, as a run holds it."""

from dataclasses import dataclass

from lstm_cli.inference.text_session import TextSession, open_text_session
from lstm_cli.inference.trained_model import load_graph
from lstm_cli.rundir import Run
from lstm_cli.text.store import load_model_vocabulary
from lstm_cli.text.vocabulary import Vocabulary


@dataclass(frozen=True, kw_only=True)
class TrainedText:
    """Vocabulary of a text model, and its ONNX session."""

    vocabulary: Vocabulary
    session: TextSession
    precision: str  # of the graph


def load_text_model(run: Run, *, precision: str, threads: int | None) -> TrainedText:
    """Return the text model of a run.

    Args:
        run: run with a model.
        precision: `auto`, or the precision of a graph.
        threads: CPU threads; None: all cores.

    Raises:
        MissingArtifact: the run has no model, or none of this precision.
        StaleArtifact: the graph of this precision is out of date.
        CorruptArtifact: a file of the model is invalid.
    """
    vocabulary = load_model_vocabulary(run.artifact("model"))
    graph, loaded = load_graph(run, precision)
    session = open_text_session(graph, size=vocabulary.size, threads=threads)
    return TrainedText(vocabulary=vocabulary, session=session, precision=loaded)
