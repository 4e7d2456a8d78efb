"""The settings of `lstm quantize`, and the precisions that a model then comes in."""

from dataclasses import dataclass

from lstm_cli.config.setting import require_bounds, setting

PRECISIONS = ("fp32", "fp16", "int8")


@dataclass(frozen=True, kw_only=True)
class QuantizeConfig:
    """Settings of `lstm quantize`."""

    to: str = setting("int8", "The numbers of the smaller model.", choices=("int8", "fp16"))
    max_loss: float = setting(
        0.01,
        "Refuse where the validation error grows by a larger share than this.",
        "N%|X",
        kind="share",
        default_text="1%",
        least=0,
    )

    def __post_init__(self) -> None:
        require_bounds(self)
