"""Event files for TensorBoard, opened by `tensorboard --logdir RUN/logs/tensorboard`.

Each network has a folder, and its refit has another one, so that TensorBoard overlays their curves. The folder `model`
has the final scores, and the settings for the tab HPARAMS, where each training is a row. lstm never reads these files.
"""

import io
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstm_cli.events import EpochEnded, Event, ModelScored, PlotDrawn, WeightsRecorded

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

BINS = 40  # number of histogram bins


class TensorBoardLog:
    """Listener that writes event files below `folder`, which is made with the first file."""

    wants = frozenset({WeightsRecorded, PlotDrawn, ModelScored})

    def __init__(self, folder: Path) -> None:
        self._folder = folder / time.strftime("%Y%m%d-%H%M%S")
        self._writers: dict[str, SummaryWriter] = {}  # by network

    def __call__(self, event: Event) -> None:
        match event:
            case EpochEnded():
                writer = self._writer(run_name(event.part, validated=event.val_loss is not None))
                for tag, value in scalars(event).items():
                    writer.add_scalar(tag, value, event.step)
            case WeightsRecorded():
                writer = self._writer(run_name(event.part, validated=event.validated))
                for tag, weights in event.weights.items():
                    writer.add_histogram(f"weights/{tag}", weights.astype("float64"), event.step, bins=BINS)
            case PlotDrawn():
                import numpy as np
                from PIL import Image

                pixels = np.asarray(Image.open(io.BytesIO(event.png)))
                self._writer("model").add_image(event.name, pixels, 0, dataformats="HWC")
            case ModelScored():
                writer = self._writer("model")
                writer.flush()  # the next call writes a second file in the same folder
                settings = {name: _scalar(value) for name, value in event.settings.items()}
                writer.add_hparams(settings, final_scores(event), run_name=".")

    def close(self) -> None:
        """Write all buffered events."""
        for writer in self._writers.values():
            writer.close()

    def _writer(self, network: str) -> "SummaryWriter":
        from torch.utils.tensorboard import SummaryWriter

        if network not in self._writers:
            self._writers[network] = SummaryWriter(str(self._folder / network))
        return self._writers[network]


def run_name(part: str, *, validated: bool) -> str:
    """Return the name of a training in the log: the part, with a suffix for its refit."""
    return part if validated else f"{part}-refit"


def final_scores(event: ModelScored) -> dict[str, float]:
    """Return the available scores of the model, by tag."""
    return {f"validation/{name}": value for name, value in event.scores.items() if value is not None}


def _scalar(value: Any) -> bool | int | float | str:
    """Return a setting as HPARAMS shows it: a number, or its text."""
    return value if isinstance(value, bool | int | float | str) else ",".join(map(str, value))


def scalars(event: EpochEnded) -> dict[str, float]:
    """Return the available values of an epoch, by tag."""
    values = {
        "loss/train": event.train_loss,
        "loss/validation": event.val_loss,
        "learning rate": event.lr,
        "gradient norm": event.grad_norm,
    }
    return {tag: value for tag, value in values.items() if value is not None}
