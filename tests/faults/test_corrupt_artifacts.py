"""Each artifact cut, and with single bits flipped: every reader must notice, and say what makes the file anew.

`make faults` does 200 flips and 20 cuts of each file, the suite a few.
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
def test_every_cut_and_every_flipped_bit(tmp_path: Path, chance: random.Random, file: Path) -> None:
    run = copy_golden(tmp_path / "run")
    whole = (run / file).read_bytes()
    lengths = {
        0,
        1,
        len(whole) // 2,
        len(whole) - 1,
        *(chance.randrange(len(whole)) for _ in range(trial_count(20, 1))),
    }
    spoiled = [whole[:length] for length in lengths]
    for _ in range(trial_count(200, 3)):
        place = chance.randrange(len(whole))
        spoiled.append(whole[:place] + bytes([whole[place] ^ 1 << chance.randrange(8)]) + whole[place + 1 :])
    for content in spoiled:
        (run / file).write_bytes(content)
        with pytest.raises(ArtifactError) as caught:
            read(run, file)
        assert str(run / file) in caught.value.message
        assert "lstm " in caught.value.hint
        assert caught.value.exit_code == 4
    print(f"{file}: {len(spoiled)} of {len(spoiled)} noticed")


def read(run: Path, file: Path) -> None:
    with open_run(run) as opened:
        opened.artifact(file.parts[0]).bytes(file.name)
