"""Mutated files in one process, and that the mutations reach both answers."""

from collections import Counter

from mutations import wrong


def test_every_mutated_file_is_read_or_refused() -> None:
    answers = Counter(wrong(seed) for seed in range(200))
    assert set(answers) == {"read", "refused"}, [answer for answer in answers if len(answer) > 7]
    assert min(answers.values()) > 15
