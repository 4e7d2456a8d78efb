"""Tests of the parsers of option values."""

import pytest

from lstm_cli.config import option_values
from lstm_cli.errors import UsageError


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (option_values.whole_number, "24", 24),
        (option_values.whole_number, "-3", -3),
        (option_values.finite_number, "1e-3", 0.001),
        (option_values.finite_number, "-.5", -0.5),
        (option_values.fraction, "1%", 0.01),
        (option_values.fraction, "0.01", 0.01),
        (option_values.fraction, "0.5 %", 0.005),
        (option_values.sizes, "64,32", (64, 32)),
        (option_values.sizes, "64", (64,)),
        (option_values.sizes, "64, 32", (64, 32)),
        (option_values.probabilities, "0.1,.5, 0.9", (0.1, 0.5, 0.9)),
        (option_values.probabilities, "10%, 2.5 %", (0.1, 0.025)),
        (option_values.levels, "90", (90.0,)),
        (option_values.levels, "80,99.5%", (80.0, 99.5)),
        (option_values.levels, "0.5%", (0.5,)),
        (option_values.whole_number_or_auto, "auto", None),
        (option_values.whole_number_or_auto, "96", 96),
        (option_values.batch_size, "auto", "auto"),
        (option_values.batch_size, "64", 64),
        (option_values.seasons, "auto", "auto"),
        (option_values.seasons, " none ", "none"),
        (option_values.seasons, "24", (24,)),
        (option_values.seasons, "24, 168", (24, 168)),
        (option_values.lower_bound, "none", "none"),
        (option_values.lower_bound, "auto", "auto"),
        (option_values.lower_bound, "-5", -5.0),
        (option_values.upper_bound, "none", None),
        (option_values.upper_bound, "100", 100.0),
        (option_values.seconds, "2.5", 2.5),
        (option_values.duration, "500 ms", 0.5),
        (option_values.duration, "10m", 600.0),
        (option_values.interval, "off", 0.0),
    ],
)
def test_valid_texts(parse, text, value):
    assert parse("--flag", text) == value
    assert type(parse("--flag", text)) is type(value)


@pytest.mark.parametrize(
    ("parse", "texts"),
    [
        (option_values.whole_number, ["", "2.0", "1e3", "1_000", "٣", "auto"]),
        (option_values.finite_number, ["", "nan", "inf", "1e999", "1_0", "1,5", "0x10"]),
        (option_values.fraction, ["", "%", "one", "nan%", "1%%"]),
        (option_values.sizes, ["", "64,", "64;32", "64 32", "a"]),
        (option_values.probabilities, ["", "abc", "0.1,,0.9", "0.1;0.9", "nan", "%"]),
        (option_values.levels, ["", "abc", "80,", "80 90", "inf%"]),
        (option_values.whole_number_or_auto, ["", "none", "1.5"]),
        (option_values.batch_size, ["", "none", "1.5"]),
        (option_values.seasons, ["", "daily", "24,", "24;168", "24,auto", "1.5"]),
        (option_values.lower_bound, ["", "nan", "zero"]),
        (option_values.upper_bound, ["", "auto"]),
        (option_values.seconds, ["", "-1", "1m", "inf"]),
    ],
)
def test_invalid_texts_name_the_flag(parse, texts):
    for text in texts:
        with pytest.raises(UsageError) as refused:
            parse("--flag", text)
        assert refused.value.message.startswith(f"--flag '{text}' is n")
        assert "--flag" in refused.value.hint


def test_a_level_that_may_be_a_share_is_ambiguous():
    with pytest.raises(UsageError, match="is ambiguous") as refused:
        option_values.levels("--level", "80,0.9")
    assert refused.value.hint == "write --level 90, or --level 0.9% if you mean less than 1 %"


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (option_values.whole_number, "1" + "0" * 20),
        (option_values.whole_number, "9" * 5000),
        (option_values.whole_number_or_auto, "9" * 19),
        (option_values.sizes, f"24,{10**20}"),
        (option_values.seasons, f"{10**20}"),
    ],
)
def test_a_whole_number_that_is_too_large_is_named_so(read, text):
    with pytest.raises(UsageError, match=r"^--flag \d+…? is out of range") as caught:
        read("--flag", text)
    assert len(caught.value.message) < 120


def test_the_hint_of_an_interval_names_off() -> None:
    with pytest.raises(UsageError) as raised:
        option_values.interval("--reload", "5x")
    assert "--reload off" in raised.value.hint
