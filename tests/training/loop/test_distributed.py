"""Tests of training on several processes: gradients, resuming, lost processes, and out of memory."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist
from small_data import dataset, plan, wave

from lstm_cli.data.dataset.windows import split_windows
from lstm_cli.models.registry import Architecture
from lstm_cli.training.loop.shared_training import SharedTraining
from lstm_cli.training.setup.checkpoint_state import SavedState
from lstm_cli.training.windows.device_windows import DeviceWindows

PROGRAM = Path(__file__).with_name("ranks_program.py")
HANGING = 300  # seconds


Ask = Callable[..., Any]
Start = Callable[[str, int], list[int]]
Together = Callable[..., list[Any]]


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    """Yield a function that sends a request to `ranks_program.py`, which imports torch once for all processes."""
    folders = [str(PROGRAM.parent), str(PROGRAM.parents[2]), os.environ.get("PYTHONPATH", "")]
    process = subprocess.Popen(
        [sys.executable, str(PROGRAM)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(folders)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def call(**request: Any) -> Any:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    yield call
    process.communicate(timeout=HANGING)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the outputs of all tasks."""
    return tmp_path_factory.mktemp("tasks")


@pytest.fixture(scope="module")
def start(ask: Ask, folder: Path) -> Iterator[Start]:
    """Yield a function that starts the ranks of a task, whose output is in the folder of the task.

    They connect through a store of this process, as with torchrun, so no port has to be chosen in advance.
    """
    stores, started = [], []

    def call(task: str, ranks: int) -> list[int]:
        store = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
        stores.append(store)  # it lives as long as the ranks
        (folder / f"{task}-{ranks}").mkdir()
        environ = {
            "TORCHELASTIC_USE_AGENT_STORE": "True",
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(store.port),
            "WORLD_SIZE": str(ranks),
        }
        pids = [
            ask(task=task, rank=rank, environ=environ, folder=str(folder / f"{task}-{ranks}"))
            for rank in range(ranks)
        ]
        started.extend(pids)
        return pids

    yield call
    for pid in started:
        ask(end=pid)


@pytest.fixture(scope="module")
def together(ask: Ask, start: Start, folder: Path) -> Together:
    """Return a function that runs a task and returns the output of each rank that is not lost."""

    def call(
        task: str, ranks: int = 2, *, lost: int | None = None, started: list[int] | None = None
    ) -> list[Any]:
        pids = started or start(task, ranks)
        kept = [rank for rank in range(ranks) if rank != lost]
        codes = [ask(wait=pids[rank], seconds=HANGING) for rank in kept]
        out, err = (
            [(folder / f"{task}-{ranks}" / f"{rank}.{name}").read_text() for rank in kept]
            for name in ("out", "err")
        )
        assert codes == [0] * len(kept), err
        return [json.loads(text) for text in out]

    return call


@pytest.fixture(scope="module")
def waiting(start: Start) -> dict[str, list[int]]:
    """Return the processes of the tasks that wait for a limit. They wait at the same time."""
    return {task: start(task, 2) for task in ("silent0", "silent1", "patient")}


@pytest.mark.parametrize("ranks", [2, 3])
def test_a_resumed_training_on_several_processes_equals_an_uninterrupted_one(
    together: Together, ranks: int
) -> None:
    """Dropout is included: each process seeds it by the number of the step."""
    for whole, *others in together("resume", ranks)[0].values():
        assert len(whole) > 10
        assert all(other == whole for other in others)


@pytest.mark.parametrize("ranks", [2, 3])
def test_several_processes_compute_the_gradient_of_one(together: Together, ranks: int) -> None:
    for result in together("gradients", ranks):
        assert len(result) == 18
        for whole, shared in result.values():
            assert np.linalg.norm(whole[3:]) > 1e-3  # there is a gradient to compare
            np.testing.assert_allclose(shared, whole, rtol=0, atol=1e-9 * max(np.abs(whole)))


@pytest.mark.parametrize("rank", [0, 1])
def test_a_lost_process_is_an_error_with_a_hint_to_resume(together: Together, rank: int) -> None:
    ((kind, message, hint),) = together(f"lost{rank}", lost=rank)
    assert kind == "DeviceError"
    assert message == f"rank {1 - rank} lost the connection to another process"
    assert "run the same command again" in hint


@pytest.mark.parametrize("rank", [0, 1])
def test_a_process_that_stops_silently_is_lost_too(
    together: Together, waiting: dict[str, list[int]], rank: int
) -> None:
    """Its connections stay open, as those of a machine without power."""
    ((kind, message, _),) = together(f"silent{rank}", lost=rank, started=waiting[f"silent{rank}"])
    assert (kind, message) == ("DeviceError", f"rank {1 - rank} lost the connection to another process")


def test_other_processes_end_after_the_last_training_while_rank_0_works(
    ask: Ask, start: Start, folder: Path
) -> None:
    leader, follower = start("released", 2)
    assert ask(wait=follower, seconds=HANGING) == 0
    assert (folder / "released-2" / "1.out").read_text() == "[]\n"
    assert ask(wait=leader, seconds=0) is None
    (folder / "released-2" / "release").touch()
    assert ask(wait=leader, seconds=HANGING) == 0
    assert (folder / "released-2" / "0.out").read_text() == "true\n"


def test_a_validation_may_take_longer_than_a_step(together: Together, waiting: dict[str, list[int]]) -> None:
    assert together("patient", started=waiting["patient"]) == [1, []]


@pytest.mark.parametrize("rank", [0, 1])
def test_out_of_memory_in_one_process_stops_or_halves_the_batch_in_all(together: Together, rank: int) -> None:
    """Each process gets 8 of 16 windows, 4 of 8, 2 of 4."""
    result, follower = together(f"starved{rank}")
    assert "out of memory on cpu while training a part with a batch of 16" in result["refused"][1]
    assert "--batch-size 8" in result["refused"][2]
    assert result["batch"] == 4
    assert [text.rpartition(", ")[2] for text in result["notes"]] == ["trying 8", "trying 4"]
    assert follower == []


def test_later_out_of_memory_is_reported_by_the_process_and_ends_the_training(together: Together) -> None:
    leader, follower = together("starved late")
    assert follower[:2] == ["DeviceError", "out of memory on cpu while training a part with a batch of 8"]
    assert leader[:2] == ["DeviceError", "rank 0 lost the connection to another process"]


def test_all_processes_end_if_training_diverges_or_is_interrupted(together: Together) -> None:
    """Only rank 0 reports the error."""
    (kind, *_), follower = together("diverged")
    assert (kind, follower) == ("TrainingDiverged", [])
    assert together("interrupted") == [["Interrupted", 143], []]


class Wire:
    """Ranks without processes: what rank 0 sends is received as JSON text and copies of tensors."""

    def share_tensors(self, about: Any, tensors: Any) -> tuple[Any, Any]:
        if about:
            self.sent = json.dumps(about), {name: tensor.clone() for name, tensor in tensors.items()}
        return json.loads(self.sent[0]), self.sent[1]


@pytest.mark.parametrize("missing", ["interpolate", "ffill"])
def test_a_training_is_received_as_it_was_sent(missing: str) -> None:
    values = wave(90, 3)
    values[20:23] = np.nan
    data = dataset([values, wave(70, 3)], train_end=[60, 40], val_end=[70, 55], future=1, missing=missing)
    sent = SharedTraining(
        architecture=Architecture(name="free", settings={"seasons": [4, 7]}, linear={"share": 0.1}),
        examples=DeviceWindows.from_windows(split_windows(data, "train"), torch.device("cpu")),
        hparams=plan(lr=1 / 3),
        part="free",
        shrink=True,
        validated=False,
        threads=3,
        stored=SavedState(facts={"best": 0.1, "epoch": 2}, tensors={"a.b": torch.arange(3)}),
    )
    wire: Any = Wire()
    sent.send(wire)
    received = SharedTraining.receive(wire)
    for name in ("architecture", "hparams", "part", "shrink", "validated", "threads"):
        assert getattr(received, name) == getattr(sent, name), name
    for field in fields(DeviceWindows):
        own, other = (getattr(training.examples, field.name) for training in (sent, received))
        assert torch.equal(own, other) if isinstance(own, torch.Tensor) else own == other, field.name
    assert (received.examples.last_observed is not None) == (missing == "interpolate")
    assert received.stored is not None
    assert received.stored.facts == {"best": 0.1, "epoch": 2}
    assert received.stored.tensors["a.b"].tolist() == [0, 1, 2]
