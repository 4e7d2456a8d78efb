"""Tests of the sizes of splits without times."""

import pytest

from lstm_cli.config.split_shares import parse_share, parse_shares
from lstm_cli.errors import UsageError


@pytest.mark.parametrize(
    ("text", "share"), [("0.2", 0.2), ("20%", 0.2), ("0", 0.0), ("10", 0.1), (" 1 % ", 0.01)]
)
def test_a_size_is_a_share_or_a_number_of_sequences(text: str, share: float) -> None:
    assert parse_share("--test", text, 100, "sequences") == pytest.approx(share)


@pytest.mark.parametrize("text", ["1.5", "-0.1", "100", "2020-01-01", "", "nan"])
def test_another_size_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="--test"):
        parse_share("--test", text, 100, "sequences")


def test_the_shares_leave_something_to_train_on_and_to_validate() -> None:
    assert parse_shares("10%", "0", 100, "characters") == (0.1, 0)
    with pytest.raises(UsageError, match="leave no characters to train on"):
        parse_shares("0.5", "50", 100, "characters")
    with pytest.raises(UsageError, match="leave no characters to validate"):
        parse_shares("0", "0.5", 100, "characters")
