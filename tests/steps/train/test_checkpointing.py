"""Tests of the times at which a checkpoint is written."""

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
    """Checkpoint on a disk that needs `seconds` for each write."""

    def __init__(self, clock: SimpleNamespace, seconds: float) -> None:
        self.clock, self.write_seconds = clock, seconds
        self.written: list[tuple[float, list[str]]] = []

    def write(self, about: dict[str, Any], changed: dict[str, bytes]) -> None:
        self.written.append((self.clock.seconds, sorted(changed)))
        self.clock.seconds += self.write_seconds


def make_state(epoch: int, *, over: bool = False) -> SavedState:
    return SavedState(facts={"epoch": epoch, "over": over}, tensors={"weights.a": torch.zeros(2)})


def make_writer(disk: SlowDisk, every: int | None = None) -> CheckpointWriter:
    return CheckpointWriter(disk, {"threads": 1, "seconds": 0.0}, {}, every=every)  # type: ignore[arg-type]


def test_a_checkpoint_is_written_every_few_seconds(clock: SimpleNamespace) -> None:
    disk = SlowDisk(clock, 0.1)
    writer = make_writer(disk)
    for epoch in range(13):
        clock.seconds = 101.0 + epoch
        writer.save("free", make_state(epoch))
    assert [time for time, _ in disk.written] == [105.0, 111.0]
    writer.save("free", make_state(13, over=True))  # last epoch
    writer.save("anchored", make_state(0))
    assert writer.flush()
    assert [names for _, names in disk.written[2:]] == [["free"], ["anchored"]]
    writer.flush()
    writer.close()
    writer.save("anchored", make_state(1, over=True))  # from a thread that outlives the command
    writer.flush()
    assert len(disk.written) == 4


def test_a_slow_disk_does_not_slow_training(clock: SimpleNamespace) -> None:
    disk = SlowDisk(clock, 2.0)
    writer = make_writer(disk)
    for second in range(1, 120):
        clock.seconds = max(clock.seconds, 100.0 + second)
        writer.save("free", make_state(second))
    assert [time for time, _ in disk.written] == [105.0, 147.0, 189.0]


def test_a_short_training_writes_no_checkpoint_without_an_interval(clock: SimpleNamespace) -> None:
    disk = SlowDisk(clock, 0.1)
    writer = make_writer(disk)
    writer.save("free", make_state(1))
    writer.save("free", make_state(2, over=True))
    assert disk.written == []
    writer = make_writer(disk, every=2)
    for epoch in range(6):
        writer.save("free", make_state(epoch, over=epoch == 5))
    assert len(disk.written) == 3  # epochs 2, 4 and the last
