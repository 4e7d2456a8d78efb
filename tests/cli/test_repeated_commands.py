"""Tests of the commands in a report: they give a step the settings that the manifest has."""

import json
import shlex
from dataclasses import asdict
from typing import Any

import fake_steps
import pytest

from lstm_cli.config.arguments import arguments
from lstm_cli.data.reading.data_frame import DATA_FRAME
from lstm_cli.steps.report.commands import commands, portable_path
from lstm_cli.steps.show_config import KINDS

UNUSUAL = {
    "prepare": [
        [],
        [
            "--target",
            "a b",
            "--target",
            "it's",
            "--past=-x",
            "--future",
            'say "hi"',
            "--time",
            "t",
            "--series",
            "s",
        ],
        ["--lookback", "auto", "--horizon", "24", "--season", "24,168", "--val", "2020-01-01", "--test", "0"],
        [
            "--season",
            "none",
            "--calendar",
            "--pad",
            "--missing",
            "last",
            "--outliers",
            "drop",
            "--start",
            "row:5",
        ],
        [
            "--names",
            'time,"load, kW",temp',
            "--skip-rows",
            "2",
            "--decimal",
            ",",
            "--thousands",
            ".",
            "--units",
        ],
        [
            "--na-value=-999",
            "--na-value",
            "$HOME",
            "--delimiter",
            ";",
            "--monthfirst",
            "--duplicates",
            "mean",
        ],
        [
            "--dayfirst",
            "--no-header",
            "--freq",
            "h",
            "--resample",
            "mean",
            "--gaps",
            "skip",
            "--tz",
            "Europe/Berlin",
        ],
    ],
    "train": [
        [],
        ["--model", "stacked", "--hidden", "64,32", "--dropout", "10%", "--bidirectional", "--head", "mean"],
        [
            "--no-refit",
            "--parts",
            "linear",
            "--parts",
            "free",
            "--log-transform",
            "off",
            "--min=-5.5",
            "--max",
            "1e6",
        ],
        [
            "--refit",
            "--batch-size",
            "auto",
            "--clip-norm",
            "0",
            "--lr",
            "1e-4",
            "--seed",
            "7",
            "--min",
            "none",
        ],
    ],
    "evaluate": [
        [],
        [
            "--split",
            "val",
            "--precision",
            "fp32",
            "--fail-if",
            "mae>2*naive.mae",
            "--backtest",
            "3",
            "--reuse",
        ],
    ],
    "quantize": [[], ["--to", "fp16", "--max-loss", "150%"], ["--max-loss", "0.5%"]],
}
CASES = [(verb, flags) for verb, cases in UNUSUAL.items() for flags in cases]


def settings_of(lstm: Any, verb: str, *flags: str) -> Any:
    """Return the settings that a command line gives to its step."""
    fake_steps.calls.clear()
    code, _, err = lstm(*fake_steps.arguments(verb), *flags)
    assert code == 0, err
    return fake_steps.calls[0]["config"]


@pytest.mark.parametrize(
    ("verb", "flags"), CASES, ids=lambda case: " ".join(case) if isinstance(case, list) else case
)
def test_the_flags_give_the_same_settings(lstm: Any, verb: str, flags: list[str]) -> None:
    config = settings_of(lstm, verb, *flags)
    stored = json.loads(json.dumps(asdict(config)))  # as the manifest has them
    written = shlex.split(shlex.join(arguments(KINDS[verb], stored)))
    assert settings_of(lstm, verb, *written) == config
    assert bool(written) == bool(flags) or verb == "train" or flags == ["--lookback", "auto"]


def test_the_commands_are_in_the_order_of_the_steps() -> None:
    def of(**values: Any) -> dict[str, dict[str, Any]]:
        return {name: {"value": value, "source": "flag"} for name, value in values.items()}

    settings = {
        "prepare": of(target=["a b"], horizon=24),
        "tune": of(method="grid"),
        "train": of(seed=3, threads=2),
        "evaluate": of(output="copies"),
    }
    assert commands("my run", "-data.csv", settings) == (
        "lstm prepare ./-data.csv 'my run' --target 'a b' --horizon 24",
        "lstm train 'my run' --seed 3",
        "lstm evaluate 'my run'",
    )
    both = settings | {"quantize": of(to="fp16")}
    for last, expected in ((False, ["quantize", "evaluate"]), (True, ["evaluate", "quantize"])):
        lines = commands("run", "a.csv", both, quantized_last=last)
        assert [line.split()[1] for line in lines[2:]] == expected
    assert commands("run", "-", settings)[0] == "lstm prepare - run --target 'a b' --horizon 24 < DATA"
    for nameless in (None, DATA_FRAME):
        assert commands("run", nameless, settings)[0] == "lstm prepare DATA run --target 'a b' --horizon 24"


def test_settings_that_change_no_result_are_left_out() -> None:
    values = {
        "threads": 3,
        "jobs": 2,
        "output": "copies",
        "forecasts": "windows.csv",
        "stride": 4,
        "plot": "a.png",
    }
    settings = {"evaluate": {name: {"value": value} for name, value in values.items()}}
    assert commands("run", "a.csv", settings) == ("lstm evaluate run",)


def test_an_absolute_path_is_shortened() -> None:
    assert portable_path("/home/me/secret/load.csv") == "load.csv"
    assert portable_path("data/load.csv") == "data/load.csv"
