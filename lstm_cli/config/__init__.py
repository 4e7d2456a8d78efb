"""Settings of all verbs, with their defaults, help texts, units and checks.

Each verb has a module, which is loaded on first use. So `predict` does not load the settings of `train`.
"""

from typing import TYPE_CHECKING, Any

from lstm_cli.lazy_imports import lazy_attributes

if TYPE_CHECKING:
    from lstm_cli.config.evaluate import EvaluateConfig
    from lstm_cli.config.export import ExportConfig
    from lstm_cli.config.predict import PredictConfig
    from lstm_cli.config.prepare import PrepareConfig
    from lstm_cli.config.quantize import QuantizeConfig
    from lstm_cli.config.refresh import RefreshConfig
    from lstm_cli.config.report import ReportConfig
    from lstm_cli.config.runs import RunsConfig
    from lstm_cli.config.score import ScoreConfig
    from lstm_cli.config.serve import ServeConfig
    from lstm_cli.config.train import TrainConfig
    from lstm_cli.config.tune import TuneConfig
    from lstm_cli.config.validators import restore_settings

__all__ = [
    "EvaluateConfig",
    "ExportConfig",
    "PredictConfig",
    "PrepareConfig",
    "QuantizeConfig",
    "RefreshConfig",
    "ReportConfig",
    "RunsConfig",
    "ScoreConfig",
    "ServeConfig",
    "TrainConfig",
    "TuneConfig",
    "restore_settings",
]

_WHERE = {name: name.removesuffix("Config").lower() for name in __all__} | {"restore_settings": "validators"}


def __getattr__(name: str) -> Any:
    return lazy_attributes(__name__, name, _WHERE)
