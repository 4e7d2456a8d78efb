"""The space that `lstm tune` searches: for each searched setting of `lstm train` a range or a choice of values.

    hidden=32..256:log      whole numbers, spread evenly over their logarithm
    dropout=0..0.5          numbers
    loss=mae|huber          a choice
    hidden=64|128,64        a choice of lists

What may be searched, and which form it takes, follows from the fields of TrainConfig and their types.
"""

import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any, get_args, get_type_hints

from lstm_cli.config.layers import flag_name
from lstm_cli.config.renamed import RENAMED
from lstm_cli.config.train import TrainConfig
from lstm_cli.errors import UsageError
from lstm_cli.text import did_you_mean, is_number

# What names the search itself, decides nothing that is learnt, or would not leave trials comparable.
NOT_SEARCHED = ("model", "refit", "seed", "device", "precision", "threads", "min", "max")
# type of the field (its None apart): the form of its values
FORMS = {int: "whole", float: "number", str: "word", bool: "switch", tuple[int, ...]: "sizes"}
DEFAULT_SPACES = {
    "segment": ("hidden=32..256:log", "dropout=0..0.5", "lr=5e-4..1e-2:log", "weight_decay=1e-5..1e-2:log"),
    "stacked": (
        "hidden=32|64|128|64,32|128,64",
        "dropout=0..0.5",
        "head=last|mean|attention",
        "lr=3e-4..1e-2:log",
        "batch_size=32|64|128",
        "weight_decay=1e-6..1e-2:log",
    ),
}
DIGITS = 4  # that tell, of a number drawn from a range
WRITTEN = "write it like --space 'lr=1e-4..1e-2:log' or --space 'loss=mae|huber'"
COMBINATIONS = 64  # of the other settings' values, to see whether a value can be had at all


@dataclass(frozen=True, kw_only=True)
class Range:
    """Numbers from `low` to `high`, both included."""

    low: float
    high: float
    log: bool  # drawn evenly over their logarithm
    form: str  # whole, number or sizes: a list of one whole number

    def at(self, share: float) -> Any:
        """The value at a share of the way from low to high, within 0 and 1.

        >>> Range(low=32, high=256, log=True, form="whole").at(0.5)
        91
        """
        # Each whole number has a unit of its own, and so the ends are as likely as the others.
        rest = 0.0 if self.form == "number" else 0.5
        return self.rounded(self._between(self.low - rest, self.high + rest, share))

    def rounded(self, number: float) -> Any:
        """A number within the range as the setting takes it."""
        number = float(f"{number:.{DIGITS}g}") if self.form == "number" else round(number)
        number = min(max(number, self.low), self.high)
        if self.form == "number":
            return number
        return (int(number),) if self.form == "sizes" else int(number)

    def values(self) -> tuple[Any, ...] | None:
        """Every value, where a grid can hold them: whole numbers that are not spread over a logarithm."""
        if self.form == "number" or self.log:
            return None
        wholes = range(int(self.low), int(self.high) + 1)
        return tuple((one,) if self.form == "sizes" else one for one in wholes)

    def ends(self) -> tuple[Any, ...]:
        """The first and the last value."""
        return self.at(0.0), self.at(1.0)

    def _between(self, low: float, high: float, share: float) -> float:
        if self.log:
            return math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
        return low + share * (high - low)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Some values, each as likely as the others."""

    options: tuple[Any, ...]

    def at(self, share: float) -> Any:
        """The value at a share of the way through, within 0 and 1."""
        return self.options[min(int(share * len(self.options)), len(self.options) - 1)]

    def values(self) -> tuple[Any, ...]:
        """Every value."""
        return self.options

    def ends(self) -> tuple[Any, ...]:
        """Every value: none of them says what holds for another."""
        return self.options


Space = dict[str, Range | Choice]


@cache
def searchable_settings() -> Mapping[str, str]:
    """The settings of `train` that may be searched: the form of each one's values.

    >>> searchable()["hidden"], searchable()["dropout"], searchable()["optimizer"]
    ('sizes', 'number', 'word')
    """
    hints = get_type_hints(TrainConfig)
    found = {}
    for field in fields(TrainConfig):
        kinds = [kind for kind in get_args(hints[field.name]) if kind is not type(None)]
        kinds = [kind for kind in kinds if kind is not str] or kinds  # the word beside a number is `auto`
        kind = kinds[0] if len(kinds) == 1 else hints[field.name]
        if field.name not in NOT_SEARCHED and kind in FORMS:
            found[field.name] = FORMS[kind]
    return found


def parse_space(texts: Sequence[str], fixed: TrainConfig) -> Space:
    """The space as it is written, or the default one of the model; a setting that is fixed is not searched.

    Raises UsageError for what is no setting, a form that the setting does not take, a value that the setting
    refuses in every combination with the others, and a space without any setting.
    """
    if not texts:
        space = dict(_entry(text) for text in DEFAULT_SPACES[fixed.model])
        space = {name: values for name, values in space.items() if not is_fixed(name, fixed)}
        if not space:
            raise UsageError(
                f"the default space of {fixed.model} is empty: every setting in it is fixed", hint=WRITTEN
            )
        return space
    space = {}
    for text in texts:
        name, values = _entry(text)
        if name in space:
            raise UsageError(
                f"--space names '{name}' twice", hint="give all its values in one --space", flag="--space"
            )
        if is_fixed(name, fixed):
            raise UsageError(
                f"'{name}' is fixed by {flag_name(name)} and searched by --space", hint="keep one of the two"
            )
        space[name] = values
    _require_possible(space, fixed)
    return space


def is_fixed(name: str, fixed: TrainConfig) -> bool:
    """Whether a setting was given another value than its default."""
    default = next(field.default for field in fields(TrainConfig) if field.name == name)
    return bool(getattr(fixed, name) != default)


def count_combinations(space: Space) -> int | None:
    """How many combinations there are; None where they have no end."""
    each = [one.values() for one in space.values()]
    return math.prod(len(values) for values in each if values is not None) if None not in each else None


def value_text(value: Any) -> str:
    """A value as its flag takes it.

    >>> as_text((64, 32)), as_text(True), as_text(0.001)
    ('64,32', 'on', '0.001')
    """
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple | list):
        return ",".join(str(one) for one in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _entry(text: str) -> tuple[str, Range | Choice]:
    name, equals, values = (part.strip() for part in text.partition("="))
    name = name.replace("-", "_")
    name = RENAMED.get(name, name)
    if not equals or not name or not values:
        raise UsageError(f"--space '{text}' names no values", hint=WRITTEN, flag="--space")
    known = searchable_settings()
    if name not in known:
        if name in {field.name for field in fields(TrainConfig)}:
            raise UsageError(
                f"--space '{text}': '{name}' cannot be searched",
                hint=f"what can: {', '.join(known)}",
                flag="--space",
            )
        raise UsageError(
            f"--space '{text}': 'lstm train' has no setting '{name}'",
            hint=did_you_mean(name, known) or f"its settings are {', '.join(known)}",
            flag="--space",
        )
    ends = re.fullmatch(r"(.+?)\.\.(.+?)(:log)?", values)
    if ends and "|" not in values:
        return name, _range(text, name, known[name], ends[1], ends[2], log=bool(ends[3]))
    options = tuple(_value(text, name, known[name], one.strip()) for one in values.split("|"))
    if len(set(options)) < len(options):
        raise UsageError(f"--space '{text}' names a value twice", hint="name each value once", flag="--space")
    return name, Choice(options=options)


def _range(text: str, name: str, form: str, low: str, high: str, *, log: bool) -> Range:
    if form in ("word", "switch"):
        example = "on|off" if form == "switch" else "|".join(("A", "B"))
        raise UsageError(
            f"--space '{text}' is a range, and '{name}' takes no numbers",
            hint=f"name its values, as --space '{name}={example}'; see 'lstm train --help'",
            flag="--space",
        )
    first, last = (
        _value(text, name, "whole" if form == "sizes" else form, end.strip()) for end in (low, high)
    )
    if not first < last:
        raise UsageError(f"--space '{text}' does not begin below its end", hint=WRITTEN, flag="--space")
    if log and not first > 0:
        raise UsageError(
            f"--space '{text}' begins at {first:g}, which has no logarithm",
            hint="begin above 0",
            flag="--space",
        )
    return Range(low=first, high=last, log=log, form=form)


def _value(text: str, name: str, form: str, written: str) -> Any:
    if form == "word":
        return written
    if form == "switch":
        if written not in ("on", "off"):
            raise UsageError(
                f"--space '{text}': '{name}' is on or off", hint=f"write '{name}=on|off'", flag="--space"
            )
        return written == "on"
    numbers = written.split(",") if form == "sizes" else [written]
    if not all(is_number(one) and math.isfinite(float(one)) for one in numbers):
        raise UsageError(f"--space '{text}': '{written}' is not a number", hint=WRITTEN, flag="--space")
    if form == "number":
        return float(written)
    if any(float(one) != int(float(one)) for one in numbers):
        raise UsageError(f"--space '{text}': '{written}' is not a whole number", hint=WRITTEN, flag="--space")
    wholes = tuple(int(float(one)) for one in numbers)
    return wholes if form == "sizes" else wholes[0]


def _require_possible(space: Space, fixed: TrainConfig) -> None:
    """Raise the refusal of a value that no combination with the other settings can have."""
    for name, values in space.items():
        for value in values.ends():
            others = {other: each for other, each in space.items() if other != name}
            refusals = (_refusal(fixed, {**rest, name: value}) for rest in ({}, *_combinations(others)))
            first = next(refusals)
            if first is not None and all(refusals):
                raise first


def _combinations(space: Space) -> Iterator[dict[str, Any]]:
    every = itertools.product(*(values.ends() for values in space.values()))
    for chosen in itertools.islice(every, COMBINATIONS):
        yield dict(zip(space, chosen, strict=True))


def _refusal(fixed: TrainConfig, settings: Mapping[str, Any]) -> UsageError | None:
    try:
        replace(fixed, **settings)
    except UsageError as error:
        return error
    return None
