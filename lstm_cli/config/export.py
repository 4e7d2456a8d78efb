"""The settings of `lstm export`."""

from dataclasses import dataclass

from lstm_cli.config.validators import one_of

EXPORT_FORMATS = ("onnx", "torchscript", "pt2", "keras", "h5", "safetensors", "npz")


@dataclass(frozen=True, kw_only=True)
class ExportConfig:
    """Settings of `lstm export`."""

    to: str = "onnx"  # the format of the file
    output: str | None = None  # where the file goes; None: into `exports/` of the run

    def __post_init__(self) -> None:
        one_of("--to", self.to, EXPORT_FORMATS)
