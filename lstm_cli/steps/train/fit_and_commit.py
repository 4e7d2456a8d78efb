"""Training of the run's model: train, export, validate, fit intervals and dependence, commit."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_cli.config import TrainConfig
from lstm_cli.config.train import KEEP_MODELS
from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.load import load_dataset
from lstm_cli.data.forecast.bounds import make_bounds
from lstm_cli.evaluation.baseline_season import baseline_season
from lstm_cli.evaluation.scoring import PART
from lstm_cli.evaluation.uncertainty import best_comparison
from lstm_cli.events import Listener, ModelScored, Note, PlotDrawn, WarningRaised, is_wanted
from lstm_cli.findings import MODEL, Finding
from lstm_cli.interrupts import raise_if_interrupted
from lstm_cli.rundir import Writer
from lstm_cli.steps.shared.model_warnings import networks_add_nothing, useless_networks_finding
from lstm_cli.steps.shared.report_html import HtmlReport
from lstm_cli.steps.shared.report_json import finding_fields, to_plain
from lstm_cli.steps.train.checkpointing import (
    CheckpointPolicy,
    CheckpointWriter,
    checkpoint_writer,
    resume_or_start_over,
)
from lstm_cli.steps.train.save_model import export_graphs, write_dependence, write_model
from lstm_cli.steps.train.used_settings import used_settings
from lstm_cli.steps.train.validate import Scores, ValidatedModel
from lstm_cli.steps.train.warm_start import INPUT, WarmStart, start_text
from lstm_cli.wording import count_noun

if TYPE_CHECKING:
    from lstm_cli.training.recipes.result import TrainingResult
    from lstm_cli.training.setup.start_weights import StartWeights

QUARTERS = 4  # of the horizon, in the report's weights


@dataclass(frozen=True, kw_only=True)
class TrainReport(HtmlReport):
    """Report of a training: the model, its validation scores and the scores of the baselines."""

    run: str
    model: str
    parameters: int
    lookback: int  # steps, as set in prepare
    reads_rows: int  # rows that the model reads before a forecast; a part may exceed the lookback
    horizon: int
    series: int
    device: str
    precision: str  # precision of the training steps: fp32 or bf16
    threads: int
    seed: int
    epochs_run: int
    best_epoch: int  # highest best epoch of all parts
    steps: int  # optimizer steps until the best epoch, summed over parts
    refitted: bool  # the shipped model was trained again on training and validation rows
    parts: dict[str, Scores]  # scores of each part on the validation rows
    trainings: list[dict[str, Any]]  # each network: part, learning rate, best epoch, steps, why it stopped
    weights: dict[str, list[float]]  # weight of each part in each quarter of the horizon
    choices: dict[str, str]  # setting that the data decided: the reason
    val: Scores  # validation scores before the refit
    val_baselines: dict[str, Scores]
    baseline_season: int | None  # steps of seasonal_naive: the best season before the test rows
    mase_season: int | None  # steps of the MASE scale: the shortest season, 1 without a season
    comparison: dict[str, Any] | None  # with the best baseline on the validation windows
    comparisons: dict[str, Any] | None  # with each baseline: difference, interval
    chosen_on: dict[str, Any] | None  # the rows that chose the model: split, windows, time_start, time_end
    linear: dict[str, Any]  # lookback, members and validation score of the linear forecast
    stopped: str  # "epochs" or "patience"
    diagnosis: tuple[dict[str, str], ...]  # problems of a training: part, name, sign and advice
    notes: tuple[str, ...]
    seconds: float
    warnings: tuple[str, ...]
    findings: tuple[dict[str, Any], ...] = ()  # the warnings as data; 0.1.0 kept none
    warm_start: dict[str, Any] | None = None  # the model at which it started, and the layers that it took
    up_to_date: bool | None = None  # True: nothing changed, and this is the stored report

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return to_plain(self, absent=("warm_start", "up_to_date"))


def train_and_commit(
    writer: Writer,
    config: TrainConfig,
    listen: Listener,
    *,
    policy: CheckpointPolicy,
    keep: int = KEEP_MODELS,
    made_by: str = "train",
    start: WarmStart | None = None,
    stored: TrainConfig | None = None,
    should_stop: Callable[[], int | None],
) -> TrainReport:
    """Train a model on the run's data and commit it; an error leaves the run's model unchanged.

    Args:
        writer: writer of the run.
        config: settings of the model and its training.
        listen: receives notes, warnings and progress.
        policy: rules for the checkpoint.
        keep: models to keep for a rollback, with the new one.
        made_by: verb that makes the model, for the history of the run.
        start: model at which the training starts; None: random weights.
        stored: settings that the run stores for later trainings; None: those of this one.
        should_stop: returns the signal that ends training, or None.

    Raises:
        MissingArtifact: the run has no data.
        ArtifactError: the checkpoint is of a training with other settings.
        DeviceError: the device was not found or is out of memory.
        TrainingDiverged: the loss is not a finite number.
        Interrupted: a signal ended training.
    """
    assert writer.run is not None
    dataset = load_dataset(writer.run)
    device, threads = _device(config)
    bounds, bound_notes = make_bounds(dataset, config.min, config.max)
    with checkpoint_writer(
        writer, config, listen, device=device, threads=threads, policy=policy, start=start
    ) as checkpoints:
        threads = checkpoints.threads
        notes = [f"training on {device}, {count_noun(threads, 'thread')}", *bound_notes]
        for note in notes:
            listen(Note(text=note))
        weights = start.choose_weights(dataset) if start is not None else None
        initial = start.load(weights) if start is not None and weights is not None else None
        if start is not None and weights is not None:
            listen(Note(text=start_text(start.path, start.version, weights)))
        trained = _train(dataset, config, checkpoints, listen, should_stop, initial)
        raise_if_interrupted(should_stop)
        graphs = export_graphs(trained, bounds, listen)
        validated = ValidatedModel(
            trained=trained,
            graphs=graphs,
            bounds=bounds,
            threads=threads,
            season=baseline_season(trained.dataset),
        )
        val, errors = validated.scores(listen, should_stop)
        compared = errors.comparisons()
        intervals = validated.intervals(config.seed, listen, should_stop)
        dependence = validated.dependence(intervals, listen, should_stop)
        if is_wanted(listen, PlotDrawn):
            listen(validated.picture(intervals, errors))
        if is_wanted(listen, ModelScored):
            settings = used_settings(config, trained, bounds, device=device, threads=threads)
            listen(ModelScored(settings=settings, scores=val["model"]))
        leakage = start.leakage(dataset, weights) if start is not None and weights is not None else None
        findings = (*([leakage] if leakage else []), *_findings(trained, val, compared))
        for finding in findings:
            listen(WarningRaised(finding=finding))
        report = _report(
            *(writer.path, config, validated, val, compared, findings),
            device=device,
            threads=threads,
            notes=notes,
        )
        if start is not None and weights is not None:
            report = replace(report, warm_start=start.facts(trained, weights))
        folder = writer.new("model")
        write_model(folder, trained, graphs, bounds, config)
        folder.write_json("intervals.json", intervals.to_dict())
        write_dependence(folder, dependence)
        writer.commit(
            config=asdict(stored or config),
            reads={"data": writer.run.artifact("data").digest, **({INPUT: start.fact} if start else {})},
            report=report.to_json(),
            seed=config.seed,
            device=device,
            keep=keep,
            made_by=made_by,
        )
    return report


def _train(
    dataset: Dataset,
    config: TrainConfig,
    checkpoints: CheckpointWriter,
    listen: Listener,
    should_stop: Callable[[], int | None],
    start: "StartWeights | None",
) -> "TrainingResult":
    from lstm_cli.training.train_model import train_model

    def train() -> "TrainingResult":
        return train_model(
            dataset,
            config,
            threads=checkpoints.threads,
            listen=listen,
            should_stop=should_stop,
            checkpoints=checkpoints.checkpoints,
            start=start,
        )

    trained = resume_or_start_over(train, checkpoints, listen)
    return replace(trained, seconds=trained.seconds + checkpoints.seconds)


def _device(config: TrainConfig) -> tuple[str, int]:
    """Return the name of the device and the number of CPU threads."""
    from lstm_cli.training.setup.device import choose_device, device_label, usable_cores

    return device_label(choose_device(config.device)), config.threads or usable_cores()


def _findings(
    trained: "TrainingResult", val: dict[str, Scores], comparisons: dict[str, Any]
) -> tuple[Finding, ...]:
    """Return the warnings about a trained model."""
    if networks_add_nothing(val, comparisons, trained.weights):
        return (useless_networks_finding("val"),)
    if trained.parts and all(part.best_epoch == 0 for part in trained.parts):
        network = "that of the start" if trained.taken else "the untrained network"
        text = f"training did not improve the network on the validation rows, so {network} is shipped"
        return (Finding(rule="M203", kind=MODEL, text=text),)
    return ()


def _report(
    run: Path,
    config: TrainConfig,
    validated: ValidatedModel,
    val: dict[str, Scores],
    comparisons: dict[str, Any],
    findings: tuple[Finding, ...],
    *,
    device: str,
    threads: int,
    notes: list[str],
) -> TrainReport:
    from lstm_cli.training.diagnosis import diagnose_trainings

    trained = validated.trained
    parts = {name.removeprefix(PART): scores for name, scores in val.items() if name.startswith(PART)}
    return TrainReport(
        run=str(run),
        model=config.model,
        parameters=sum(weight.numel() for weight in trained.shipped.network.parameters()),
        lookback=trained.dataset.schema.lookback,
        reads_rows=trained.settings["lookback"],
        horizon=trained.dataset.schema.horizon,
        series=len(trained.dataset.series.names),
        device=device,
        precision=trained.precision,
        threads=threads,
        seed=config.seed,
        epochs_run=max((part.epochs_run for part in trained.parts), default=0),
        best_epoch=max((part.best_epoch for part in trained.parts), default=0),
        steps=sum(part.steps for part in trained.parts),
        refitted=trained.refitted,
        parts=parts,
        trainings=[asdict(part) for part in trained.parts],
        weights={part: _quarters(weights) for part, weights in trained.weights.items()},
        choices=trained.choices,
        val=val["model"],
        val_baselines={
            name: scores for name, scores in val.items() if name != "model" and not name.startswith(PART)
        },
        baseline_season=validated.season,
        mase_season=trained.dataset.schema.season,
        comparison=best_comparison(comparisons),
        comparisons=comparisons,
        chosen_on=validated.chosen_on(),
        linear=trained.validated.linear.settings(),
        stopped="patience" if any(part.stopped == "patience" for part in trained.parts) else "epochs",
        diagnosis=tuple(asdict(finding) for finding in diagnose_trainings(trained, config)),
        notes=tuple(notes),
        seconds=round(trained.seconds, 2),
        **finding_fields(findings),
    )


def _quarters(weights: list[float]) -> list[float]:
    """Return the mean weight in each quarter of the horizon, or of each step if there are fewer than four."""
    quarters = np.array_split(np.array(weights), min(QUARTERS, len(weights)))
    return [round(float(part.mean()), 4) for part in quarters]
