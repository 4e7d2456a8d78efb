"""Comparison of `quantize` for text: both models on the validation text."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from lstm_cli.config import QuantizeConfig
from lstm_cli.events import Listener, Progressed
from lstm_cli.inference.text_session import TextSession, open_text_session
from lstm_cli.inference.trained_model import load_graph
from lstm_cli.rundir import ArtifactFolder, Run
from lstm_cli.steps.quantize.compare import (
    Comparison,
    ComparisonReport,
    median_latency,
    quantize_graph,
    relative_growth,
)
from lstm_cli.steps.shared.text_scores import score_text
from lstm_cli.tasks.records import GENERATE
from lstm_cli.text.store import load_data

TIMED_TOKENS = 100  # tokens of a timed call, chosen one after the other


@dataclass(frozen=True, kw_only=True)
class QuantizeTextReport(ComparisonReport):
    """Report of `quantize` for text. `batch` is the number of tokens of a timed call."""

    task: str
    characters: int  # of the validation text, which both models read
    metrics: dict[str, dict[str, float | None]]  # of `fp32` and `quantized`


def compare_text_models(
    run: Run, config: QuantizeConfig, listen: Listener, folder: ArtifactFolder
) -> Comparison:
    """Return the quantized model, and the scores of both on the validation text.

    Args:
        run: run with a model of its data.
        config: settings of `quantize`.
        listen: receives events.
        folder: new folder of the artifact, for temporary files.
    """
    data = load_data(run)
    graph, _ = load_graph(run, "fp32")
    small = quantize_graph(graph, config.to, folder.scratch(), lstm_only=False)
    metrics: dict[str, dict[str, float | None]] = {}
    calls = {}
    for done, (name, content) in enumerate((("fp32", graph), ("quantized", small))):
        listen(Progressed(stage="scoring", done=done, total=2, unit="models"))
        session = open_text_session(content, size=data.vocabulary.size, threads=None)
        metrics[name] = score_text(data, "val", session).model.metrics()
        single = open_text_session(content, size=data.vocabulary.size, threads=1)
        calls[name] = partial(_write_tokens, single, int(data.split("val")[0]))
    scores: dict[str, Any] = {"metrics": metrics}
    report = QuantizeTextReport(
        run=str(run.path),
        task=GENERATE.name,
        to=config.to,
        size={"fp32": len(graph), "quantized": len(small)},
        latency_ms=median_latency(calls),
        batch=TIMED_TOKENS,
        characters=data.counts["val"].characters,
        loss=relative_growth(metrics["fp32"]["loss"], metrics["quantized"]["loss"]),
        max_loss=config.max_loss,
        warnings=(),
        **scores,
    )
    return Comparison(graph=small, report=report, scores=scores)


def _write_tokens(session: TextSession, first: int) -> None:
    """Choose the most probable token again and again, as `predict` does."""
    tokens, state = np.array([[first]]), session.start()
    for _ in range(TIMED_TOKENS):
        logits, state = session.step(tokens, state)
        tokens = logits.argmax(axis=2)
