"""Checksums of the artifacts that `evaluate` read, for the manifest."""

from lstm_cli.rundir import Run


def digests_of_scoring(run: Run, *, precision: str, follows_quantized: bool) -> dict[str, str | None]:
    """Return the checksums of the artifacts; None for the quantized model if a later one makes the scores stale.

    Args:
        run: run with data and a model.
        precision: precision of the scored graph.
        follows_quantized: the step would have used a quantized model, had there been one.
    """
    reads: dict[str, str | None] = {name: run.artifact(name).digest for name in ("data", "model")}
    if precision != "fp32":
        reads["quantized"] = run.artifact("quantized").digest
    elif follows_quantized:
        reads["quantized"] = None
    return reads
