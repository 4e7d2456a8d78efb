"""The header of a `.npy` file, read as what it may be: hostile."""

import io
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

HEAD = 16384  # bytes in which the header must lie


def read_header(head: bytes) -> "tuple[tuple[int, ...], np.dtype, int]":
    """Shape, dtype, offset of the first value. Raises ValueError, for objects and Fortran order too."""
    import numpy as np

    stream = io.BytesIO(head)
    try:
        version = np.lib.format.read_magic(stream)
        if version != (1, 0):
            raise ValueError("it is not in version 1.0 of the .npy format")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    except ValueError:
        raise
    except Exception as error:  # NumPy evaluates and tokenizes the header: too many classes to list
        raise ValueError(f"its .npy header cannot be read ({type(error).__name__})") from None
    if dtype.hasobject:
        raise ValueError("it holds Python objects")
    if fortran or any(length < 0 for length in shape):
        raise ValueError("its .npy header is not one that we write")
    return shape, dtype, stream.tell()


def count(shape: tuple[int, ...]) -> int:
    """The number of values, in whole numbers of any size: a product in int64 may wrap round."""
    return math.prod(shape)
