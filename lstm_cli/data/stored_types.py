"""Check of the types of restored values, because the JSON of a run may have been edited.

A dataclass that is restored from JSON is compared with its own annotations. So a value of a wrong type is found where
the file is read, and not later in a computation.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

Restored = TypeVar("Restored")
LARGEST = 1e50  # number in the JSON of a run; the data are 32-bit floats, and squares of 1e50 do not overflow


def checked(restored: Restored) -> Restored:
    """Return a dataclass if each value has the type of its annotation. Raise TypeError otherwise."""
    kind: Any = type(restored)
    for name, annotation in _hints(kind).items():
        value = getattr(restored, name)
        if not has_type(value, annotation):
            raise TypeError(f"{name} is {type(value).__name__}, or has an item of a wrong type")
    return restored


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def has_type(value: Any, kind: Any) -> bool:
    """Return whether a value has a type, such as `dict[str, tuple[int, ...]] | None`, and its items too.

    A whole number is a float, but True is not. An array must hold numbers or booleans.

    Args:
        value: value to check.
        kind: type, as in an annotation.
    """
    origin, arguments = get_origin(kind) or kind, get_args(kind)
    if kind is Any:
        return True
    if origin in (Union, UnionType):
        return any(has_type(value, each) for each in arguments)
    if kind is None or kind is NoneType:
        return value is None
    if kind in (int, float):
        return type(value) is int or (kind is float and type(value) is float)
    if kind is np.ndarray:
        return isinstance(value, np.ndarray) and value.dtype.kind in "fiub"
    if not isinstance(value, origin):
        return False
    if is_dataclass(kind):
        hints: dict[str, Any] = _hints(origin)
        return all(has_type(getattr(value, name), each) for name, each in hints.items())
    if not arguments:
        return True
    if issubclass(origin, Mapping):
        return all(
            has_type(key, arguments[0]) and has_type(item, arguments[1]) for key, item in value.items()
        )
    if origin is tuple and arguments[-1] is not ...:
        return len(value) == len(arguments) and all(map(has_type, value, arguments))
    return all(has_type(item, arguments[0]) for item in value)


def require_numbers(
    *arrays: np.ndarray, shape: tuple[int | None, ...], above: float | None = None, missing: bool = False
) -> None:
    """Raise ValueError unless arrays have a shape, and numbers that no computation overflows.

    Args:
        arrays: restored arrays.
        shape: length of each axis; None: any.
        above: exclusive lower bound of the numbers.
        missing: NaN is allowed.
    """
    for array in arrays:
        if array.ndim != len(shape) or any(
            length not in (None, own) for length, own in zip(shape, array.shape, strict=True)
        ):
            raise ValueError(f"an array has the shape {array.shape} instead of {shape}")
        known = array[~np.isnan(array)] if missing and array.dtype.kind == "f" else array
        if not (np.abs(known.astype(np.float64)) <= LARGEST).all() or (
            above is not None and not (known > above).all()
        ):
            raise ValueError("a number is out of range")
