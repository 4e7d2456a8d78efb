"""Query values of a URL."""

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar
from urllib.parse import parse_qsl

from lstm_cli.config.option_values import probabilities, whole_number
from lstm_cli.errors import UsageError
from lstm_cli.serving.messages.http_error import HttpError
from lstm_cli.serving.model import ForecastQuery
from lstm_cli.serving.service import FORECASTS
from lstm_cli.wording import did_you_mean

Value = TypeVar("Value")

NAMES = FORECASTS.query_names
EXAMPLES = {"horizon": "24", "quantiles": "0.1,0.5,0.9", "intervals": "false"}
MAX_VALUES = 1_000
EMPTY = ForecastQuery()


def parse_query(text: bytes, names: tuple[str, ...] = NAMES) -> ForecastQuery:
    """Return the query values of a URL. Raises HttpError 400 for one that is unknown or malformed.

    Args:
        text: query of the URL.
        names: names that the route knows.

    >>> parse_query(b"horizon=24&quantiles=0.1,0.9&series=a&series=b")
    ForecastQuery(horizon=24, quantiles=(0.1, 0.9), intervals=True, series=('a', 'b'))
    """
    return _parsed(text, names) if text else EMPTY


@lru_cache(maxsize=256)
def _parsed(text: bytes, names: tuple[str, ...]) -> ForecastQuery:
    try:
        pairs = parse_qsl(
            text.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=MAX_VALUES,
        )
    except ValueError:  # also of an encoding
        raise HttpError(400, "the query of the URL is malformed", hint="write it like ?horizon=24") from None
    for name, _ in pairs:
        if name not in names:
            known = f"the query values are {', '.join(names)}" if names else "the route has no query values"
            hint = did_you_mean(name, names) or known
            raise HttpError(400, f"the query value '{name}' is unknown", hint=hint)
    for name in ("horizon", "intervals"):
        if [other for other, _ in pairs].count(name) > 1:
            raise HttpError(400, f"the query value '{name}' is given twice", hint="keep one of the two")
    values = dict(pairs)
    horizon = _value(whole_number, "horizon", values["horizon"]) if "horizon" in values else None
    intervals = _value(_true_or_false, "intervals", values.get("intervals", "true"))
    if horizon is not None and horizon < 1:
        raise HttpError(
            400, f"horizon={horizon} is too small: it must be at least 1", hint="write horizon=24"
        )
    quantiles = [
        item for name, value in pairs if name == "quantiles" for item in _value(probabilities, name, value)
    ]
    for quantile in quantiles:
        if not 0 < quantile < 1:
            problem = f"quantiles={quantile:g} is out of range: it must be above 0 and below 1"
            raise HttpError(400, problem, hint="write quantiles=0.1,0.5,0.9")
    series = [value for name, value in pairs if name == "series"]
    if "" in series:
        raise HttpError(400, "the query value 'series' is empty", hint="write series=NAME")
    return ForecastQuery(
        horizon=horizon,
        quantiles=tuple(dict.fromkeys(quantiles)),
        intervals=intervals,
        series=tuple(dict.fromkeys(series)),
    )


def _true_or_false(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise UsageError(f"{name}{text} is neither true nor false")
    return text == "true"


def _value(parse: Callable[[str, str], Value], name: str, text: str) -> Value:
    """Return a value, parsed as that of an option of `lstm predict`."""
    try:
        return parse(f"{name}=", text)
    except UsageError:
        shown = text if len(text) <= 40 else f"{text[:40]}…"
        raise HttpError(
            400, f"{name}={shown} is malformed", hint=f"write it like {name}={EXAMPLES[name]}"
        ) from None
