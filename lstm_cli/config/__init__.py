"""Every setting of every verb: its default, its meaning and its unit, once."""

from lstm_cli.config.verbs import (
    EvaluateConfig,
    ExportConfig,
    PredictConfig,
    PrepareConfig,
    QuantizeConfig,
    TrainConfig,
    TuneConfig,
    restored,
)

__all__ = [
    "EvaluateConfig",
    "ExportConfig",
    "PredictConfig",
    "PrepareConfig",
    "QuantizeConfig",
    "TrainConfig",
    "TuneConfig",
    "restored",
]
