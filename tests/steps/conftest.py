"""Fixtures of `small_steps` for all tests of the steps."""

from collections.abc import Iterator

import pytest
from small_steps import panel, run, scored, traces_kept, trained

__all__ = ["panel", "run", "scored", "trained"]


@pytest.fixture(scope="module", autouse=True)
def _traces_kept() -> Iterator[None]:
    with traces_kept():
        yield
