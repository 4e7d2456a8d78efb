"""The settings of `lstm quantize`, and the precisions that a model then comes in."""

from dataclasses import dataclass

from lstm_cli.config.validators import at_least, one_of

PRECISIONS = ("fp32", "fp16", "int8")


@dataclass(frozen=True, kw_only=True)
class QuantizeConfig:
    """Settings of `lstm quantize`."""

    to: str = "int8"  # int8 or fp16
    max_loss: float = 0.01  # the error may grow by this share, e.g. 1%

    def __post_init__(self) -> None:
        one_of("--to", self.to, ("int8", "fp16"))
        at_least("--max-loss", self.max_loss, 0)
