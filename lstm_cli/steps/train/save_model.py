"""What a training leaves in the run: the graph, found to agree with torch, the weights and what describes them."""

import itertools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lstm_cli.config import TrainConfig
from lstm_cli.data.dataset.dataset import describe_dataset
from lstm_cli.data.dataset.windows import split_windows
from lstm_cli.data.forecast.bounds import Bounds
from lstm_cli.events import Listener, Progressed
from lstm_cli.inference.trained_model import MODEL_VERSION, VALIDATED
from lstm_cli.rundir import ArtifactFolder

if TYPE_CHECKING:
    from lstm_cli.training.recipes.result import TrainingResult

COMPARED = 64  # windows that the graph and torch forecast both
AGREEMENT = 1e-4  # the graph may differ from torch by so much of a target's deviation


@dataclass(frozen=True, kw_only=True)
class ExportedGraphs:
    """The ONNX files of a model."""

    shipped: bytes
    validated: bytes | None  # before a refit; None where there was none


def export_graphs(trained: "TrainingResult", bounds: Bounds, listen: Listener) -> ExportedGraphs:
    """Return the graphs of both versions. Raises RuntimeError where one does not agree with torch on real windows."""
    import torch

    from lstm_cli.export.clipped_model import ClippedModel
    from lstm_cli.export.onnx import check_agreement, export_versions

    dataset, settings = trained.dataset, trained.settings
    # The bounds stand in the graph where one scaled number serves every series; they hold in any case, since
    # a forecast is clipped again in the file's units.
    scaled = bounds.transform(dataset.scaler)
    lower, upper = (None if side is None else torch.from_numpy(side) for side in (scaled.lower, scaled.upper))
    versions = [trained.shipped, *([trained.validated] if trained.refitted else [])]
    networks = [version.network for version in versions]
    parts = itertools.count(1)  # the trace; each graph, and its comparison with torch

    def tell(done: int) -> None:
        listen(Progressed(stage="exporting", done=done, total=1 + 2 * len(networks), unit="parts"))

    tell(0)
    graphs = export_versions(
        networks,
        inputs=settings["inputs"],
        known_ahead=settings["known_ahead"],
        lower=lower,
        upper=upper,
        on_export=lambda: tell(next(parts)),
    )
    windows = split_windows(dataset, "val", settings["lookback"])
    batch = windows.sample(min(COMPARED, windows.batch_size))[:]
    inputs = [torch.from_numpy(np.array(part)) for part in (batch.past, batch.future, batch.mask)]
    largest = max(1.0, float(np.abs(batch.past[..., : dataset.targets]).max()))
    for graph, network in zip(graphs, networks, strict=True):
        difference = check_agreement(graph, ClippedModel(network, lower, upper), *inputs)
        if not difference <= AGREEMENT * largest:
            raise RuntimeError(f"the exported graph differs from torch by {difference:g} in scaled units")
        tell(next(parts))
    return ExportedGraphs(shipped=graphs[0], validated=graphs[1] if trained.refitted else None)


def write_model(
    folder: ArtifactFolder,
    trained: "TrainingResult",
    graphs: ExportedGraphs,
    bounds: Bounds,
    config: TrainConfig,
) -> None:
    """Writes the files of the model; the same training writes the same bytes."""
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
    # Seconds differ from run to run, and so does the order of networks that train side by side.
    lines = [{key: value for key, value in entry.items() if key != "seconds"} for entry in trained.history]
    folder.write_bytes("history.jsonl", "".join(json.dumps(line) + "\n" for line in lines).encode())
    folder.write_bytes("model.onnx", graphs.shipped)
    if graphs.validated is not None:
        folder.write_bytes(VALIDATED, graphs.validated)
        folder.write_bytes("validated_linear.safetensors", safetensors.numpy.save(validated.linear.arrays()))
