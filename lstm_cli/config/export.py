"""Settings of `lstm export`."""

from dataclasses import dataclass

from lstm_cli.config.setting import require_bounds, setting

EXPORT_FORMATS = ("onnx", "torchscript", "pt2", "keras", "h5", "safetensors", "npz")


@dataclass(frozen=True, kw_only=True)
class ExportConfig:
    """Settings of `lstm export`."""

    to: str = setting(
        "onnx", "Output format: a model, its weights only, or npz (the windows).", choices=EXPORT_FORMATS
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
