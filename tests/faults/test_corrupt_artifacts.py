"""Tests that readers detect truncated files and flipped bits, and name the command that makes the file again.

`make faults` tests 200 flips and 20 truncations of each file, the test suite only a few.
"""

import random
from pathlib import Path

import pytest
from faulty import GOLDEN, copy_golden, trial_count

from lstm_cli.errors import ArtifactError
from lstm_cli.rundir import open_run

FILES = [
    Path("run.json"),
    *sorted(path.relative_to(GOLDEN / "run") for path in (GOLDEN / "run").glob("*/*/*")),
]


@pytest.mark.parametrize("file", FILES, ids=str)
def test_truncation_and_flipped_bits_are_detected(tmp_path: Path, rng: random.Random, file: Path) -> None:
    run = copy_golden(tmp_path / "run")
    original = (run / file).read_bytes()
    lengths = {
        0,
        1,
        len(original) // 2,
        len(original) - 1,
        *(rng.randrange(len(original)) for _ in range(trial_count(20, 1))),
    }
    corrupt = [original[:length] for length in lengths]
    for _ in range(trial_count(200, 3)):
        index = rng.randrange(len(original))
        corrupt.append(
            original[:index] + bytes([original[index] ^ 1 << rng.randrange(8)]) + original[index + 1 :]
        )
    for content in corrupt:
        (run / file).write_bytes(content)
        with pytest.raises(ArtifactError) as caught:
            read(run, file)
        assert str(run / file) in caught.value.message
        assert "lstm " in caught.value.hint
        assert caught.value.exit_code == 4
    print(f"{file}: {len(corrupt)} of {len(corrupt)} detected")


def read(run: Path, file: Path) -> None:
    with open_run(run) as opened:
        opened.artifact(file.parts[0]).bytes(file.name)
