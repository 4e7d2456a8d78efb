"""Settings of `lstm quantize`, and the precisions of a stored model."""

from dataclasses import dataclass

from lstm_cli.config.setting import require_bounds, setting

PRECISIONS = ("fp32", "fp16", "int8")


@dataclass(frozen=True, kw_only=True)
class QuantizeConfig:
    """Settings of `lstm quantize`."""

    to: str = setting("int8", "Precision of the quantized model.", choices=("int8", "fp16"))
    max_loss: float = setting(
        0.01,
        "Maximum relative increase of the validation error.",
        "N%|X",
        kind="share",
        default_text="1%",
        minimum=0,
    )

    def __post_init__(self) -> None:
        require_bounds(self)
