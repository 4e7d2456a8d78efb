"""The formats of `lstm export` in one table: what each is called, what opens it, and what it cannot hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from lstm_cli.config.layers import flag_name
from lstm_cli.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Format:
    """One kind of file."""

    file: str  # its name in `exports/`
    endings: tuple[str, ...]  # that another name may have
    open_code: str  # the line of Python that opens it
    is_keras: bool = False  # an extra, whose layers cannot do all that ours do
    holds_graph: bool = True  # it forecasts by itself
    holds_parts: bool = False  # and gives the forecasts of the model's parts too
    needs_future_input: bool = True  # `future` is an input even where nothing is known ahead, with no columns


_KERAS = "model = keras.models.load_model('{file}')"
FORMATS: Mapping[str, Format] = {
    "onnx": Format(
        file="model.onnx",
        endings=(".onnx",),
        open_code="session = onnxruntime.InferenceSession('{file}')",
        holds_parts=True,
    ),
    "torchscript": Format(
        file="model.pt", endings=(".pt", ".pth", ".ts"), open_code="model = torch.jit.load('{file}')"
    ),
    "pt2": Format(
        file="model.pt2", endings=(".pt2",), open_code="model = torch.export.load('{file}').module()"
    ),
    "keras": Format(
        file="model.keras", endings=(".keras",), open_code=_KERAS, is_keras=True, needs_future_input=False
    ),
    "h5": Format(
        file="model.h5", endings=(".h5", ".hdf5"), open_code=_KERAS, is_keras=True, needs_future_input=False
    ),
    "safetensors": Format(
        file="model.safetensors",
        endings=(".safetensors",),
        open_code="weights = safetensors.numpy.load_file('{file}')",
        holds_graph=False,
    ),
    "npz": Format(
        file="windows.npz",
        endings=(".npz",),
        open_code="windows = numpy.load('{file}', allow_pickle=False)",
        holds_graph=False,
    ),
}
# The settings of `stacked` that Keras has layers for.
_GO_OVER = {
    *("inputs", "targets", "known_ahead", "horizon", "lookback"),
    *("hidden", "dropout", "bidirectional", "layer_norm"),
}
_HEADS = {("head", "last"), ("head", "mean")}


def require_ending(to: str, output: str) -> None:
    """Raise UsageError where a file of this name would be taken for another format by what opens it."""
    endings = FORMATS[to].endings
    if PurePath(output).suffix.lower() not in endings:
        other = next((name for name, one in FORMATS.items() if output.lower().endswith(one.endings)), None)
        meant = f", or use --to {other}" if other is not None else ""
        raise UsageError(
            f"the output {output} of --to {to} does not end in {' or '.join(endings)}",
            hint=f"name it like {FORMATS[to].file}{meant}",
        )


def require_supported(to: str, model: str, settings: Mapping[str, Any]) -> None:
    """Raise UsageError, with the reason and a format to use instead, for a model that the format cannot hold.

    model, settings: of the run's model.json.
    """
    if not FORMATS[to].is_keras:
        return
    if model != "stacked":
        raise UsageError(
            f"--to {to} cannot hold the model '{model}': its linear part and its gates are no layers of Keras",
            hint="use --to onnx, which holds every model, or train --model stacked",
            flag="--to",
        )
    refused = [
        f"--head {value}" if name == "head" else flag_name(name)
        for name, value in settings.items()
        if value and name not in _GO_OVER and (name, value) not in _HEADS
    ]
    if refused:
        raise UsageError(
            f"--to {to} cannot hold {' and '.join(refused)}: no layer of Keras does the same with padded windows",
            hint="use --to onnx, which holds every model, or train without",
            flag="--to",
        )
