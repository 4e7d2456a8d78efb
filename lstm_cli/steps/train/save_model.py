"""Files of a trained model: ONNX graphs that were checked against torch, weights and descriptions."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lstm_cli.config import TrainConfig
from lstm_cli.data.dataset.dataset import describe_dataset
from lstm_cli.data.dataset.windows import split_windows
from lstm_cli.data.forecast.bounds import Bounds
from lstm_cli.events import Listener, Progressed
from lstm_cli.inference.trained_model import (
    MODEL_VERSION,
    STEP_CORRELATIONS,
    TARGET_CORRELATIONS,
    VALIDATED,
    WEIGHTS_BEFORE_REFIT,
)
from lstm_cli.rundir import ArtifactFolder

if TYPE_CHECKING:
    from lstm_cli.evaluation.quantiles.dependence import Dependence
    from lstm_cli.training.recipes.result import TrainingResult

COMPARED_WINDOWS = 64  # windows that are forecast with the graph and with torch
TOLERANCE = 1e-4  # largest difference between graph and torch, in standard deviations of a target


@dataclass(frozen=True, kw_only=True)
class ExportedGraphs:
    """Contents of the ONNX files of a model."""

    shipped: bytes
    validated: bytes | None  # model before the refit; None without a refit


def export_graphs(trained: "TrainingResult", bounds: Bounds, listen: Listener) -> ExportedGraphs:
    """Return the ONNX graphs of the shipped and the validated model.

    Args:
        trained: trained model.
        bounds: limits of the forecast.
        listen: receives progress.

    Raises:
        RuntimeError: a graph differs from torch on validation windows.
    """
    import torch

    from lstm_cli.export.clipped_model import ClippedModel
    from lstm_cli.export.onnx import check_agreement, export_onnx

    dataset, settings = trained.dataset, trained.settings
    # The graph clips only bounds that are one scaled number for all series. Forecasts are clipped again in the
    # units of the file, so each bound holds.
    scaled = bounds.transform(dataset.scaler)
    lower, upper = (None if side is None else torch.from_numpy(side) for side in (scaled.lower, scaled.upper))
    versions = [trained.shipped, *([trained.validated] if trained.refitted else [])]
    windows = split_windows(dataset, "val", settings["lookback"])
    batch = windows.sample(min(COMPARED_WINDOWS, windows.batch_size))[:]
    inputs = [torch.from_numpy(np.array(part)) for part in (batch.past, batch.future, batch.mask)]
    largest = max(1.0, float(np.abs(batch.past[..., : dataset.targets]).max()))
    graphs: list[bytes] = []
    for version in versions:
        listen(Progressed(stage="exporting", done=len(graphs), total=len(versions), unit="graphs"))
        graph = export_onnx(
            version.network,
            inputs=settings["inputs"],
            known_ahead=settings["known_ahead"],
            lower=lower,
            upper=upper,
        )
        difference = check_agreement(graph, ClippedModel(version.network, lower, upper), *inputs)
        if not difference <= TOLERANCE * largest:
            raise RuntimeError(f"the exported graph differs from torch by {difference:g} in scaled units")
        graphs.append(graph)
    listen(Progressed(stage="exporting", done=len(graphs), total=len(versions), unit="graphs"))
    return ExportedGraphs(shipped=graphs[0], validated=graphs[1] if trained.refitted else None)


def write_model(
    folder: ArtifactFolder,
    trained: "TrainingResult",
    graphs: ExportedGraphs,
    bounds: Bounds,
    config: TrainConfig,
) -> None:
    """Write the files of the model; equal trainings write equal bytes.

    Args:
        folder: folder of the new artifact.
        trained: trained model.
        graphs: exported graphs.
        bounds: limits of the forecast.
        config: settings of the model and its training.
    """
    import safetensors.numpy
    import safetensors.torch

    shipped, validated = trained.shipped, trained.validated
    for name, content in describe_dataset(trained.dataset).items():
        folder.write_json(name, content)
    folder.write_json(
        "model.json",
        {
            "version": MODEL_VERSION,
            "name": config.model,
            "settings": trained.settings,
            "bounds": bounds.to_dict(),
            "linear": validated.linear.settings(),
            "weights": trained.weights,
        },
    )
    folder.write_bytes("weights.safetensors", safetensors.torch.save(shipped.network.state_dict()))
    folder.write_bytes("linear.safetensors", safetensors.numpy.save(shipped.linear.arrays()))
    # Times differ between runs, so they are left out.
    lines = [{key: value for key, value in entry.items() if key != "seconds"} for entry in trained.history]
    folder.write_bytes("history.jsonl", "".join(json.dumps(line) + "\n" for line in lines).encode())
    folder.write_bytes("model.onnx", graphs.shipped)
    if graphs.validated is not None:
        folder.write_bytes(VALIDATED, graphs.validated)
        # Those of the linear forecast are in a file of their own.
        learnt = {
            name: value
            for name, value in validated.network.state_dict().items()
            if not name.startswith("linear.")
        }
        folder.write_bytes(WEIGHTS_BEFORE_REFIT, safetensors.torch.save(learnt))
        folder.write_bytes("validated_linear.safetensors", safetensors.numpy.save(validated.linear.arrays()))


def write_dependence(folder: ArtifactFolder, dependence: "Dependence") -> None:
    """Write the dependence between steps and targets; equal trainings write equal bytes."""
    folder.write_array(STEP_CORRELATIONS, dependence.steps)
    if len(dependence.targets):
        folder.write_array(TARGET_CORRELATIONS, dependence.targets)
