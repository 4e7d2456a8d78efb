"""The run's data become its model: trained, exported, validated, with intervals, and committed."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_cli import metrics, scoring
from lstm_cli.config import TrainConfig
from lstm_cli.data.clamp import Bounds, bounds_of
from lstm_cli.data.stored import load_dataset
from lstm_cli.events import Listener, Noted, PictureDrawn, Progressed, Warned, wanted
from lstm_cli.rundir import Writer
from lstm_cli.steps.reporting import plain
from lstm_cli.steps.shipping import Graphs, export_graphs, write_model

if TYPE_CHECKING:
    from lstm_cli.intervals import Intervals
    from lstm_cli.training.trained import Trained

Scores = dict[str, float | None]  # mae_scaled and mase
QUARTERS = 4  # of the horizon, in the report's weights


@dataclass(frozen=True, kw_only=True)
class TrainReport:
    """What was trained, and its score on the validation rows beside the simple forecasts."""

    run: str
    model: str
    parameters: int
    lookback: int  # steps that the model looks back
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
    linear: dict[str, Any]  # lookback, members and validation score of the linear forecast
    stopped: str  # "epochs" or "patience"
    diagnosis: tuple[dict[str, str], ...]  # what went wrong in a training: part, name, sign and advice
    notes: tuple[str, ...]
    seconds: float
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return plain(self)


def make_model(
    writer: Writer,
    config: TrainConfig,
    listen: Listener,
    *,
    should_stop: Callable[[], int | None],
) -> TrainReport:
    """Trains the model that `config` names on the run's data and commits it, for every step that ships one.

    Raises MissingArtifact without data, DeviceError for an absent device, TrainingDiverged, Interrupted; the run
    then keeps the model that it had.
    """
    assert writer.run is not None
    reader = writer.run.artifact("data")
    dataset = load_dataset(writer.run)
    device, threads = _device(config)
    notes = [f"training on {device}, {threads} thread{'s' if threads > 1 else ''}"]
    bounds, told = bounds_of(dataset, config)
    notes += told
    for note in notes:
        listen(Noted(text=note))
    from lstm_cli.training.make import train_model

    trained = train_model(dataset, config, threads=threads, listen=listen, should_stop=should_stop)
    listen(Progressed(stage="exporting", done=0))
    graphs = export_graphs(trained, bounds)
    val = _validate(trained, graphs, bounds, threads, listen)
    intervals = _fit_intervals(trained, graphs, threads, listen)
    if wanted(listen, PictureDrawn):
        listen(_drawn(trained, graphs, bounds, threads, intervals))
    warnings = _warnings(trained, val)
    for text in warnings:
        listen(Warned(text=text))
    report = _report(writer.path, config, trained, val, device=device, threads=threads, notes=notes)
    folder = writer.new("model")
    write_model(folder, trained, graphs, bounds, config)
    folder.write_json("intervals.json", intervals.to_dict())
    writer.commit(
        config=asdict(config),
        reads={"data": reader.digest},
        report=report.to_json(),
        seed=config.seed,
        device=device,
    )
    return report


def _device(config: TrainConfig) -> tuple[str, int]:
    """The device as told, and the CPU threads."""
    from lstm_cli.training.device import choose_device, device_text, usable_cores

    return device_text(choose_device(config.device)), config.threads or usable_cores()


def _validate(
    trained: "Trained", graphs: Graphs, bounds: Bounds, threads: int, listen: Listener
) -> dict[str, Scores]:
    """Scores on the validation windows: of the model and its parts as before a refit, and the simple forecasts."""
    from lstm_cli.runtime.session import open_session

    dataset, linear = trained.dataset, trained.validated.linear
    session = open_session(graphs.validated or graphs.shipped, threads=threads)
    lookback = trained.settings["lookback"]
    windows = scoring.scored_windows(dataset, "val", lookback, linear)
    sums = scoring.score(
        windows,
        scoring.together(
            scoring.model_forecaster(session, lookback, parts=tuple(trained.weights)),
            scoring.simple_forecaster(dataset, linear),
        ),
        bounds,
        progress=lambda done: listen(
            Progressed(stage="validating", done=done, total=len(windows), unit="windows")
        ),
    )
    scale = scoring.scale_of(dataset)
    return {
        name: {
            key: value
            for key, value in metrics.overall(found, scale).items()
            if key in ("mae_scaled", "mase")
        }
        for name, found in sums.items()
    }


def _fit_intervals(trained: "Trained", graphs: Graphs, threads: int, listen: Listener) -> "Intervals":
    """Intervals around the forecasts of the graph that has not seen the validation rows."""
    from lstm_cli.calibration import fit_intervals
    from lstm_cli.runtime.session import open_session

    lookback = trained.settings["lookback"]
    session = open_session(graphs.validated or graphs.shipped, threads=threads)
    forecaster = scoring.model_forecaster(session, lookback)
    return fit_intervals(
        trained.dataset,
        lambda batch: forecaster(batch)["model"],
        lookback=lookback,
        progress=lambda done, total: listen(
            Progressed(stage="fitting intervals", done=done, total=total, unit="windows")
        ),
    )


def _drawn(
    trained: "Trained", graphs: Graphs, bounds: Bounds, threads: int, intervals: "Intervals"
) -> PictureDrawn:
    """Forecasts of some validation windows by the model that has not seen them."""
    from lstm_cli.runtime.session import open_session
    from lstm_cli.steps.score_files import forecast_picture

    dataset, linear = trained.dataset, trained.validated.linear
    lookback = trained.settings["lookback"]
    session = open_session(graphs.validated or graphs.shipped, threads=threads)
    forecaster = scoring.together(
        scoring.model_forecaster(session, lookback), scoring.simple_forecaster(dataset, linear)
    )
    windows = scoring.scored_windows(dataset, "val", lookback, linear)
    return PictureDrawn(
        name="forecasts", png=forecast_picture(dataset, windows, forecaster, bounds, intervals)
    )


def _warnings(trained: "Trained", val: dict[str, Scores]) -> tuple[str, ...]:
    """What a person should know before relying on the model."""
    if trained.weights:
        networks = [part for part in trained.weights if part not in ("linear", "simple")]
        if networks and scoring.as_good(val["linear"], val["model"]):
            return ("the networks add nothing on the validation rows: the linear forecast is as good",)
        return ()
    if all(part.best_epoch == 0 for part in trained.parts):
        return ("no epoch was better on the validation rows than its untrained start, which is shipped",)
    return ()


def _report(
    run: Path,
    config: TrainConfig,
    trained: "Trained",
    val: dict[str, Scores],
    *,
    device: str,
    threads: int,
    notes: list[str],
) -> TrainReport:
    from lstm_cli.training.diagnosis import diagnose

    parts = {name.removeprefix("part."): scores for name, scores in val.items() if name.startswith("part.")}
    return TrainReport(
        run=str(run),
        model=config.model,
        parameters=sum(weight.numel() for weight in trained.shipped.network.parameters()),
        lookback=trained.settings["lookback"],
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
            name: scores for name, scores in val.items() if name != "model" and not name.startswith("part.")
        },
        linear=trained.validated.linear.settings(),
        stopped="patience" if any(part.stopped == "patience" for part in trained.parts) else "epochs",
        diagnosis=tuple(asdict(finding) for finding in diagnose(trained, config)),
        notes=tuple(notes),
        seconds=round(trained.seconds, 2),
        warnings=_warnings(trained, val),
    )


def _quarters(weights: list[float]) -> list[float]:
    """The mean weight in each quarter of the horizon; of each step where there are fewer than four."""
    quarters = np.array_split(np.array(weights), min(QUARTERS, len(weights)))
    return [round(float(part.mean()), 4) for part in quarters]
