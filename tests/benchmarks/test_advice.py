"""Tests of the table of advice: the command line accepts each entry."""

import re
from pathlib import Path

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


ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "explanation" / "guide.md"
EFFECT = re.compile(r"`([^`]+)`[ |]+([+-]\d+\.\d) %")


def measured() -> dict[str, float]:
    """Return the rows of the benchmark's table: options, and the error relative to the plain network."""
    text = (ROOT / "benchmarks" / "advice.md").read_text()
    table = text[text.index("## Advice") :].split("\n\n## ", 1)[0]
    rows = [line[2:-2].split(" | ") for line in table.splitlines() if line.startswith("| ")]
    return {row[1].strip("`"): float(row[3]) for row in rows[2:] if row[1]}


def test_the_guide_has_the_effects_that_were_measured() -> None:
    ratios = measured()
    reported = EFFECT.findall(GUIDE.read_text())
    assert len(reported) >= 25
    for options, effect in reported:
        ratio = ratios[re.sub(r"^(prepare|train) ", "", options)]
        assert f"{round(100 * (ratio - 1), 1) + 0.0:+.1f}" == effect, options


def test_the_guide_names_each_advice() -> None:
    page = GUIDE.read_text()
    assert all(f"{options}`" in page for options in measured())
    assert measured().keys() == {words for words in documented_options() if words}


def documented_options() -> list[str]:
    return [" ".join(words for words in given if words) for given in advice.ADVICE.values()]
