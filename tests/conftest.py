"""Configuration of all tests. In this folder, it lets tests in subfolders import `small_data`.

Tests use one thread, because their networks and tables are tiny and several workers share the cores. The variables
apply to NumPy, torch and all processes that a test starts.

Tests run on the CPU, so that numbers are the same on all machines. `make test-gpu` sets CUDA_VISIBLE_DEVICES=0 for the
tests that need a GPU.

All processes share one font cache of matplotlib. Making it takes time, and more than five seconds give a message.
"""

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
if "MPLCONFIGDIR" not in os.environ:
    os.environ["MPLCONFIGDIR"] = tempfile.mkdtemp(prefix="matplotlib-")
    atexit.register(shutil.rmtree, os.environ["MPLCONFIGDIR"], ignore_errors=True)

settings.register_profile("no deadline", deadline=None)  # a busy machine makes any example slow
settings.load_profile("no deadline")

SLOW_FOLDERS = ("export", "steps", "training")  # files in these folders take longest


def _folder(item: pytest.Item) -> str:
    """Return the folder of a test below `tests`."""
    return item.path.relative_to(Path(__file__).parent).parts[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the slowest files first, so that all workers finish at about the same time."""
    items.sort(key=lambda item: _folder(item) not in SLOW_FOLDERS)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Reset the number of threads, because training changes it for the whole process."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)


@pytest.fixture
def piped() -> Iterator[Callable[[bytes], str]]:
    """Return a function that makes a pipe with some bytes, like <(...) in a shell, and returns its path."""
    descriptors = []

    def make(data: bytes) -> str:
        reads, writes = os.pipe()
        descriptors.append(reads)
        os.write(writes, data)  # must fit into the buffer of a pipe
        os.close(writes)
        return f"/dev/fd/{reads}"

    yield make
    for descriptor in descriptors:
        os.close(descriptor)
