"""Passages of the validation and test text that the training text has too.

Each window of PASSAGE characters gets a hash of 64 bits, made of the hashes of its two halves (Karp and Rabin 1987).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

PASSAGE = 128  # characters of the shortest passage that counts, a power of 2
CHUNK = 1 << 20  # windows that are hashed at once
FACTOR = 0x9E3779B97F4A7C15  # odd, so that no bit of a character is lost
BITS = (1 << 64) - 1


@dataclass(frozen=True, kw_only=True)
class Repeats:
    """Passages of one text that stand in another."""

    passages: int
    characters: int  # in these passages
    first: int | None  # where the first one begins


def find_repeats(training: str, other: str) -> Repeats:
    """Return the passages of at least PASSAGE characters of a text that the training text has too.

    Args:
        training: training text.
        other: text of another split.
    """
    hashes = np.concatenate([np.zeros(0, np.uint64), *_window_hashes(other)])
    order = np.argsort(hashes, kind="stable")
    ordered = hashes[order]
    found = np.zeros(len(hashes), dtype=bool)  # of each value in `ordered`: its first place only
    for known in _window_hashes(training):
        places = np.searchsorted(ordered, known)
        inside = places < len(ordered)
        places, known = places[inside], known[inside]
        found[places[ordered[places] == known]] = True
    repeated = np.zeros(len(hashes), dtype=bool)
    repeated[order] = found[np.searchsorted(ordered, ordered)]
    covered = np.zeros(len(other) + 1, dtype=np.int64)  # +1 where a window begins, -1 after its end
    begins = np.flatnonzero(repeated)
    covered[begins] += 1
    covered[begins + PASSAGE] -= 1
    inside = np.cumsum(covered)[:-1] > 0
    starts = np.flatnonzero(np.diff(inside.astype(np.int8), prepend=0) == 1)
    return Repeats(
        passages=len(starts),
        characters=int(inside.sum()),
        first=int(starts[0]) if len(starts) else None,
    )


def _window_hashes(text: str) -> Iterator[np.ndarray]:
    """Yield the hashes uint64 of all windows of PASSAGE characters, in their order."""
    codes = np.frombuffer(text.encode("utf-32-le"), dtype="<u4")
    for begin in range(0, len(codes) - PASSAGE + 1, CHUNK):
        hashes = _mixed(codes[begin : begin + CHUNK + PASSAGE - 1].astype(np.uint64))
        width, factor = 1, FACTOR
        while width < PASSAGE:
            hashes = hashes[:-width] * np.uint64(factor) + hashes[width:]
            width, factor = 2 * width, factor * factor & BITS
        yield hashes


def _mixed(values: np.ndarray) -> np.ndarray:
    """Return hashes uint64 of numbers, in which each bit depends on all bits (SplitMix64, Steele et al. 2014)."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        values = (values ^ (values >> np.uint64(shift))) * np.uint64(factor)
    mixed: np.ndarray = values ^ (values >> np.uint64(31))
    return mixed
