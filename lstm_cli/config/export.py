"""Settings of `lstm export`."""

from dataclasses import dataclass

from lstm_cli.config.quantize import PRECISIONS
from lstm_cli.config.setting import require_bounds, setting
from lstm_cli.errors import UsageError

EXPORT_FORMATS = ("onnx", "torchscript", "pt2", "keras", "h5", "safetensors", "npz")


@dataclass(frozen=True, kw_only=True)
class ExportConfig:
    """Settings of `lstm export`."""

    to: str = setting(
        "onnx",
        "Output format: a model, its weights only, or npz (windows or sequences).",
        choices=EXPORT_FORMATS,
    )
    precision: str = setting(
        "fp32",
        "Precision of the model; fp16 and int8 export the model of 'lstm quantize', with --to onnx.",
        choices=PRECISIONS,
    )
    output: str | None = setting(
        None,
        "Output file, replaced atomically. FILE.json describes its content.",
        "FILE",
        flag="-o --output",
        default_text="in exports/ of RUN",
    )

    def __post_init__(self) -> None:
        require_bounds(self)
        if self.precision != "fp32" and self.to != "onnx":
            raise UsageError(
                f"--precision {self.precision} works only with --to onnx, not with {self.to}",
                hint="use --to onnx, or leave out --precision",
                flag="--precision",
            )
