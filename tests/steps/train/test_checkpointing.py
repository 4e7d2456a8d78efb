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


class Slow:
    """A checkpoint on a disk that takes its time."""

    def __init__(self, clock: SimpleNamespace, takes: float) -> None:
        self.clock, self.takes = clock, takes
        self.written: list[tuple[float, list[str]]] = []

    def write(self, about: dict[str, Any], changed: dict[str, bytes]) -> None:
        self.written.append((self.clock.seconds, sorted(changed)))
        self.clock.seconds += self.takes


def saved(epoch: int, *, over: bool = False) -> SavedState:
    return SavedState(facts={"epoch": epoch, "over": over}, tensors={"weights.a": torch.zeros(2)})


def keeper_of(disk: Slow, every: int | None = None) -> CheckpointWriter:
    return CheckpointWriter(disk, {"threads": 1, "seconds": 0.0}, {}, every=every)  # type: ignore[arg-type]


def test_it_is_written_every_few_seconds(clock: SimpleNamespace) -> None:
    disk = Slow(clock, 0.1)
    keeper = keeper_of(disk)
    for epoch in range(13):
        clock.seconds = 101.0 + epoch
        keeper.save("free", saved(epoch))
    assert [at for at, _ in disk.written] == [105.0, 111.0]
    keeper.save("free", saved(13, over=True))  # the last chance
    keeper.save("anchored", saved(0))
    assert keeper.flush()
    assert [names for _, names in disk.written[2:]] == [["free"], ["anchored"]]
    keeper.flush()
    keeper.close()
    keeper.save("anchored", saved(1, over=True))  # by a thread that outlived its command
    keeper.flush()
    assert len(disk.written) == 4


def test_a_slow_disk_slows_no_training(clock: SimpleNamespace) -> None:
    disk = Slow(clock, 2.0)
    keeper = keeper_of(disk)
    for second in range(1, 120):
        clock.seconds = max(clock.seconds, 100.0 + second)
        keeper.save("free", saved(second))
    assert [at for at, _ in disk.written] == [105.0, 147.0, 189.0]


def test_a_short_training_writes_none_and_every_epoch_is_every_epoch(clock: SimpleNamespace) -> None:
    disk = Slow(clock, 0.1)
    keeper = keeper_of(disk)
    keeper.save("free", saved(1))
    keeper.save("free", saved(2, over=True))
    assert disk.written == []
    keeper = keeper_of(disk, every=2)
    for epoch in range(6):
        keeper.save("free", saved(epoch, over=epoch == 5))
    assert len(disk.written) == 3  # epochs 2, 4 and the last
