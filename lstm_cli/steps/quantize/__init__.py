"""Step `quantize`: a smaller model, kept only if its error grows by at most `--max-loss`."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from lstm_cli.config import QuantizeConfig
from lstm_cli.config.extras import require_installed
from lstm_cli.errors import QuantizationLoss
from lstm_cli.events import Listener, Progressed
from lstm_cli.rundir import is_up_to_date, writing
from lstm_cli.steps.quantize.work import WORK
from lstm_cli.steps.shared.cached_report import replay_report
from lstm_cli.steps.shared.report_json import plain_value
from lstm_cli.tasks.settle import require_verb, task_of

if TYPE_CHECKING:
    from lstm_cli.steps.quantize.work import AnyReport


def quantize(
    run: Path,
    config: QuantizeConfig,
    listen: Listener,
    *,
    force: bool = False,
    lock_wait: float = 0.0,
    sources: Mapping[str, str] | None = None,
) -> "AnyReport":
    """Quantize the run's model, compare both models on the validation data, and return the report of the task.

    Args:
        run: run directory.
        config: settings of `quantize`.
        listen: receives events.
        force: quantize even if nothing changed.
        lock_wait: seconds to wait for another process.
        sources: source of each setting, recorded in the run.

    Raises:
        QuantizationLoss: the error grows by more than config.max_loss; the previous quantized model is kept.
        MissingArtifact, StaleArtifact: no model of the current data, or of the data before the rows of `refresh`.
        DataError: there are no validation data to compare the models on.
    """
    with writing(run, step="quantize", lock_wait=lock_wait, sources=sources) as writer:
        assert writer.run is not None
        require_verb(writer.run, "quantize")
        work = WORK[task_of(writer.run).name]
        work.require_current(writer.run)
        if not force and is_up_to_date(writer.run, "quantize", config=asdict(config)):
            return replay_report(work.report(), writer.run, "quantize")
        require_installed("lstm quantize", "onnx")
        listen(Progressed(stage="quantizing", done=0))
        folder = writer.new("quantized")
        comparison = work.compare(writer.run, config, listen, folder)
        report: AnyReport = comparison.report
        if not report.loss <= config.max_loss:
            raise QuantizationLoss(
                f"the validation {work.error} of the {config.to} model grows by {report.loss:.2%}, "
                f"more than {config.max_loss:.2%}",
                hint="keep the fp32 model, try --to fp16, or raise --max-loss",
            )
        folder.write_bytes("model.onnx", comparison.graph)
        # The latency is left out: the same model must give the same bytes.
        stored = {"to": config.to, "size": report.size, **comparison.scores, "loss": report.loss}
        folder.write_json("comparison.json", plain_value(stored))
        reads = {name: writer.run.artifact(name).digest for name in ("data", "model")}
        writer.commit(config=asdict(config), reads=reads, report=report.to_json())
    return report
