"""Tests of mutated files in one process; both results occur."""

from collections import Counter
from pathlib import Path

from mutations import check_mutation, good_files
from outcomes import FILE, run_in_folder


def test_the_good_files_are_read(tmp_path: Path) -> None:
    for number, (data, options) in enumerate(good_files()):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert run_in_folder(folder, FILE, data, options)[0] == 0


def test_every_mutated_file_is_read_or_refused() -> None:
    answers = Counter(check_mutation(seed) for seed in range(200))
    assert set(answers) == {"read", "refused"}, [answer for answer in answers if len(answer) > 7]
    assert min(answers.values()) > 15
