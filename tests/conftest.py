"""Stands here so that tests in every folder can import `small_data`.

The networks and tables of the tests are tiny, and several workers share the cores: more threads each would only wait
for one another. The variables reach NumPy, torch and every process that a test starts.

Tests run on the CPU whatever the machine has, so that figures are the same on all. Those that need a GPU run where one
is named, as `make test-gpu` does: CUDA_VISIBLE_DEVICES=0.
"""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

TRAINING = ("benchmarks", "cli", "docs", "golden", "steps")  # the folders whose tests train models
LONGEST = ("export", "steps", "training")  # the folders whose files take longest


def _folder(item: pytest.Item) -> str:
    """Return the folder of `tests` that a test lies in."""
    return item.path.relative_to(Path(__file__).parent).parts[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Workers take file after file: the longest first, so that all of them end together."""
    items.sort(key=lambda item: _folder(item) not in LONGEST)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let networks of one structure be traced once, but for the tests of the exporter."""
    folder = _folder(item)
    if folder in TRAINING or "torch" in sys.modules:
        import cached_onnx_export

        cached_onnx_export.ENABLED = folder != "export"
        cached_onnx_export.install()


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Training sets the threads of the process that it runs in."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)


@pytest.fixture
def piped() -> Iterator[Callable[[bytes], str]]:
    """A function that returns the path of a pipe with some bytes in it, as a shell makes it for <(...)."""
    ends = []

    def make(data: bytes) -> str:
        reads, writes = os.pipe()
        ends.append(reads)
        os.write(writes, data)  # less than a pipe holds
        os.close(writes)
        return f"/dev/fd/{reads}"

    yield make
    for end in ends:
        os.close(end)
