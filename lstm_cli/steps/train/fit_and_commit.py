"""The run's data become its model: trained, exported, validated, with intervals, and committed."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_cli.config import TrainConfig
from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.load import load_dataset
from lstm_cli.data.forecast.bounds import bounds_of
from lstm_cli.evaluation.baseline_season import baseline_season
from lstm_cli.evaluation.scoring import PART
from lstm_cli.evaluation.uncertainty import best_compared
from lstm_cli.events import Listener, Noted, PictureDrawn, Warned, wanted
from lstm_cli.findings import MODEL, Finding
from lstm_cli.interrupts import heed
from lstm_cli.rundir import Writer
from lstm_cli.steps.shared.model_warnings import networks_add_nothing, nothing_added
from lstm_cli.steps.shared.report_json import plain, told
from lstm_cli.steps.train.checkpointing import Keeper, Keeping, keeping
from lstm_cli.steps.train.save_model import export_graphs, write_model
from lstm_cli.steps.train.validate import Scores, Validated
from lstm_cli.text import count_of

if TYPE_CHECKING:
    from lstm_cli.training.recipes.result import Trained

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
        return plain(self, absent=("up_to_date",))


def make_model(
    writer: Writer,
    config: TrainConfig,
    listen: Listener,
    *,
    how: Keeping,
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
    bounds, told = bounds_of(dataset, config.min, config.max)
    with keeping(writer, config, listen, device=device, threads=threads, how=how) as keeper:
        threads = keeper.threads
        notes = [f"training on {device}, {count_of(threads, 'thread')}", *told]
        for note in notes:
            listen(Noted(text=note))
        trained = _trained(dataset, config, keeper, listen, should_stop)
        heed(should_stop)
        graphs = export_graphs(trained, bounds, listen)
        validated = Validated(
            trained=trained,
            graphs=graphs,
            bounds=bounds,
            threads=threads,
            season=baseline_season(trained.dataset),
        )
        val, compared = validated.scores(listen, should_stop)
        intervals = validated.intervals(listen, should_stop)
        if wanted(listen, PictureDrawn):
            listen(validated.picture(intervals))
        found = _findings(trained, val, compared)
        for finding in found:
            listen(Warned(finding=finding))
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
    keeper: Keeper,
    listen: Listener,
    should_stop: Callable[[], int | None],
) -> "Trained":
    from lstm_cli.training.setup.checkpoint_state import StateUnfit
    from lstm_cli.training.train_model import train_model

    def train() -> "Trained":
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
    except StateUnfit as error:
        text = f"the checkpoint does not fit ({error}): it is discarded, and training starts anew"
        listen(Warned(finding=Finding(rule="M209", kind=MODEL, text=text)))
        keeper.discard()
        trained = train()
    return replace(trained, seconds=trained.seconds + keeper.seconds)


def _device(config: TrainConfig) -> tuple[str, int]:
    """The device as told, and the CPU threads."""
    from lstm_cli.training.setup.device import choose_device, device_text, usable_cores

    return device_text(choose_device(config.device)), config.threads or usable_cores()


def _findings(trained: "Trained", val: dict[str, Scores], compared: dict[str, Any]) -> tuple[Finding, ...]:
    """Return what a person should know before relying on the model."""
    if networks_add_nothing(val, compared, trained.weights):
        return (nothing_added("val"),)
    if trained.parts and all(part.best_epoch == 0 for part in trained.parts):
        text = "no epoch was better on the validation rows than its untrained start, which is shipped"
        return (Finding(rule="M203", kind=MODEL, text=text),)
    return ()


def _report(
    run: Path,
    config: TrainConfig,
    validated: Validated,
    val: dict[str, Scores],
    compared: dict[str, Any],
    found: tuple[Finding, ...],
    *,
    device: str,
    threads: int,
    notes: list[str],
) -> TrainReport:
    from lstm_cli.training.diagnosis import diagnose

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
        comparison=best_compared(compared),
        comparisons=compared,
        chosen_on=validated.chosen_on(),
        linear=trained.validated.linear.settings(),
        stopped="patience" if any(part.stopped == "patience" for part in trained.parts) else "epochs",
        diagnosis=tuple(asdict(finding) for finding in diagnose(trained, config)),
        notes=tuple(notes),
        seconds=round(trained.seconds, 2),
        **told(found),
    )


def _quarters(weights: list[float]) -> list[float]:
    """The mean weight in each quarter of the horizon; of each step where there are fewer than four."""
    quarters = np.array_split(np.array(weights), min(QUARTERS, len(weights)))
    return [round(float(part.mean()), 4) for part in quarters]
