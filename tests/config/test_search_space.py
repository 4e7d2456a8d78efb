"""Tests of the search space: parsing, and checks against the settings."""

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_cli.config import TrainConfig
from lstm_cli.config.search_space import (
    DEFAULT_SPACES,
    FORMS,
    NOT_SEARCHED,
    Choice,
    Range,
    count_combinations,
    parse_space,
    searchable_settings,
    value_text,
)
from lstm_cli.config.train import MODELS
from lstm_cli.errors import UsageError

PLAIN = TrainConfig()


def test_every_setting_of_train_is_searched_or_excluded() -> None:
    """A new setting is searched by its type, unless it is excluded by name or has another type."""
    left = {field.name for field in fields(TrainConfig)} - set(searchable_settings())
    assert left == {*NOT_SEARCHED, "parts"}
    assert set(searchable_settings().values()) <= set(FORMS.values())


@pytest.mark.parametrize("model", MODELS)
def test_every_model_has_its_own_space(model: str) -> None:
    space = parse_space((), TrainConfig(model=model))
    assert len(space) == len(DEFAULT_SPACES[model])
    assert "hidden" in space


def test_fixed_settings_are_not_searched_by_default() -> None:
    assert "hidden" not in parse_space((), TrainConfig(hidden=(8,)))
    all_fixed = TrainConfig(hidden=(8,), dropout=0.1, lr=0.1, weight_decay=0.5)
    with pytest.raises(UsageError, match="the default space of segment is empty"):
        parse_space((), all_fixed)


@pytest.mark.parametrize(
    ("text", "name", "values"),
    [
        ("hidden=32..256:log", "hidden", Range(low=32, high=256, log=True, form="sizes")),
        ("hidden = 8|16", "hidden", Choice(options=((8,), (16,)))),
        ("batch-size=16..64", "batch_size", Range(low=16, high=64, log=False, form="whole")),
        ("batch_size=1e1|20", "batch_size", Choice(options=(10, 20))),
        ("dropout=0..0.5", "dropout", Range(low=0.0, high=0.5, log=False, form="number")),
        ("lr=1e-4..1e-2:log", "lr", Range(low=1e-4, high=1e-2, log=True, form="number")),
        ("loss=mae|huber", "loss", Choice(options=("mae", "huber"))),
        ("loss=mae", "loss", Choice(options=("mae",))),
    ],
)
def test_a_space_is_read(text: str, name: str, values: Range | Choice) -> None:
    assert parse_space((text,), PLAIN) == {name: values}


def test_several_layers_need_the_stacked_model() -> None:
    space = parse_space(("hidden=64|128,64",), TrainConfig(model="stacked"))
    assert space["hidden"] == Choice(options=((64,), (128, 64)))


@pytest.mark.parametrize(
    ("texts", "message", "hint"),
    [
        (("hiden=1..2",), "unknown setting 'hiden' of 'lstm train'", "did you mean 'hidden'?"),
        (("zzz=1..2",), "unknown setting 'zzz'", "search one of effort, "),
        (("device=cpu|cuda",), "'device' cannot be searched", "search one of effort, "),
        (("parts=free|linear",), "'parts' cannot be searched", "search one of effort, "),
        (("lr",), "--space 'lr' has no values", "write it like"),
        (("lr=",), "--space 'lr=' has no values", "write it like"),
        (("=1..2",), "has no values", "write it like"),
        (("",), "--space '' has no values", "write it like"),
        (("loss=1..3",), "is a range, but 'loss' does not take numbers", "--space 'loss=A|B'"),
        (("lr=1e-2..1e-4",), "is an invalid range", "write it like"),
        (("dropout=0..0.5:log",), "starts at 0, which has no logarithm", "above 0"),
        (("epochs=1.5..3",), "'1.5' is not a whole number", "write it like"),
        (("lr=a|b",), "'a' is not a number", "write it like"),
        (("lr=1e999|1",), "'1e999' is not a number", "write it like"),
        (("loss=mae|mae",), "duplicate value", "once"),
        (("lr=1|2", "lr=3|4"), "duplicate setting 'lr' in --space", "one --space"),
        (("loss=mae|mea",), "--loss 'mea' is invalid: use one of mae, mse, huber", ""),
        (("dropout=0..1",), "--dropout 1 is out of range", ""),
        (
            ("hidden=64,32|8",),
            "--hidden has 2 sizes, but --model segment has one LSTM layer",
            "--model stacked",
        ),
    ],
)
def test_an_invalid_space_is_refused(texts: tuple[str, ...], message: str, hint: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_space(texts, PLAIN)
    assert message in refused.value.message
    assert hint in refused.value.hint


def test_a_setting_cannot_be_fixed_and_searched() -> None:
    with pytest.raises(UsageError, match="'lr' is both fixed by --lr and searched by --space"):
        parse_space(("lr=1e-4..1e-2",), TrainConfig(lr=0.1))


def test_a_value_valid_in_some_combinations_is_accepted() -> None:
    """`--effort fast` works only with segment, so another model refuses it."""
    with pytest.raises(UsageError, match="--effort works only with --model segment"):
        parse_space(("effort=fast|best",), TrainConfig(model="stacked"))
    space = parse_space(("effort=default|fast",), TrainConfig())
    assert count_combinations(space) == 2


@given(
    low=st.integers(1, 200),
    span=st.integers(1, 300),
    log=st.booleans(),
    share=st.floats(0, 1, allow_nan=False),
    form=st.sampled_from(("whole", "sizes", "number")),
)
def test_a_value_is_within_its_range(low: int, span: int, log: bool, share: float, form: str) -> None:
    values = Range(low=low, high=low + span, log=log, form=form)
    drawn = values.value_at(share)
    number = drawn[0] if form == "sizes" else drawn
    assert low <= number <= low + span
    assert form == "number" or isinstance(number, int)
    assert values.ends()[0] in (low, (low,))
    assert values.ends()[1] in (low + span, (low + span,))


def test_attention_heads_must_divide_at_least_one_size() -> None:
    with pytest.raises(UsageError, match="--attention 3 does not divide the 4 outputs"):
        parse_space(("attention=2|3",), TrainConfig(model="stacked", hidden=(4,)))
    space = parse_space(("attention=2|3", "hidden=4|6"), TrainConfig(model="stacked"))
    assert count_combinations(space) == 4


def test_the_middle_of_a_log_range_is_the_geometric_mean() -> None:
    assert Range(low=1e-4, high=1e-2, log=True, form="number").value_at(0.5) == pytest.approx(1e-3)
    assert Range(low=0.0, high=0.5, log=False, form="number").value_at(0.5) == 0.25


def test_the_size_of_a_space() -> None:
    space = parse_space(("hidden=3..5", "loss=mae|huber"), PLAIN)
    assert count_combinations(space) == 6
    assert count_combinations(space | parse_space(("lr=1e-3..1e-2",), PLAIN)) is None
    assert count_combinations(parse_space(("hidden=2..4:log",), PLAIN)) is None


def test_values_as_text() -> None:
    assert [value_text(item) for item in ((64, 32), [8], True, False, 1e-4, 0.05, 7, "mae")] == [
        "64,32",
        "8",
        "on",
        "off",
        "0.0001",
        "0.05",
        "7",
        "mae",
    ]
