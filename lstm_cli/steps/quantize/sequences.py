"""Comparison of `quantize` for labelled sequences: both classifiers on the validation sequences."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from lstm_cli.config import QuantizeConfig
from lstm_cli.errors import DataError
from lstm_cli.events import Listener, Progressed
from lstm_cli.findings import in_file
from lstm_cli.inference.sequence_session import open_sequence_session
from lstm_cli.inference.trained_model import load_graph
from lstm_cli.rundir import ArtifactFolder, Run
from lstm_cli.sequences.store import load_data
from lstm_cli.steps.quantize.compare import (
    Comparison,
    ComparisonReport,
    median_latency,
    quantize_graph,
    relative_growth,
)
from lstm_cli.steps.shared.sequences.scores import score_split
from lstm_cli.tasks.records import CLASSIFY

TIMED_SEQUENCES = 64  # sequences per timed batch
# A log-loss near 0 changes by a large share with the last digits of a few probabilities. 1 % of this one is 0.001, the
# smallest change that counts in the training.
LEAST_LOG_LOSS = 0.1


@dataclass(frozen=True, kw_only=True)
class QuantizeClassifierReport(ComparisonReport):
    """Report of `quantize` for labelled sequences."""

    task: str
    sequences: int  # validation sequences that both classify
    relative_to: float  # log-loss that `loss` is a share of: that of fp32, at least LEAST_LOG_LOSS
    metrics: dict[str, dict[str, float]]  # of `fp32` and `quantized`: accuracy, macro_f1, log_loss, ...


def compare_classifiers(
    run: Run, config: QuantizeConfig, listen: Listener, folder: ArtifactFolder
) -> Comparison:
    """Return the quantized classifier, and the scores of both on the validation sequences.

    Only the LSTM layers become int8. The simple model, and the layers after the LSTM, are small and stay in float.

    Args:
        run: run with a model of its data.
        config: settings of `quantize`.
        listen: receives events.
        folder: new folder of the artifact, for temporary files.

    Raises:
        DataError: there are no validation sequences.
    """
    data = load_data(run)
    chosen = data.indices("val")
    if not len(chosen):
        raise DataError(
            "there are no validation sequences to compare the models on",
            hint="prepare again with a larger --val",
            rule="D621",
            at=in_file(str(run.path)),
        )
    graph, _ = load_graph(run, "fp32")
    small = quantize_graph(graph, config.to, folder.scratch(), lstm_only=True)
    sessions = {
        name: open_sequence_session(bytes_, threads=None)
        for name, bytes_ in (("fp32", graph), ("quantized", small))
    }
    metrics: dict[str, dict[str, float]] = {}
    for done, (name, session) in enumerate(sessions.items()):
        listen(Progressed(stage="scoring", done=done, total=len(sessions), unit="models"))
        metrics[name] = score_split(data, "val", session).model.metrics()
    batch = chosen[:TIMED_SEQUENCES]
    values, lengths = data.padded(batch, data.schema.max_length), data.lengths[batch]
    before, after = (metrics[name]["log_loss"] for name in sessions)
    scores: dict[str, Any] = {"metrics": metrics}
    report = QuantizeClassifierReport(
        run=str(run.path),
        task=CLASSIFY.name,
        to=config.to,
        size={"fp32": len(graph), "quantized": len(small)},
        latency_ms=median_latency(
            {name: partial(session.probabilities, values, lengths) for name, session in sessions.items()}
        ),
        batch=len(batch),
        sequences=len(chosen),
        loss=relative_growth(before, after, least=LEAST_LOG_LOSS),
        relative_to=max(before, LEAST_LOG_LOSS),
        max_loss=config.max_loss,
        warnings=(),
        **scores,
    )
    return Comparison(graph=small, report=report, scores=scores)
