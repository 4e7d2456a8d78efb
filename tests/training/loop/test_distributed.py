"""Tests of training on two processes: gradients, resuming, a lost process, and out of memory in one process."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch.distributed as dist

PROGRAM = Path(__file__).with_name("two_ranks.py")


def together(task: str) -> dict[str, Any]:
    """Return the output of rank 0 when two processes run a task of `two_ranks.py`.

    They connect through a store of this process, as with torchrun, so no port has to be chosen in advance.
    """
    store = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    folders = [str(PROGRAM.parent), str(PROGRAM.parents[2]), os.environ.get("PYTHONPATH", "")]
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(folders),
        "TORCHELASTIC_USE_AGENT_STORE": "True",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(store.port),
        "WORLD_SIZE": "2",
    }
    both = [
        subprocess.Popen(
            [sys.executable, str(PROGRAM), str(rank), task],
            env=env | {"RANK": str(rank)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for rank in (0, 1)
    ]  # fmt: skip
    try:
        ends = [process.communicate(timeout=1200) for process in both]
    finally:
        for process in both:
            process.kill()
    assert [process.returncode for process in both] == [0, 0], ends
    result: dict[str, Any] = json.loads(ends[0][0])
    return result


def test_a_resumed_training_on_several_processes_equals_an_uninterrupted_one() -> None:
    """Dropout is included: each process seeds it by the number of the step."""
    result = together("resume")
    for whole, *others in result.values():
        assert len(whole) > 10
        assert all(other == whole for other in others)


def test_two_processes_compute_the_gradient_of_one() -> None:
    result = together("gradients")
    assert len(result) == 6
    for alone, both in result.values():
        assert np.linalg.norm(alone[3:]) > 1e-3  # there is a gradient to compare
        np.testing.assert_allclose(both, alone, rtol=0, atol=1e-9 * max(np.abs(alone)))


def test_a_lost_process_is_an_error_with_a_hint_to_resume() -> None:
    message, hint = together("lost")["refused"]
    assert message == "rank 0 lost the connection to another process"
    assert "run the same command again" in hint


@pytest.mark.parametrize("rank", [0, 1])
def test_out_of_memory_in_one_process_stops_or_halves_the_batch_in_all(rank: int) -> None:
    """Each process gets 8 of 16 windows, 4 of 8, 2 of 4."""
    result = together(f"starved{rank}")
    assert "out of memory on cpu while training a part with a batch of 16" in result["refused"][0]
    assert "--batch-size 8" in result["refused"][1]
    batch, messages = result["fitted"]
    assert batch == 4
    assert [text.rpartition(", ")[2] for text in messages] == ["trying 8", "trying 4"]
