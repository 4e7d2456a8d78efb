"""Tests that freed memory stays with the process."""

import subprocess
import sys

import pytest

from lstm_cli.training.setup.malloc import keep_freed_memory

# Page faults while a block of 32 MiB is allocated and freed repeatedly.
MEASURE = """
import resource, sys
import numpy as np
from lstm_cli.training.setup.malloc import return_freed_memory, keep_freed_memory

if sys.argv[1] != "plain":
    keep_freed_memory()

def used():
    np.ones(32 << 20, dtype=np.uint8).sum()

used()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    used()
    if sys.argv[1] == "returned":
        return_freed_memory()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", MEASURE, how], check=True, capture_output=True, text=True)
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="of glibc")
def test_freed_memory_is_reused_without_the_kernel() -> None:
    assert faults("kept") < faults("plain") / 10


@pytest.mark.skipif(sys.platform != "linux", reason="of glibc")
def test_kept_memory_can_be_returned() -> None:
    assert faults("kept") < faults("returned") / 10


def test_other_systems_are_not_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    keep_freed_memory()
