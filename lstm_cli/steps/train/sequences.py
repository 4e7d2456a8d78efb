"""Training of a classifier of sequences: train, export, score, commit."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from lstm_cli.config.classify import ClassifyTrainConfig
from lstm_cli.config.extras import TRAINING, require_installed
from lstm_cli.events import Listener, Note, Progressed, WarningRaised
from lstm_cli.findings import MODEL, Finding
from lstm_cli.inference.sequence_session import open_sequence_session
from lstm_cli.inference.trained_classifier import GRAPH
from lstm_cli.interrupts import raise_if_interrupted
from lstm_cli.rundir import Writer
from lstm_cli.sequences.dataset import SequenceData
from lstm_cli.sequences.store import VOCABULARY, load_data, write_description
from lstm_cli.steps.shared.report_html import HtmlReport
from lstm_cli.steps.shared.report_json import finding_fields, to_plain
from lstm_cli.steps.shared.sequences.memory import require_sequence_train
from lstm_cli.steps.shared.sequences.scores import ClassifierScores, score_split
from lstm_cli.steps.train.checkpointing import CheckpointPolicy, CheckpointWriter, resume_or_start_over
from lstm_cli.steps.train.sequence_start import SequenceStart
from lstm_cli.steps.train.task_training import begun_training, write_network
from lstm_cli.steps.train.warm_start import INPUT, SHIPPED, start_text
from lstm_cli.tasks.records import CLASSIFY

if TYPE_CHECKING:
    from lstm_cli.training.sequences.train_classifier import TrainedClassifier

VERSION = 1  # of model.json
TOLERANCE = 1e-4  # largest difference between a probability of the graph and of torch
COMPARED = 64  # validation sequences that both classify


@dataclass(frozen=True, kw_only=True)
class TrainClassifierReport(HtmlReport):
    """Report of the training of a classifier."""

    run: str
    task: str
    model: str
    pooling: str
    classes: tuple[str, ...]
    max_length: int  # steps that the model reads
    parameters: int  # of the network
    device: str
    threads: int
    seed: int
    epochs_run: int
    best_epoch: int
    steps: int  # optimizer steps until the best epoch
    batch_size: int
    lr: float
    stopped: str  # "epochs" or "patience"
    folds: int  # of the cross-validation that chose the number of epochs; 0: the validation sequences did
    weights: dict[str, float]  # of the network and of the simple model
    penalty: float  # C of the logistic regression
    ngrams: int | None = None  # that the simple model of documents counts
    val: dict[str, float]  # metrics of the model on the validation sequences
    val_baselines: dict[str, dict[str, float]]
    seconds: float
    warnings: tuple[str, ...]
    findings: tuple[dict[str, Any], ...] = ()
    warm_start: dict[str, Any] | None = None  # the model at which it started, and the layers that it took
    up_to_date: bool | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return to_plain(self, absent=("ngrams", "warm_start", "up_to_date"))


def train_sequences(
    writer: Writer,
    config: ClassifyTrainConfig,
    listen: Listener,
    *,
    policy: CheckpointPolicy,
    keep: int,
    made_by: str = "train",
    start: SequenceStart | None = None,
    should_stop: Callable[[], int | None],
) -> TrainClassifierReport:
    """Train a classifier on the run's data and commit it; an error leaves the run's model unchanged.

    Args:
        writer: writer of the run.
        config: settings of the model and its training.
        listen: receives notes, warnings and progress.
        policy: rules for the checkpoint.
        keep: models to keep for a rollback, with the new one.
        made_by: verb that makes the model, for the history of the run.
        start: model at which the training starts; None: random weights.
        should_stop: returns the signal that ends training, or None.

    Raises:
        UsageError: several processes of torchrun train.
        ArtifactError: the checkpoint is of a training with other settings.
        DeviceError: the device was not found or is out of memory.
        TrainingDiverged: the loss is not a finite number.
        Interrupted: a signal ended training.
    """
    assert writer.run is not None
    require_installed("lstm train", *TRAINING, "sklearn")
    require_sequence_train(writer.run, config)
    listen(Note(text="loading torch and the data"))
    data = load_data(writer.run)
    with begun_training(writer, config, listen, task=CLASSIFY, policy=policy, start=start) as (
        device,
        checkpoints,
    ):
        threads = checkpoints.threads
        if start is not None:
            listen(Note(text=start_text(start.path, start.version, SHIPPED, new="simple model")))
        trained = _train(data, config, checkpoints, listen, should_stop, start)
        raise_if_interrupted(should_stop)
        graph = _export(trained, data, listen)
        session = open_sequence_session(graph, threads=threads)
        scores = score_split(data, "val", session)
        leakage = None if start is None else start.leakage(data)
        findings = (*_findings(trained, scores), *(() if leakage is None else (leakage,)))
        for finding in findings:
            listen(WarningRaised(finding=finding))
        report = _report(writer, config, data, trained, scores, findings, device=device, threads=threads)
        if start is not None and trained.taken is not None:
            report = replace(report, warm_start=start.facts(trained.taken, data))
        folder = writer.new("model")
        _write_model(folder, data, config, trained, graph)
        if data.schema.tokens:
            folder.write_json(VOCABULARY, writer.run.artifact("data").json(VOCABULARY))
        writer.commit(
            config=asdict(config),
            reads={"data": writer.run.artifact("data").digest, **({INPUT: start.fact} if start else {})},
            report=report.to_json(),
            seed=config.seed,
            device=device,
            keep=keep,
            made_by=made_by,
        )
    return report


def _train(
    data: SequenceData,
    config: ClassifyTrainConfig,
    checkpoints: CheckpointWriter,
    listen: Listener,
    should_stop: Callable[[], int | None],
    start: SequenceStart | None,
) -> "TrainedClassifier":
    from lstm_cli.training.sequences.train_classifier import train_classifier

    initial = None if start is None else (start.load(), start.left_out(data.schema))

    def train() -> "TrainedClassifier":
        return train_classifier(
            data,
            config,
            threads=checkpoints.threads,
            listen=listen,
            should_stop=should_stop,
            checkpoints=checkpoints.checkpoints,
            start=initial,
        )

    trained = resume_or_start_over(train, checkpoints, listen)
    return replace(trained, seconds=trained.seconds + checkpoints.seconds)


def _export(trained: "TrainedClassifier", data: SequenceData, listen: Listener) -> bytes:
    """Return the ONNX graph. Raise RuntimeError if it differs from torch on validation sequences."""
    from lstm_cli.export.onnx import check_classifier, export_classifier

    listen(Progressed(stage="exporting", done=0, total=1, unit="graphs"))
    schema = data.schema
    graph = export_classifier(trained.model, inputs=len(schema.columns), classes=len(schema.classes))
    chosen = data.indices("val")[:COMPARED]
    values = data.padded(chosen)
    difference = check_classifier(graph, trained.model, values, data.lengths[chosen])
    if not difference <= TOLERANCE:
        raise RuntimeError(f"the exported graph differs from torch by {difference:g}")
    listen(Progressed(stage="exporting", done=1, total=1, unit="graphs"))
    return graph


def _findings(trained: "TrainedClassifier", scores: ClassifierScores) -> tuple[Finding, ...]:
    """Return the warnings about a trained model."""
    if trained.share == 0:
        text = "the network does not improve the simple model on the validation sequences: the model is the simple one"
        return (Finding(rule="M220", kind=MODEL, text=text, flags=("--hidden", "--lr", "--epochs")),)
    model, simple = (side.metrics()["log_loss"] for side in (scores.model, scores.baselines["majority"]))
    if model >= simple:
        text = "the model is not better than the shares of the classes on the validation sequences"
        return (Finding(rule="M221", kind=MODEL, text=text, flags=("--lr", "--epochs")),)
    return ()


def _report(
    writer: Writer,
    config: ClassifyTrainConfig,
    data: SequenceData,
    trained: "TrainedClassifier",
    scores: ClassifierScores,
    findings: tuple[Finding, ...],
    *,
    device: str,
    threads: int,
) -> TrainClassifierReport:
    fitted = trained.fitted
    return TrainClassifierReport(
        run=str(writer.path),
        task=CLASSIFY.name,
        model=config.model,
        pooling=config.pooling,
        classes=data.schema.classes,
        max_length=data.schema.max_length,
        parameters=sum(weight.numel() for weight in trained.model.network.parameters()),
        device=device,
        threads=threads,
        seed=config.seed,
        epochs_run=trained.hparams.stop_after if trained.folds else len(fitted.history) - 1,
        best_epoch=fitted.best_epoch,
        steps=fitted.best_epoch * trained.hparams.steps_per_epoch,
        batch_size=trained.hparams.batch_size,
        lr=trained.hparams.lr,
        stopped=fitted.stopped,
        folds=trained.folds,
        weights={"network": round(trained.share, 4), "simple": round(1 - trained.share, 4)},
        penalty=trained.simple.penalty,
        ngrams=trained.simple.ngrams,
        val=scores.model.metrics(),
        val_baselines={name: side.metrics() for name, side in scores.baselines.items()},
        seconds=round(trained.seconds, 2),
        **finding_fields(findings),
    )


def _write_model(
    folder: Any, data: SequenceData, config: ClassifyTrainConfig, trained: "TrainedClassifier", graph: bytes
) -> None:
    """Write the files of the model; equal trainings write equal bytes."""
    from lstm_cli.models.sequence_classifier import statistic_names

    write_description(folder, data)
    folder.write_json(
        "model.json",
        {
            "version": VERSION,
            "task": CLASSIFY.name,
            "name": config.model,
            "settings": trained.settings,
            "share": trained.share,
        },
    )
    names = {} if data.schema.tokens else {"statistics": statistic_names(data.schema.columns)}
    simple = trained.simple
    folder.write_json("simple.json", {"penalty": simple.penalty, **names, **simple.model.to_dict()})
    write_network(folder, trained.model.network, trained.history)
    folder.write_bytes(GRAPH, graph)
