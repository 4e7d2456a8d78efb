"""Training as event files that TensorBoard opens: `tensorboard --logdir RUN/logs/tensorboard`.

Each training has a folder a network, and one for its refit, so that their curves lie over each other. The files
are written by the package `tensorboard` alone; nothing reads them back.
"""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstm_cli.events import EpochEnded, Event, PictureDrawn, WeightsSeen

if TYPE_CHECKING:
    import numpy as np

BINS = 40  # of a histogram


class TensorBoardLog:
    """Writes what it hears as event files below `folder`, which is made with the first of them."""

    wants = frozenset({WeightsSeen, PictureDrawn})

    def __init__(self, folder: Path) -> None:
        self._folder = folder / time.strftime("%Y%m%d-%H%M%S")
        self._writers: dict[str, Any] = {}  # of each network

    def __call__(self, event: Event) -> None:
        match event:
            case EpochEnded():
                name = run_name(event.part, validated=event.val_loss is not None)
                for tag, figure in scalars(event).items():
                    self._add(name, event.step, tag, simple_value=figure)
            case WeightsSeen():
                name = run_name(event.part, validated=event.validated)
                for tag, weights in event.weights.items():
                    self._add(name, event.step, f"weights/{tag}", histo=_histogram(weights))
            case PictureDrawn():
                self._add("model", 0, event.name, image=_image(event.png))

    def close(self) -> None:
        """Write out what is still in memory."""
        for writer in self._writers.values():
            writer.close()

    def _add(self, network: str, step: int, tag: str, **value: Any) -> None:
        from tensorboard.compat.proto.event_pb2 import Event as Record
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        if network not in self._writers:
            self._writers[network] = EventFileWriter(str(self._folder / network))
        record = Record(
            wall_time=time.time(), step=step, summary=Summary(value=[Summary.Value(tag=tag, **value)])
        )
        self._writers[network].add_event(record)


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


def _histogram(weights: "np.ndarray") -> Any:
    import numpy as np
    from tensorboard.compat.proto.summary_pb2 import HistogramProto

    values = weights.astype(np.float64).ravel()
    counts, edges = np.histogram(values, bins=BINS)
    return HistogramProto(
        min=values.min(),
        max=values.max(),
        num=values.size,
        sum=values.sum(),
        sum_squares=np.square(values).sum(),
        bucket_limit=edges[1:].tolist(),
        bucket=counts.tolist(),
    )


def _image(png: bytes) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary

    width, height = (
        int.from_bytes(png[first : first + 4], "big") for first in (16, 20)
    )  # of the PNG's header
    return Summary.Image(width=width, height=height, colorspace=4, encoded_image_string=png)
