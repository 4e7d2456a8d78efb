"""`train`: the run's data become a trained model, shipped as weights and as one ONNX graph."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_cli import metrics, scoring
from lstm_cli.baselines import Linear, fit_linear, linear_lookbacks
from lstm_cli.config import TrainConfig
from lstm_cli.data.clamp import Bounds
from lstm_cli.data.dataset import Dataset, describe
from lstm_cli.data.stored import load_dataset
from lstm_cli.data.windows import split_windows
from lstm_cli.events import Listener, Noted, Progressed, Warned
from lstm_cli.rundir import Folder, writing
from lstm_cli.steps.reporting import plain

if TYPE_CHECKING:
    from torch import nn

    from lstm_cli.intervals import Intervals
    from lstm_cli.training.fit import Fitted

AGREEMENT = 1e-4  # the graph may differ from torch by so much of a target's deviation
MODEL_VERSION = 1  # of model.json


@dataclass(frozen=True, kw_only=True)
class TrainReport:
    """What was trained, and its score on the validation rows beside the simple forecasts."""

    run: str
    model: str
    parameters: int
    lookback: int  # steps that the model looks back
    horizon: int
    device: str
    threads: int
    seed: int
    epochs_run: int
    best_epoch: int
    steps: int
    val: dict[str, float | None]  # mae_scaled and mase of what is shipped
    val_baselines: dict[str, dict[str, float | None]]
    linear: dict[str, float]  # lookback, penalty and validation score of the linear forecast
    stopped: str  # "epochs" or "patience"
    notes: tuple[str, ...]
    seconds: float
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return plain(self)


@dataclass(frozen=True, kw_only=True)
class _Shipped:
    """What the new model folder holds beside the description of its data."""

    network: "nn.Module"
    settings: dict[str, Any]
    graph: bytes
    fitted: "Fitted"


def train(
    run: Path,
    config: TrainConfig,
    listen: Listener,
    *,
    lock_wait: float = 0.0,
    should_stop: Callable[[], int | None] = lambda: None,
) -> TrainReport:
    """Trains the model that `config` names on the run's data. Nothing is shipped unless it came to its end.

    Raises MissingArtifact without data, DeviceError for an absent device, TrainingDiverged, Interrupted.
    """
    with writing(run, step="train", lock_wait=lock_wait) as writer:
        assert writer.run is not None
        reader = writer.run.artifact("data")
        dataset = load_dataset(writer.run)
        notes, warnings = [], []
        device, threads = _device(config)
        notes.append(f"training on {device}, {threads} thread{'s' if threads > 1 else ''}")
        bounds, told = _bounds(dataset, config)
        notes += told
        for note in notes:
            listen(Noted(text=note))
        linear = _fit_linear(dataset, listen)
        shipped = _train(dataset, linear, bounds, config, listen, should_stop)
        if shipped.fitted.best_epoch == 0:
            start = (
                "the linear forecast it started at" if config.model == "segment" else "its untrained start"
            )
            warnings.append(f"no epoch was better on the validation rows than {start}, which is shipped")
            listen(Warned(text=warnings[-1]))
        val = _validate(dataset, linear, shipped, bounds, threads, listen)
        intervals = _fit_intervals(dataset, shipped, threads, listen)
        report = TrainReport(
            run=str(run),
            model=config.model,
            parameters=sum(weight.numel() for weight in shipped.network.parameters()),
            lookback=shipped.settings["lookback"],
            horizon=dataset.schema.horizon,
            device=device,
            threads=threads,
            seed=config.seed,
            epochs_run=len(shipped.fitted.history) - 1,
            best_epoch=shipped.fitted.best_epoch,
            steps=shipped.fitted.steps,
            val=val.pop("model"),
            val_baselines=val,
            linear=linear.settings(),
            stopped=shipped.fitted.stopped,
            notes=tuple(notes),
            seconds=round(shipped.fitted.seconds, 2),
            warnings=tuple(warnings),
        )
        folder = writer.new("model")
        _write(folder, dataset, linear, bounds, shipped, config)
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
    """The device as told, and the CPU threads; both are set up for torch."""
    # Read by OpenMP when torch loads it. Threads that wait by spinning take a busy machine's cores from the work
    # they wait for: training beside other work then takes many times as long, and alone it is hardly slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import torch

    from lstm_cli.training.device import choose_device, device_text, usable_cores

    threads = config.threads or usable_cores()
    torch.set_num_threads(threads)
    return device_text(choose_device(config.device)), threads


def _bounds(dataset: Dataset, config: TrainConfig) -> tuple[Bounds, list[str]]:
    """The bounds of the forecast per target, and what is told of them."""
    never_negative = np.nanmin(dataset.training.least, axis=0) >= 0
    lower = np.full(dataset.targets, -np.inf)
    notes = []
    if config.min == "auto":
        lower[never_negative] = 0.0
        if never_negative.any():
            named = ", ".join(f"'{name}'" for name in np.array(dataset.schema.targets)[never_negative])
            notes.append(
                f"{named}: never negative in training, so forecast at or above 0 (--min none lifts that)"
            )
    elif config.min != "none":
        lower[:] = float(config.min)
    upper = np.full(dataset.targets, np.inf if config.max is None else config.max)
    return Bounds(lower=lower, upper=upper), notes


def _error_scale(dataset: Dataset) -> np.ndarray:
    """[S, C] the seasonal errors in scaled units; NaN where a series has none."""
    seasonal = dataset.training.seasonal_error
    scale = dataset.scaler.scale[:, : dataset.targets]
    return np.where(seasonal > 0, seasonal, np.nan) / scale


def _fit_linear(dataset: Dataset, listen: Listener) -> Linear:
    schema = dataset.schema
    lookbacks = linear_lookbacks(
        lookback=schema.lookback,
        rows=int(np.median(dataset.series.train_end)),
        horizon=schema.horizon,
        season=schema.season,
        fixed=schema.lookback_fixed,
    )
    listen(Progressed(stage="fitting the linear forecast", done=0))
    longest = max(lookbacks)
    unit = np.mean(dataset.training.deviation / dataset.scaler.scale[:, : dataset.targets], axis=0)
    return fit_linear(
        split_windows(dataset, "train", longest),
        split_windows(dataset, "val", longest),
        lookbacks=lookbacks,
        unit=unit,
        error_scale=_error_scale(dataset),
    )


def _settings(dataset: Dataset, linear: Linear, config: TrainConfig) -> dict[str, Any]:
    """The arguments of the network's class."""
    schema = dataset.schema
    shared = {
        "inputs": len(schema.columns) + len(schema.calendar),
        "targets": dataset.targets,
        "known_ahead": schema.known_ahead,
        "horizon": schema.horizon,
        "dropout": 0.2 if config.dropout is None else config.dropout,
    }
    if config.model == "stacked":
        return shared | {"lookback": schema.lookback, "hidden": list(config.hidden or (64, 64))}
    from lstm_cli.models.segment import segment_length

    segment = segment_length(season=schema.season, lookback=schema.lookback)
    network = schema.lookback // segment * segment
    return shared | {
        "lookback": max(network, linear.lookback),
        "network_lookback": network,
        "linear_lookback": linear.lookback,
        "segment": segment,
        "seasons": list(schema.seasons),
        "hidden": config.hidden[0] if config.hidden else 128,
    }


def _train(
    dataset: Dataset,
    linear: Linear,
    bounds: Bounds,
    config: TrainConfig,
    listen: Listener,
    should_stop: Callable[[], int | None],
) -> _Shipped:
    import torch

    from lstm_cli.models.build import build_model
    from lstm_cli.training import judge
    from lstm_cli.training.batches import DeviceWindows
    from lstm_cli.training.device import choose_device
    from lstm_cli.training.fit import fit
    from lstm_cli.training.plan import plan_training

    device = choose_device(config.device)
    settings = _settings(dataset, linear, config)
    torch.manual_seed(config.seed)
    network = build_model(config.model, settings)
    if config.model == "segment":
        state = {f"linear_{name}": torch.from_numpy(linear.arrays()[name]) for name in ("weights", "bias")}
        network.load_state_dict(state | {"unit": torch.from_numpy(linear.unit)}, strict=False)
    network.to(device)
    windows = DeviceWindows(split_windows(dataset, "train", settings["lookback"]), device)
    judged = DeviceWindows(split_windows(dataset, "val", settings["lookback"]), device)
    validate = (
        judge.by_score(judged, _error_scale(dataset))
        if config.model == "segment"
        else judge.by_loss(judged, config.loss)
    )
    plan = plan_training(config, windows=len(windows), targets=dataset.targets)
    fitted = fit(network, windows, validate, plan, name=config.model, listen=listen, should_stop=should_stop)
    network.cpu().load_state_dict(fitted.weights)
    network.eval()
    listen(Progressed(stage="exporting", done=0))
    return _Shipped(
        network=network, settings=settings, graph=_graph(dataset, network, settings, bounds), fitted=fitted
    )


def _graph(dataset: Dataset, network: "nn.Module", settings: dict[str, Any], bounds: Bounds) -> bytes:
    """The ONNX graph, found to agree with torch on real windows."""
    import torch

    from lstm_cli.export.onnx import Bounded, check_agreement, export_onnx

    # The bounds stand in the graph where one scaled number serves every series; they hold in any case, since
    # a forecast is clipped again in the file's units.
    sides = [dataset.scaler.scaled(side[None, :], slice(None)) for side in (bounds.lower, bounds.upper)]
    shared = all(np.array_equal(side, np.broadcast_to(side[:1], side.shape)) for side in sides)
    lower, upper = (torch.from_numpy(side[0].astype(np.float32)) if shared else None for side in sides)
    graph = export_onnx(
        network, inputs=settings["inputs"], known_ahead=settings["known_ahead"], lower=lower, upper=upper
    )
    batch = split_windows(dataset, "val", settings["lookback"]).every(64)[:]
    inputs = (torch.from_numpy(np.array(part)) for part in (batch.past, batch.future, batch.mask))
    difference = check_agreement(graph, Bounded(network, lower, upper), *inputs)
    deviation = float(np.max(dataset.training.deviation / dataset.scaler.scale[:, : dataset.targets]))
    if not difference <= AGREEMENT * deviation:
        raise RuntimeError(f"the exported graph differs from torch by {difference:g} in scaled units")
    return graph


def _validate(
    dataset: Dataset,
    linear: Linear,
    shipped: _Shipped,
    bounds: Bounds,
    threads: int,
    listen: Listener,
) -> dict[str, dict[str, float | None]]:
    """mae_scaled and mase on the validation windows, of the shipped graph and the simple forecasts."""
    from lstm_cli.runtime.session import open_session

    session = open_session(shipped.graph, threads=threads)
    lookback = shipped.settings["lookback"]
    windows = scoring.scored_windows(dataset, "val", lookback, linear)
    forecasters = {
        "model": scoring.shortened(session, lookback),
        **scoring.simple_forecasters(dataset, linear),
    }
    sums = scoring.score(
        windows,
        forecasters,
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


def _fit_intervals(dataset: Dataset, shipped: _Shipped, threads: int, listen: Listener) -> "Intervals":
    """Intervals around the forecasts of the graph, which has not seen the validation rows."""
    from lstm_cli.calibration import fit_intervals
    from lstm_cli.runtime.session import open_session

    lookback = shipped.settings["lookback"]
    return fit_intervals(
        dataset,
        scoring.shortened(open_session(shipped.graph, threads=threads), lookback),
        lookback=lookback,
        progress=lambda done, total: listen(
            Progressed(stage="fitting intervals", done=done, total=total, unit="windows")
        ),
    )


def _write(
    folder: Folder,
    dataset: Dataset,
    linear: Linear,
    bounds: Bounds,
    shipped: _Shipped,
    config: TrainConfig,
) -> None:
    import safetensors.numpy
    import safetensors.torch

    for name, content in describe(dataset).items():
        folder.write_json(name, content)
    folder.write_json(
        "model.json",
        {
            "version": MODEL_VERSION,
            "name": config.model,
            "settings": shipped.settings,
            "bounds": bounds.to_dict(),
            "linear": linear.settings(),
        },
    )
    folder.write_bytes("weights.safetensors", safetensors.torch.save(shipped.fitted.weights))
    folder.write_bytes("linear.safetensors", safetensors.numpy.save(linear.arrays()))
    # Seconds differ from run to run; the same training writes the same bytes.
    lines = [
        {key: value for key, value in entry.items() if key != "seconds"} for entry in shipped.fitted.history
    ]
    folder.write_bytes("history.jsonl", "".join(json.dumps(line) + "\n" for line in lines).encode())
    folder.write_bytes("model.onnx", shipped.graph)
