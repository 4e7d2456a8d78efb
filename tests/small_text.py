"""Small text for tests: sentences of a few words."""

from pathlib import Path

import numpy as np

WORDS = ("the", "cat", "dog", "bird", "sees", "hears", "likes", "a", "small", "old", "Zoë's")


def story(lines: int = 400, *, seed: int = 0) -> str:
    """Return lines of random words."""
    generator = np.random.default_rng(seed)
    sentences = (
        " ".join(generator.choice(WORDS, size=generator.integers(3, 8))).capitalize() for _ in range(lines)
    )
    return "".join(f"{sentence}.\n" for sentence in sentences)


def write_story(path: Path, lines: int = 400, *, seed: int = 0) -> Path:
    """Write a story to a file and return its path."""
    path.write_text(story(lines, seed=seed), encoding="utf-8")
    return path
