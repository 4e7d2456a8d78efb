"""Step `export`: the model or its windows as a file for other programs, with a JSON file that describes it.

The step reads a snapshot of the run and takes no lock. Files in `exports/` are not artifacts: no step reads them.
"""

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, BinaryIO

from lstm_cli import __version__
from lstm_cli.config import ExportConfig
from lstm_cli.config.extras import require_installed
from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.load import load_dataset
from lstm_cli.data.dataset.windows import SPLITS, split_windows
from lstm_cli.errors import OutputError
from lstm_cli.events import Listener, Note, Progressed
from lstm_cli.export.formats import FORMATS, require_ending, require_supported
from lstm_cli.export.interval_facts import interval_facts
from lstm_cli.export.metadata import bounds_facts, data_facts, metadata_text, needs_facts, tensor_facts
from lstm_cli.inference.trained_model import (
    TrainedModel,
    load_graph,
    load_intervals,
    load_model,
    require_precision,
    rescale_to_model,
)
from lstm_cli.rundir import (
    EXPORTS,
    Run,
    check_output,
    exports_folder,
    open_replacement,
    open_run,
    replace_file,
    require_fresh,
)
from lstm_cli.steps.shared.report_html import HtmlReport
from lstm_cli.steps.shared.report_json import plain_value, to_plain
from lstm_cli.tasks.settle import require_verb

COMPARED_WINDOWS = 64  # validation windows on which a converted model is compared with its original


@dataclass(frozen=True, kw_only=True)
class ExportReport(HtmlReport):
    """Report of `export`."""

    run: str
    to: str
    output: str
    about: str  # path of the JSON file that describes the output
    size: int  # bytes of the output
    model: str | None  # None: windows of a run without a model
    precision: str | None  # of the model; None: the windows, which hold no model
    shapes: dict[str, list[Any]]  # of inputs and outputs, or of the arrays X and y
    bounds: str | None  # why the file does not clip its forecast to the bounds; None: it does
    difference: float | None  # largest difference from the model's forecasts, scaled; None: same bytes
    compared: int  # number of validation windows compared
    warnings: tuple[str, ...]
    findings: tuple[dict[str, Any], ...] = ()  # the warnings as data; 0.1.0 kept none

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return to_plain(self)


@dataclass(frozen=True, kw_only=True)
class _Content:
    """Content of the output file, and the facts for the JSON file."""

    size: int  # bytes; a lower bound
    write: Callable[[BinaryIO], object]
    facts: dict[str, Any]
    shapes: dict[str, list[Any]]
    difference: float | None = None
    compared: int = 0


def export(run: Path, config: ExportConfig, listen: Listener) -> ExportReport:
    """Write the file and its JSON description to config.output, or into `exports/` of the run.

    Args:
        run: run directory.
        config: settings of `export`.
        listen: receives events.

    Raises:
        UsageError: the format does not support the model, or its extra is not installed.
        MissingArtifact, StaleArtifact: no model of the current data, or none of the precision.
        OutputError: the output cannot be written.
    """
    if config.output is not None:
        require_ending(config.to, config.output)
    if FORMATS[config.to].is_keras:
        require_installed(f"--to {config.to}", "keras", "h5py")
    with open_run(run) as opened:
        require_verb(opened, "export")
        # Windows need only the data, so they can be exported before training.
        model = _current_model(opened, config) if config.to != "npz" or opened.has("model") else None
        if config.output is None:
            exports_folder(run)
        output, about = output_names(run, config)
        for path in (output, about):
            check_output(path, run=run, exported=True)
        if config.to == "npz" or model is None:
            content = _windows(opened, model, listen)
        else:
            content = _network(opened, config, model, listen)
        _require_free_space(output, content.size)
        with open_replacement(output) as stream:
            content.write(stream)
        facts = _origin(opened, config, output) | content.facts
    replace_file(about, [metadata_text(plain_value(facts)).encode()])
    return ExportReport(
        run=str(run),
        to=config.to,
        output=str(output),
        about=str(about),
        size=facts["size"],
        model=None if model is None else model.name,
        precision=None if config.to == "npz" else config.precision,
        shapes=content.shapes,
        bounds=facts.get("bounds", {}).get("reason") or None,
        difference=content.difference,
        compared=content.compared,
        warnings=(),
        findings=(),
    )


def output_names(run: Path, config: ExportConfig) -> tuple[Path, Path]:
    """Return the output file and its JSON file. Raises UsageError if the name belongs to another format."""
    if config.output is not None:
        require_ending(config.to, config.output)
    file = PurePath(FORMATS[config.to].file)
    if config.precision != "fp32":
        file = file.with_suffix(f".{config.precision}{file.suffix}")
    output = run / EXPORTS / file if config.output is None else Path(config.output)
    return output, output.with_name(f"{output.name}.json")


def _current_model(run: Run, config: ExportConfig) -> TrainedModel:
    require_fresh(run, "model")
    if config.precision != "fp32":
        require_precision(run, config.precision)
    model = load_model(run)
    require_supported(config.to, model.name, model.settings)
    return model


def _load_data(run: Run, model: TrainedModel | None) -> Dataset:
    dataset = load_dataset(run)
    return dataset if model is None else rescale_to_model(dataset, model)


def _origin(run: Run, config: ExportConfig, output: Path) -> dict[str, Any]:
    """Return the facts about the file: name, size, how to open it, and the digests of its sources."""
    to, sources = (
        config.to,
        ("data", "model") if config.precision == "fp32" else ("data", "model", "quantized"),
    )
    return {
        "format": to,
        "file": output.name,
        "size": output.stat().st_size,
        "opens": FORMATS[to].open_code.format(file=output.name),
        "written_by": f"lstm {__version__}",
        "made_from": {name: run.digest(name) for name in sources if run.has(name)},
    }


def _network(run: Run, config: ExportConfig, model: TrainedModel, listen: Listener) -> _Content:
    """Return the model: its stored bytes, or a conversion whose forecasts agree with the model."""
    to, format, bounds = config.to, FORMATS[config.to], model.bounds.transform(model.scaler)
    difference, compared = None, 0
    if to == "onnx":
        data, _ = load_graph(run, config.precision)
    elif to == "safetensors":
        data = run.artifact("model").bytes("weights.safetensors")
    else:
        from lstm_cli.export.convert import convert_model
        from lstm_cli.export.load_network import load_network

        listen(Progressed(stage=f"converting to {to}", done=0))
        reader = run.artifact("model")
        weights = reader.bytes("weights.safetensors")
        with reader.parsing("weights.safetensors"):
            network = load_network(model.name, model.settings, weights)
        windows = split_windows(_load_data(run, model), "val", model.lookback)
        batch = windows.sample(min(COMPARED_WINDOWS, windows.batch_size))[:]
        data, difference = convert_model(to, network, bounds, batch)
        compared = len(batch.series)
    facts: dict[str, Any] = {"sha256": hashlib.sha256(data).hexdigest()}
    facts |= {"precision": config.precision, "needs": needs_facts(format, config.precision)}
    facts |= {"model": {"name": model.name, "settings": model.settings}}
    shapes = {}
    if format.holds_graph:
        inputs, outputs = tensor_facts(format, model.schema, lookback=model.lookback, parts=model.parts)
        facts |= {"inputs": inputs, "input_order": list(inputs), "outputs": outputs}
        shapes = {name: tensor["shape"] for name, tensor in (inputs | outputs).items()}
    facts |= data_facts(model.schema, model.series, model.scaler)
    facts["bounds"] = bounds_facts(model.schema, model.bounds, bounds, holds_graph=format.holds_graph)
    facts["agreement"] = {"largest_difference": difference, "windows": compared, "unit": "scaled"}
    intervals = load_intervals(run)
    if intervals is not None:
        facts["intervals"] = interval_facts(intervals, horizon=model.schema.horizon)
    return _Content(
        size=len(data),
        write=lambda stream: stream.write(data),
        facts=facts,
        shapes=shapes,
        difference=difference,
        compared=compared,
    )


def _windows(run: Run, model: TrainedModel | None, listen: Listener) -> _Content:
    """Return the windows of every split, in the scaling of the model if there is one."""
    from lstm_cli.export.windows_npz import window_arrays, write_windows

    dataset = _load_data(run, model)
    lookback = dataset.schema.lookback if model is None else model.lookback
    splits = {split: split_windows(dataset, split, lookback) for split in SPLITS}
    arrays = window_arrays(splits)
    size = sum(array.size for array in arrays)
    counts = ", ".join(f"{split} {len(windows):,}" for split, windows in splits.items())
    listen(Note(text=f"writing windows of {lookback} steps ({counts}): {size / 1e6:,.1f} MB"))

    def write(stream: BinaryIO) -> None:
        def report_progress(done: int) -> None:
            listen(Progressed(stage="writing windows", done=done, total=size, unit="bytes"))

        write_windows(stream, arrays, progress=report_progress)

    described = {
        array.name: {"shape": list(array.shape), "dtype": array.dtype.name, "meaning": array.meaning}
        for array in arrays
    }
    facts = {
        "lookback": lookback,
        "arrays": described,
        **data_facts(dataset.schema, dataset.series, dataset.scaler),
    }
    shapes: dict[str, list[Any]] = {
        array.name: list(array.shape) for array in arrays if array.name.startswith(("X", "y"))
    }
    return _Content(size=size, write=write, facts=facts, shapes=shapes)


def _require_free_space(output: Path, size: int) -> None:
    """Raise OutputError if the disk has less free space than the output needs."""
    free = shutil.disk_usage(output.parent).free
    if size > free:
        raise OutputError(
            f"cannot write {output}: not enough disk space "
            f"({size / 1e6:,.1f} MB needed, {free / 1e6:,.1f} MB free)",
            hint="free some space, or choose another place with -o",
        )
