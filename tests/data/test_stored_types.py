"""Tests of the check of restored values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from lstm_cli.data.stored_types import checked, has_type, require_numbers


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        (1, int, True),
        (True, int, False),
        (1.0, int, False),
        (1, float, True),
        (True, float, False),
        ("x", str, True),
        (None, str, False),
        (None, str | None, True),
        (("a", "b"), tuple[str, ...], True),
        (("a", 1), tuple[str, ...], False),
        (["a"], tuple[str, ...], False),
        (((1.0, 2.0),), tuple[tuple[float, float], ...], True),
        (((1.0,),), tuple[tuple[float, float], ...], False),
        ({"a": ("b",)}, Mapping[str, tuple[str, ...]], True),
        ({"a": "b"}, Mapping[str, tuple[str, ...]], False),
        (np.zeros(2), np.ndarray, True),
        (np.array(["a"]), np.ndarray, False),
        (np.array([None]), np.ndarray, False),
        (object(), Any, True),
    ],
)
def test_values_have_their_types(value: Any, kind: Any, expected: bool) -> None:
    assert has_type(value, kind) is expected


@dataclass(frozen=True)
class Inner:
    number: int


@dataclass(frozen=True)
class Outer:
    inner: Inner
    names: tuple[str, ...] = ()


def test_a_dataclass_is_checked_with_its_parts() -> None:
    good = Outer(Inner(1), ("a",))
    assert checked(good) is good
    for wrong in (Outer(Inner("1")), Outer(Inner(1), ("a", 2)), Outer({"number": 1})):  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="wrong type"):
            checked(wrong)


def test_numbers_have_a_shape_and_a_range() -> None:
    require_numbers(np.zeros((2, 3)), shape=(2, None))
    require_numbers(np.array([1.0, np.nan]), shape=(2,), above=0, missing=True)
    for array, options in (
        (np.zeros(3), {"shape": (2,)}),
        (np.zeros(()), {"shape": (None,)}),
        (np.array([np.nan]), {"shape": (1,)}),
        (np.array([np.inf]), {"shape": (1,), "missing": True}),
        (np.array([1e60]), {"shape": (1,)}),
        (np.array([0]), {"shape": (1,), "above": 0}),
    ):
        with pytest.raises(ValueError, match=r"."):
            require_numbers(array, **options)
