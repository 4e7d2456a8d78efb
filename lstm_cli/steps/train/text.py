"""Training of a language model: train, export, score, commit."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from math import log
from typing import TYPE_CHECKING, Any

from lstm_cli.config.extras import TRAINING, require_installed
from lstm_cli.config.generate import GenerateTrainConfig
from lstm_cli.events import Listener, Note, Progressed, WarningRaised
from lstm_cli.findings import MODEL, Finding
from lstm_cli.inference.text_session import open_text_session
from lstm_cli.inference.trained_classifier import GRAPH
from lstm_cli.interrupts import raise_if_interrupted
from lstm_cli.rundir import ArtifactFolder, Writer
from lstm_cli.steps.shared.report_html import HtmlReport
from lstm_cli.steps.shared.report_json import finding_fields, to_plain
from lstm_cli.steps.shared.text_scores import score_text
from lstm_cli.steps.train.checkpointing import CheckpointPolicy, CheckpointWriter, resume_or_start_over
from lstm_cli.steps.train.task_training import begun_training, write_network
from lstm_cli.tasks.records import GENERATE
from lstm_cli.text.dataset import TextData
from lstm_cli.text.store import load_data, write_vocabulary

if TYPE_CHECKING:
    from lstm_cli.training.text.train_language_model import TrainedLanguageModel

VERSION = 1  # of model.json
TOLERANCE = 1e-3  # largest difference between a log-probability of the graph and of torch, in nats
COMPARED = 16, 64  # lanes and tokens of the validation text that both score


@dataclass(frozen=True, kw_only=True)
class TrainTextReport(HtmlReport):
    """Report of the training of a language model."""

    run: str
    task: str
    model: str
    kind: str  # of the tokens
    vocabulary_size: int
    hidden: tuple[int, ...]
    parameters: int
    device: str
    threads: int
    seed: int
    epochs_run: int
    best_epoch: int
    steps: int  # optimizer steps until the best epoch
    batch_size: int  # lanes that are read side by side
    bptt: int  # tokens of truncated backpropagation
    passes: float  # over the training text until the best epoch
    lr: float
    stopped: str  # "epochs" or "patience"
    val: dict[str, float | None]  # metrics of the validation text
    nats_per_character: float | None  # of the validation text
    seconds: float
    warnings: tuple[str, ...]
    findings: tuple[dict[str, Any], ...] = ()
    up_to_date: bool | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return to_plain(self, absent=("up_to_date",))


def train_text(
    writer: Writer,
    config: GenerateTrainConfig,
    listen: Listener,
    *,
    policy: CheckpointPolicy,
    keep: int,
    should_stop: Callable[[], int | None],
) -> TrainTextReport:
    """Train a language model on the run's text and commit it; an error leaves the run's model unchanged.

    Args:
        writer: writer of the run.
        config: settings of the model and its training.
        listen: receives notes, warnings and progress.
        policy: rules for the checkpoint.
        keep: models to keep for a rollback, with the new one.
        should_stop: returns the signal that ends training, or None.

    Raises:
        UsageError: several processes of torchrun train.
        ArtifactError: the checkpoint is of a training with other settings.
        DeviceError: the device was not found or is out of memory.
        TrainingDiverged: the loss is not a finite number.
        Interrupted: a signal ended training.
    """
    assert writer.run is not None
    require_installed("lstm train", *TRAINING)
    listen(Note(text="loading torch and the text"))
    data = load_data(writer.run)
    with begun_training(writer, config, listen, task=GENERATE, policy=policy) as (device, checkpoints):
        trained = _train(data, config, checkpoints, listen, should_stop)
        raise_if_interrupted(should_stop)
        graph = _export(trained, data, listen)
        session = open_text_session(graph, size=data.vocabulary.size, threads=checkpoints.threads)
        scores = score_text(data, "val", session).model.metrics()
        findings = _findings(trained)
        for finding in findings:
            listen(WarningRaised(finding=finding))
        report = _report(
            writer, config, data, trained, scores, findings, device=device, threads=checkpoints.threads
        )
        folder = writer.new("model")
        _write_model(folder, data, config, trained, graph)
        writer.commit(
            config=asdict(config),
            reads={"data": writer.run.artifact("data").digest},
            report=report.to_json(),
            seed=config.seed,
            device=device,
            keep=keep,
        )
    return report


def _train(
    data: TextData,
    config: GenerateTrainConfig,
    checkpoints: CheckpointWriter,
    listen: Listener,
    should_stop: Callable[[], int | None],
) -> "TrainedLanguageModel":
    from lstm_cli.training.text.train_language_model import PART, train_language_model

    def train() -> "TrainedLanguageModel":
        return train_language_model(
            data,
            config,
            threads=checkpoints.threads,
            listen=listen,
            should_stop=should_stop,
            slot=checkpoints.checkpoints.slot(PART),
        )

    trained = resume_or_start_over(train, checkpoints, listen)
    return replace(trained, seconds=trained.seconds + checkpoints.seconds)


def _export(trained: "TrainedLanguageModel", data: TextData, listen: Listener) -> bytes:
    """Return the ONNX graph. Raise RuntimeError if it differs from torch on the validation text."""
    from lstm_cli.export.onnx import check_language_model, export_language_model

    listen(Progressed(stage="exporting", done=0, total=1, unit="graphs"))
    graph = export_language_model(trained.model)
    tokens = data.split("val")
    lanes = min(COMPARED[0], len(tokens) // 2)
    steps = min(COMPARED[1], len(tokens) // lanes)
    difference = check_language_model(graph, trained.model, tokens[: lanes * steps].reshape(lanes, steps))
    if not difference <= TOLERANCE:
        raise RuntimeError(f"the exported graph differs from torch by {difference:g}")
    listen(Progressed(stage="exporting", done=1, total=1, unit="graphs"))
    return graph


def _findings(trained: "TrainedLanguageModel") -> tuple[Finding, ...]:
    """Return the warnings about a trained model."""
    if trained.fitted.best_epoch:
        return ()
    text = "no epoch improved on the untrained network, which writes random characters"
    return (Finding(rule="M203", kind=MODEL, text=text, flags=("--lr", "--epochs")),)


def _report(
    writer: Writer,
    config: GenerateTrainConfig,
    data: TextData,
    trained: "TrainedLanguageModel",
    scores: dict[str, float | None],
    findings: tuple[Finding, ...],
    *,
    device: str,
    threads: int,
) -> TrainTextReport:
    fitted, hparams = trained.fitted, trained.hparams
    steps = fitted.best_epoch * hparams.steps_per_epoch
    bits = scores["bpc"]
    return TrainTextReport(
        run=str(writer.path),
        task=GENERATE.name,
        model=config.model,
        kind=data.vocabulary.kind,
        vocabulary_size=data.vocabulary.size,
        hidden=tuple(trained.settings["hidden"]),
        parameters=sum(weight.numel() for weight in trained.model.parameters()),
        device=device,
        threads=threads,
        seed=config.seed,
        epochs_run=len(fitted.history) - 1,
        best_epoch=fitted.best_epoch,
        steps=steps,
        batch_size=hparams.batch_size,
        bptt=trained.piece,
        passes=round(steps * hparams.batch_size * trained.piece / len(data.split("train")), 2),
        lr=hparams.lr,
        stopped=fitted.stopped,
        val=scores,
        nats_per_character=None if bits is None else bits * log(2),
        seconds=round(trained.seconds, 2),
        **finding_fields(findings),
    )


def _write_model(
    folder: ArtifactFolder,
    data: TextData,
    config: GenerateTrainConfig,
    trained: "TrainedLanguageModel",
    graph: bytes,
) -> None:
    """Write the files of the model; equal trainings write equal bytes."""
    folder.write_json(
        "model.json",
        {"version": VERSION, "task": GENERATE.name, "name": config.model, "settings": trained.settings},
    )
    write_vocabulary(folder, data.vocabulary)
    write_network(folder, trained.model, trained.fitted.history)
    folder.write_bytes(GRAPH, graph)
