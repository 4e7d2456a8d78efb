"""One training on two processes: what goes on is as if it had not ended, and memory that is short anywhere is told."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).with_name("two_ranks.py")


def together(starved: int = -1) -> dict[str, Any]:
    """What rank 0 prints."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    folders = [str(PROGRAM.parent), str(PROGRAM.parent.parent), os.environ.get("PYTHONPATH", "")]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(folders)}
    both = [
        subprocess.Popen(
            [sys.executable, str(PROGRAM), str(rank), str(port), str(starved)],
            env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for rank in (0, 1)
    ]  # fmt: skip
    try:
        ends = [process.communicate(timeout=90) for process in both]
    finally:
        for process in both:
            process.kill()
    assert [process.returncode for process in both] == [0, 0], ends
    found: dict[str, Any] = json.loads(ends[0][0])
    return found


def test_a_training_of_several_processes_that_goes_on_is_as_if_it_had_not_ended() -> None:
    """Dropout too: each process draws for a step by its number."""
    found = together()
    for whole, *others in found.values():
        assert len(whole) > 10
        assert all(other == whole for other in others)


@pytest.mark.parametrize("rank", [0, 1])
def test_memory_that_is_short_in_one_process_ends_or_halves_the_batch_in_all(rank: int) -> None:
    """Of 16 windows each takes 8, of 8 it takes 4, of 4 it takes 2."""
    found = together(starved=rank)
    assert "not enough memory on cpu to train a part with 16 windows" in found["refused"][0]
    assert "--batch-size 8" in found["refused"][1]
    batch, told = found["fitted"]
    assert batch == 4
    assert [text.rpartition(", ")[2] for text in told] == ["8 is tried", "4 is tried"]
