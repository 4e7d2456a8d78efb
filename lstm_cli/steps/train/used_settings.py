"""Settings that a training used: those of the config, with the values that were chosen for it."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lstm_cli.config import TrainConfig
from lstm_cli.data.forecast.bounds import Bounds

if TYPE_CHECKING:
    from lstm_cli.training.recipes.result import TrainingResult

NONE = "none"  # a setting that is off, or a limit that is not set
BY_NETWORK = ("lr", "epochs", "patience", "batch_size")


def used_settings(
    config: TrainConfig, trained: "TrainingResult", bounds: Bounds, *, device: str, threads: int
) -> dict[str, Any]:
    """Return the settings of a training by name, without None.

    Args:
        config: settings that were given.
        trained: result of the training.
        bounds: bounds of the forecast.
        device: name of the device.
        threads: CPU threads.
    """
    schema, network = trained.dataset.schema, trained.settings
    chosen = {
        **asdict(config),
        "parts": list(trained.weights) or [config.model],
        "refit": trained.refitted,
        "log_transform": "on" if trained.dataset.scaler.log_transformed else "off",
        "hidden": network["hidden"],
        "dropout": network["dropout"],
        "segment": network.get("segment"),
        "device": device,
        "precision": trained.precision,
        "threads": threads,
        "lookback": network["lookback"],
        "horizon": schema.horizon,
        **{name: _common([getattr(part, name) for part in trained.parts]) for name in BY_NETWORK},
        **{side: _common(ends) for side, ends in zip(("min", "max"), _ends(bounds), strict=True)},
    }
    return {name: NONE if value is None else value for name, value in chosen.items()}


def _common(values: Sequence[Any]) -> Any:
    """Return the value that all networks or targets share, their list if they differ, or None if there are none."""
    return (values[0] if len(set(values)) == 1 else list(values)) if values else None


def _ends(bounds: Bounds) -> tuple[list[float | None], list[float | None]]:
    stored = bounds.to_dict()
    return stored["lower"], stored["upper"]
