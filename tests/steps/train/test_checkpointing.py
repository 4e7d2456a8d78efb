"""When the checkpoint of a training is written."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from lstm_cli.steps.train import checkpointing
from lstm_cli.steps.train.checkpointing import CheckpointWriter
from lstm_cli.training.setup.checkpoint_state import SavedState


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    now = SimpleNamespace(seconds=100.0)
    monkeypatch.setattr(checkpointing, "time", SimpleNamespace(monotonic=lambda: now.seconds))
    return now


class SlowDisk:
    """A checkpoint on a disk that takes its time."""

    def __init__(self, clock: SimpleNamespace, takes: float) -> None:
        self.clock, self.takes = clock, takes
        self.written: list[tuple[float, list[str]]] = []

    def write(self, about: dict[str, Any], changed: dict[str, bytes]) -> None:
        self.written.append((self.clock.seconds, sorted(changed)))
        self.clock.seconds += self.takes


def make_state(epoch: int, *, over: bool = False) -> SavedState:
    return SavedState(facts={"epoch": epoch, "over": over}, tensors={"weights.a": torch.zeros(2)})


def make_writer(disk: SlowDisk, every: int | None = None) -> CheckpointWriter:
    return CheckpointWriter(disk, {"threads": 1, "seconds": 0.0}, {}, every=every)  # type: ignore[arg-type]


def test_a_checkpoint_is_written_every_few_seconds(clock: SimpleNamespace) -> None:
    disk = SlowDisk(clock, 0.1)
    keeper = make_writer(disk)
    for epoch in range(13):
        clock.seconds = 101.0 + epoch
        keeper.save("free", make_state(epoch))
    assert [at for at, _ in disk.written] == [105.0, 111.0]
    keeper.save("free", make_state(13, over=True))  # the last chance
    keeper.save("anchored", make_state(0))
    assert keeper.flush()
    assert [names for _, names in disk.written[2:]] == [["free"], ["anchored"]]
    keeper.flush()
    keeper.close()
    keeper.save("anchored", make_state(1, over=True))  # by a thread that outlived its command
    keeper.flush()
    assert len(disk.written) == 4


def test_a_slow_disk_does_not_slow_training(clock: SimpleNamespace) -> None:
    disk = SlowDisk(clock, 2.0)
    keeper = make_writer(disk)
    for second in range(1, 120):
        clock.seconds = max(clock.seconds, 100.0 + second)
        keeper.save("free", make_state(second))
    assert [at for at, _ in disk.written] == [105.0, 147.0, 189.0]


def test_a_short_training_writes_no_checkpoint_without_an_interval(clock: SimpleNamespace) -> None:
    disk = SlowDisk(clock, 0.1)
    keeper = make_writer(disk)
    keeper.save("free", make_state(1))
    keeper.save("free", make_state(2, over=True))
    assert disk.written == []
    keeper = make_writer(disk, every=2)
    for epoch in range(6):
        keeper.save("free", make_state(epoch, over=epoch == 5))
    assert len(disk.written) == 3  # epochs 2, 4 and the last
