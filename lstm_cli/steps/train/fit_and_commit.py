"""The run's data become its model: trained, exported, validated, with intervals, and committed."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_cli.config import TrainConfig
from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.load import load_dataset
from lstm_cli.data.forecast.bounds import make_bounds
from lstm_cli.evaluation.baseline_season import baseline_season
from lstm_cli.evaluation.scoring import PART
from lstm_cli.evaluation.uncertainty import best_comparison
from lstm_cli.events import Listener, Note, PlotDrawn, WarningRaised, is_wanted
from lstm_cli.findings import MODEL, Finding
from lstm_cli.interrupts import raise_if_interrupted
from lstm_cli.rundir import Writer
from lstm_cli.steps.shared.model_warnings import adds_nothing, networks_finding
from lstm_cli.steps.shared.report_json import option_values, to_plain
from lstm_cli.steps.train.checkpointing import CheckpointPolicy, CheckpointWriter, checkpoint_writer
from lstm_cli.steps.train.save_model import export_graphs, write_model
from lstm_cli.steps.train.validate import Scores, ValidatedModel
from lstm_cli.text import count_noun

if TYPE_CHECKING:
    from lstm_cli.training.recipes.result import TrainingResult

QUARTERS = 4  # of the horizon, in the report's weights


@dataclass(frozen=True, kw_only=True)
class TrainReport:
    """What was trained, and its score on the validation rows beside the simple forecasts."""

    run: str
    model: str
    parameters: int
    lookback: int  # steps, as prepare has it
    reads_rows: int  # that the model reads before a forecast: a part may look back further
    horizon: int
    series: int
    device: str
    precision: str  # of the training steps: fp32 or bf16
    threads: int
    seed: int
    epochs_run: int
    best_epoch: int  # of the part that was best latest
    steps: int  # optimizer steps at the best epoch of each part, in all
    refitted: bool  # the shipped model was fitted again on training and validation rows
    parts: dict[str, Scores]  # of the combination, on the validation rows
    trainings: list[dict[str, Any]]  # each network: part, learning rate, best epoch, steps, why it stopped
    weights: dict[str, list[float]]  # of each part, in the quarters of the horizon
    choices: dict[str, str]  # what the data settled: the reason
    val: Scores  # of what validation saw: before the refit
    val_baselines: dict[str, Scores]
    baseline_season: int | None  # of seasonal_naive, steps: the best one before the test rows
    mase_season: int | None  # of the MASE scale, steps: the shortest one, 1 without a season
    comparison: dict[str, Any] | None  # with the baseline of lowest error, on the validation windows
    comparisons: dict[str, Any] | None  # with each baseline: difference, interval
    chosen_on: dict[str, Any] | None  # the rows that chose the model: split, windows, time_start, time_end
    linear: dict[str, Any]  # lookback, members and validation score of the linear forecast
    stopped: str  # "epochs" or "patience"
    diagnosis: tuple[dict[str, str], ...]  # what went wrong in a training: part, name, sign and advice
    notes: tuple[str, ...]
    seconds: float
    warnings: tuple[str, ...]
    findings: tuple[dict[str, Any], ...] = ()  # the warnings as data; 0.1.0 kept none
    up_to_date: bool | None = (
        None  # True: nothing had changed, and this is what the run that made it reported
    )

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return to_plain(self, absent=("up_to_date",))


def train_and_commit(
    writer: Writer,
    config: TrainConfig,
    listen: Listener,
    *,
    how: CheckpointPolicy,
    should_stop: Callable[[], int | None],
) -> TrainReport:
    """Trains the model that `config` names on the run's data and commits it, for every step that ships one.

    It goes on from the run's checkpoint, as `how` says. Raises MissingArtifact without data, ArtifactError for a
    checkpoint of other settings, DeviceError for an absent device or too little memory, TrainingDiverged,
    Interrupted; the run then keeps the model that it had.
    """
    assert writer.run is not None
    dataset = load_dataset(writer.run)
    device, threads = _device(config)
    bounds, told = make_bounds(dataset, config.min, config.max)
    with checkpoint_writer(writer, config, listen, device=device, threads=threads, how=how) as keeper:
        threads = keeper.threads
        notes = [f"training on {device}, {count_noun(threads, 'thread')}", *told]
        for note in notes:
            listen(Note(text=note))
        trained = _trained(dataset, config, keeper, listen, should_stop)
        raise_if_interrupted(should_stop)
        graphs = export_graphs(trained, bounds, listen)
        validated = ValidatedModel(
            trained=trained,
            graphs=graphs,
            bounds=bounds,
            threads=threads,
            season=baseline_season(trained.dataset),
        )
        val, compared = validated.scores(listen, should_stop)
        intervals = validated.intervals(listen, should_stop)
        if is_wanted(listen, PlotDrawn):
            listen(validated.picture(intervals))
        found = _findings(trained, val, compared)
        for finding in found:
            listen(WarningRaised(finding=finding))
        report = _report(
            *(writer.path, config, validated, val, compared, found),
            device=device,
            threads=threads,
            notes=notes,
        )
        folder = writer.new("model")
        write_model(folder, trained, graphs, bounds, config)
        folder.write_json("intervals.json", intervals.to_dict())
        writer.commit(
            config=asdict(config),
            reads={"data": writer.run.artifact("data").digest},
            report=report.to_json(),
            seed=config.seed,
            device=device,
        )
    return report


def _trained(
    dataset: Dataset,
    config: TrainConfig,
    keeper: CheckpointWriter,
    listen: Listener,
    should_stop: Callable[[], int | None],
) -> "TrainingResult":
    from lstm_cli.training.setup.checkpoint_state import IncompatibleState
    from lstm_cli.training.train_model import train_model

    def train() -> "TrainingResult":
        return train_model(
            dataset,
            config,
            threads=keeper.threads,
            listen=listen,
            should_stop=should_stop,
            checkpoints=keeper.checkpoints,
        )

    try:
        trained = train()
    except IncompatibleState as error:
        text = f"the checkpoint does not fit ({error}): it is discarded, and training starts anew"
        listen(WarningRaised(finding=Finding(rule="M209", kind=MODEL, text=text)))
        keeper.discard()
        trained = train()
    return replace(trained, seconds=trained.seconds + keeper.seconds)


def _device(config: TrainConfig) -> tuple[str, int]:
    """The device as told, and the CPU threads."""
    from lstm_cli.training.setup.device import choose_device, device_label, usable_cores

    return device_label(choose_device(config.device)), config.threads or usable_cores()


def _findings(
    trained: "TrainingResult", val: dict[str, Scores], compared: dict[str, Any]
) -> tuple[Finding, ...]:
    """Return what a person should know before relying on the model."""
    if networks_finding(val, compared, trained.weights):
        return (adds_nothing("val"),)
    if trained.parts and all(part.best_epoch == 0 for part in trained.parts):
        text = "no epoch was better on the validation rows than its untrained start, which is shipped"
        return (Finding(rule="M203", kind=MODEL, text=text),)
    return ()


def _report(
    run: Path,
    config: TrainConfig,
    validated: ValidatedModel,
    val: dict[str, Scores],
    compared: dict[str, Any],
    found: tuple[Finding, ...],
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
        comparison=best_comparison(compared),
        comparisons=compared,
        chosen_on=validated.chosen_on(),
        linear=trained.validated.linear.settings(),
        stopped="patience" if any(part.stopped == "patience" for part in trained.parts) else "epochs",
        diagnosis=tuple(asdict(finding) for finding in diagnose_trainings(trained, config)),
        notes=tuple(notes),
        seconds=round(trained.seconds, 2),
        **option_values(found),
    )


def _quarters(weights: list[float]) -> list[float]:
    """The mean weight in each quarter of the horizon; of each step where there are fewer than four."""
    quarters = np.array_split(np.array(weights), min(QUARTERS, len(weights)))
    return [round(float(part.mean()), 4) for part in quarters]
