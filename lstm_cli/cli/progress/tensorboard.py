"""Training as event files that TensorBoard opens: `tensorboard --logdir RUN/logs/tensorboard`.

Each training has a folder a network, and one for its refit, so that their curves lie over each other. Nothing reads
the files back.
"""

import io
import time
from pathlib import Path
from typing import TYPE_CHECKING

from lstm_cli.events import EpochEnded, Event, PlotDrawn, WeightsRecorded

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

BINS = 40  # of a histogram


class TensorBoardLog:
    """Writes what it hears as event files below `folder`, which is made with the first of them."""

    wants = frozenset({WeightsRecorded, PlotDrawn})

    def __init__(self, folder: Path) -> None:
        self._folder = folder / time.strftime("%Y%m%d-%H%M%S")
        self._writers: dict[str, SummaryWriter] = {}  # of each network

    def __call__(self, event: Event) -> None:
        match event:
            case EpochEnded():
                writer = self._writer(run_name(event.part, validated=event.val_loss is not None))
                for tag, figure in scalars(event).items():
                    writer.add_scalar(tag, figure, event.step)
            case WeightsRecorded():
                writer = self._writer(run_name(event.part, validated=event.validated))
                for tag, weights in event.weights.items():
                    writer.add_histogram(f"weights/{tag}", weights.astype("float64"), event.step, bins=BINS)
            case PlotDrawn():
                import numpy as np
                from PIL import Image

                pixels = np.asarray(Image.open(io.BytesIO(event.png)))
                self._writer("model").add_image(event.name, pixels, 0, dataformats="HWC")

    def close(self) -> None:
        """Write out what is still in memory."""
        for writer in self._writers.values():
            writer.close()

    def _writer(self, network: str) -> "SummaryWriter":
        from torch.utils.tensorboard import SummaryWriter

        if network not in self._writers:
            self._writers[network] = SummaryWriter(str(self._folder / network))
        return self._writers[network]


def run_name(part: str, *, validated: bool) -> str:
    """The name of one training among those of a command: a part, and its refit apart from it."""
    return part if validated else f"{part}-refit"


def scalars(event: EpochEnded) -> dict[str, float]:
    """The figures of an epoch that there are, by their tag."""
    figures = {
        "loss/train": event.train_loss,
        "loss/validation": event.val_loss,
        "learning rate": event.lr,
        "gradient norm": event.grad_norm,
    }
    return {tag: figure for tag, figure in figures.items() if figure is not None}
