"""The table of advices: each is words that the command line takes."""

import advice
import pytest

from lstm_cli.cli.main import run
from lstm_cli.errors import GateFailed


def reached(*arguments: object, **options: object) -> None:
    raise GateFailed("the step was reached", hint="nothing is done")


@pytest.mark.parametrize("name", advice.ADVICE)
def test_the_command_line_takes_the_words(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for verb in ("prepare", "train", "tune", "quantize", "evaluate"):
        monkeypatch.setattr(f"lstm_cli.steps.{verb}.{verb}", reached)
    for words in advice.commands(name, "run", 0):
        assert run(words) == GateFailed.exit_code


def test_what_an_advice_changes_is_named_after_the_plain_options() -> None:
    prepare, train, evaluate = advice.commands("lookback 24", "run", 3)
    assert prepare[-2:] == ["--lookback", "24"]
    assert train == ["train", "run", "--model", "stacked", "--seed", "3", "--threads", "1"]
    assert evaluate[-4:] == ["--precision", "fp32", "--threads", "1"]
