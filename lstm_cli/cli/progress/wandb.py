"""Offline log for Weights & Biases below RUN/logs/wandb, which `wandb sync` can upload later.

The log asks no questions and uses no network. All its files, including settings and caches that are usually in the
home folder, stay in the run directory.
"""

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lstm_cli.cli.progress.tensorboard import final_scores, run_name, scalars
from lstm_cli.events import EpochEnded, Event, ModelScored, PlotDrawn, WeightsRecorded

SETTINGS = {
    "WANDB_MODE": "offline",
    "WANDB_SILENT": "true",
    "WANDB_CONSOLE": "off",
    "WANDB_DISABLE_GIT": "true",
    "WANDB_DISABLE_CODE": "true",
    "WANDB_ERROR_REPORTING": "false",
    "WANDB_X_DISABLE_STATS": "true",
    "WANDB_X_DISABLE_META": "true",
}
FOLDERS = {  # relative to the folder of the logs
    "WANDB_DIR": ".",
    "WANDB_CACHE_DIR": "wandb/cache",
    "WANDB_CONFIG_DIR": "wandb/config",
    "WANDB_DATA_DIR": "wandb/data",
    "WANDB_ARTIFACT_DIR": "wandb/artifacts",
}


class WandbLog:
    """Listener that writes one offline W&B run, which begins with the first training event.

    Args:
        folder: folder of the logs.
        name: name of the W&B run.
        config: settings that were given; those that were used replace them at the end.
    """

    wants = frozenset({WeightsRecorded, PlotDrawn, ModelScored})

    def __init__(self, folder: Path, *, name: str, config: Mapping[str, Any]) -> None:
        self._folder, self._name = folder.absolute(), name
        # A setting without a value is decided by the training, and W&B would show it as null.
        self._config = {name: value for name, value in config.items() if value is not None}
        self._environ: dict[str, str | None] = {}  # previous values of the variables
        self._run: Any = None

    def __call__(self, event: Event) -> None:
        match event:
            case EpochEnded():
                name = run_name(event.part, validated=event.val_loss is not None)
                values = {f"{name}/{tag}": value for tag, value in scalars(event).items()}
                self._log({**values, f"{name}/step": event.step})
            case WeightsRecorded():
                self._log(self._histograms(event))
            case PlotDrawn():
                self._log({event.name: _image(event.png)})
            case ModelScored():
                run = self._begun()
                run.config.update(dict(event.settings), allow_val_change=True)
                run.summary.update(final_scores(event))

    def close(self) -> None:
        """End the W&B run and its process, and restore the environment."""
        if self._run is not None:
            import wandb

            self._run.finish()
            wandb.teardown()
        for name, value in self._environ.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

    def _log(self, values: Mapping[str, Any]) -> None:
        self._begun().log(dict(values))

    def _begun(self) -> Any:
        if self._run is None:
            self._run = self._begin()
        return self._run

    def _begin(self) -> Any:
        variables = {**SETTINGS, **{name: str(self._folder / folder) for name, folder in FOLDERS.items()}}
        self._environ = {name: os.environ.get(name) for name in variables}
        os.environ.update(variables)
        import wandb

        return wandb.init(
            project="lstm", name=self._name, dir=str(self._folder), mode="offline", config=self._config
        )

    def _histograms(self, event: WeightsRecorded) -> dict[str, Any]:
        import numpy as np
        import wandb

        name = run_name(event.part, validated=event.validated)
        return {
            f"{name}/weights/{tag}": wandb.Histogram(np_histogram=np.histogram(weights, bins=40))
            for tag, weights in event.weights.items()
        }


def _image(png: bytes) -> Any:
    import wandb
    from PIL import Image

    return wandb.Image(Image.open(io.BytesIO(png)))
