"""Sizes of the splits of data without times: a share, a percentage or a number."""

from lstm_cli.errors import UsageError
from lstm_cli.wording import is_number


def parse_share(flag: str, text: str, count: int, noun: str) -> float:
    """Return the share of a split.

    Args:
        flag: option, for messages.
        text: `0.2`, `20%` or a number of items.
        count: number of all items.
        noun: name of the items, in the plural.

    Raises:
        UsageError: the text is not a share from 0 to 1, nor a number of items.
    """
    number = text.strip().removesuffix("%")
    if is_number(number):
        is_percentage = text.strip().endswith("%")
        value = float(number) / (100 if is_percentage else 1)
        if 0 <= value < 1:
            return value
        if not is_percentage and value.is_integer() and 1 <= value < count:
            return value / count
    raise UsageError(
        f"{flag} '{text}' is not a share or a number of the {count:,} {noun}",
        hint=f"give a share, such as {flag} 0.2, or a smaller number",
        flag=flag,
    )


def parse_count(text: str) -> int | None:
    """Return the number of items of a valid size; None for a share or a percentage.

    >>> parse_count("30"), parse_count("0.2"), parse_count("20%")
    (30, None, None)
    """
    number = text.strip()
    return int(float(number)) if is_number(number) and float(number) >= 1 else None


def parse_shares(val: str, test: str, count: int, noun: str) -> tuple[float, float]:
    """Return the shares of the validation and test sets.

    Args:
        val: text of --val.
        test: text of --test.
        count: number of all items.
        noun: name of the items, in the plural.

    Raises:
        UsageError: a text is not a share, or the shares leave nothing to train on or to validate.
    """
    shares = parse_share("--val", val, count, noun), parse_share("--test", test, count, noun)
    if not shares[0] or sum(shares) >= 1:
        raise UsageError(
            f"--val {val} and --test {test} leave no {noun} to {'validate' if not shares[0] else 'train on'}",
            hint="use --val 0.2 --test 0.2",
            flag="--val",
        )
    return shares
