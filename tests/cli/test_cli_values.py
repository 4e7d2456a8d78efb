"""From texts to values."""

import pytest

from lstm_cli.cli import values
from lstm_cli.errors import UsageError


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (values.whole, "24", 24),
        (values.whole, "-3", -3),
        (values.number, "1e-3", 0.001),
        (values.number, "-.5", -0.5),
        (values.share, "1%", 0.01),
        (values.share, "0.01", 0.01),
        (values.share, "0.5 %", 0.005),
        (values.sizes, "64,32", (64, 32)),
        (values.sizes, "64", (64,)),
        (values.sizes, "64, 32", (64, 32)),
        (values.whole_or_auto, "auto", None),
        (values.whole_or_auto, "96", 96),
        (values.batch, "auto", "auto"),
        (values.batch, "64", 64),
        (values.seasons, "auto", "auto"),
        (values.seasons, " none ", "none"),
        (values.seasons, "24", (24,)),
        (values.seasons, "24, 168", (24, 168)),
        (values.lower_bound, "none", "none"),
        (values.lower_bound, "auto", "auto"),
        (values.lower_bound, "-5", -5.0),
        (values.upper_bound, "none", None),
        (values.upper_bound, "100", 100.0),
        (values.seconds, "2.5", 2.5),
    ],
)
def test_a_text_becomes_its_value(parse, text, value):
    assert parse("--flag", text) == value
    assert type(parse("--flag", text)) is type(value)


@pytest.mark.parametrize(
    ("parse", "texts"),
    [
        (values.whole, ["", "2.0", "1e3", "1_000", "٣", "auto", "9" * 5000]),
        (values.number, ["", "nan", "inf", "1e999", "1_0", "1,5", "0x10"]),
        (values.share, ["", "%", "one", "nan%", "1%%"]),
        (values.sizes, ["", "64,", "64;32", "64 32", "a"]),
        (values.whole_or_auto, ["", "none", "1.5"]),
        (values.batch, ["", "none", "1.5"]),
        (values.seasons, ["", "daily", "24,", "24;168", "24,auto", "1.5"]),
        (values.lower_bound, ["", "nan", "zero"]),
        (values.upper_bound, ["", "auto"]),
        (values.seconds, ["", "-1", "1m", "inf"]),
    ],
)
def test_other_texts_are_refused_by_the_flag(parse, texts):
    for text in texts:
        with pytest.raises(UsageError) as refused:
            parse("--flag", text)
        assert refused.value.message.startswith(f"--flag '{text}' is n")
        assert "--flag" in refused.value.hint
