"""Search space of `lstm tune`: a range or a choice of values for each searched setting of `lstm train`.

    hidden=32..256:log      integers, uniform in their logarithm
    dropout=0..0.5          numbers
    loss=mae|huber          a choice
    hidden=64|128,64        a choice of lists

The fields of TrainConfig and their types decide which settings can be searched and in which form.
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
from lstm_cli.wording import did_you_mean, is_number

# Settings that name the search itself, do not affect training, or would make trials incomparable.
NOT_SEARCHED = ("model", "refit", "seed", "device", "precision", "threads", "min", "max")
# type of the field (without None): form of its values
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
# Default space of labelled sequences.
SEQUENCE_SPACE = (
    "hidden=16|32|64|128|64,32",
    "dropout=0..0.5",
    "pooling=last|mean|max|attention",
    "bidirectional=on|off",
    "lr=3e-4..1e-2:log",
    "weight_decay=1e-6..1e-2:log",
)
SIGNIFICANT_DIGITS = 4  # of a number drawn from a range
SPACE_HINT = "write it like --space 'lr=1e-4..1e-2:log' or --space 'loss=mae|huber'"
MAX_COMBINATIONS = 64  # of the other settings, when a value is checked


@dataclass(frozen=True, kw_only=True)
class Range:
    """Range of numbers from `low` to `high`, both included."""

    low: float
    high: float
    log: bool  # uniform in the logarithm
    form: str  # whole, number or sizes (a list of one integer)

    def value_at(self, fraction: float) -> Any:
        """Return the value at a fraction (0 to 1) of the range.

        >>> Range(low=32, high=256, log=True, form="whole").value_at(0.5)
        90
        """
        # Each integer gets an interval of length 1, so both ends are as likely as the other values.
        margin = 0.0 if self.form == "number" else 0.5
        return self.round_value(self._between(self.low - margin, self.high + margin, fraction))

    def round_value(self, number: float) -> Any:
        """Return a number, rounded and clipped to the range, in the form of the setting."""
        number = float(f"{number:.{SIGNIFICANT_DIGITS}g}") if self.form == "number" else round(number)
        number = min(max(number, self.low), self.high)
        if self.form == "number":
            return number
        return (int(number),) if self.form == "sizes" else int(number)

    def values(self) -> tuple[Any, ...] | None:
        """Return all values for a grid; None for a range of floats or a logarithmic range."""
        if self.form == "number" or self.log:
            return None
        integers = range(int(self.low), int(self.high) + 1)
        return tuple((integer,) if self.form == "sizes" else integer for integer in integers)

    def ends(self) -> tuple[Any, ...]:
        """Return the first and the last value."""
        return self.value_at(0.0), self.value_at(1.0)

    def _between(self, low: float, high: float, fraction: float) -> float:
        if self.log:
            return math.exp(math.log(low) + fraction * (math.log(high) - math.log(low)))
        return low + fraction * (high - low)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Choice between values of equal probability."""

    options: tuple[Any, ...]

    def value_at(self, fraction: float) -> Any:
        """Return the value at a fraction (0 to 1) of the list."""
        return self.options[min(int(fraction * len(self.options)), len(self.options) - 1)]

    def values(self) -> tuple[Any, ...]:
        """Return all values."""
        return self.options

    def ends(self) -> tuple[Any, ...]:
        """Return all values, because the options of a choice have no order."""
        return self.options


Space = dict[str, Range | Choice]


@cache
def searchable_settings(kind: type = TrainConfig) -> Mapping[str, str]:
    """Return the settings of `train` that can be searched, with the form of their values.

    >>> forms = searchable_settings()
    >>> forms["hidden"], forms["dropout"], forms["optimizer"]
    ('sizes', 'number', 'word')
    """
    hints = get_type_hints(kind)
    forms = {}
    for field in fields(kind):
        kinds = [kind for kind in get_args(hints[field.name]) if kind is not type(None)]
        kinds = [kind for kind in kinds if kind is not str] or kinds  # a str next to a number is `auto`
        form = FORMS.get(kinds[0] if len(kinds) == 1 else hints[field.name])
        if field.name not in NOT_SEARCHED and form is not None:
            forms[field.name] = form
    return forms


def parse_space(
    texts: Sequence[str],
    fixed: TrainConfig,
    *,
    default: Sequence[str] | None = None,
    left_out: frozenset[str] = frozenset(),
) -> Space:
    """Return the space of --space, or the default space without the fixed settings.

    Args:
        texts: values of --space.
        fixed: settings that all trials share; their class has the settings that can be searched.
        default: default space; None: that of the model.
        left_out: settings that cannot be searched.

    Raises:
        UsageError: an unknown setting, a wrong form, an empty default space, or a value that is invalid in each
            combination with the other settings.
    """
    kind: type = type(fixed)
    known = {name: form for name, form in searchable_settings(kind).items() if name not in left_out}
    if not texts:
        entries = DEFAULT_SPACES[fixed.model] if default is None else default
        space = dict(_parse_entry(text, known) for text in entries)
        space = {name: values for name, values in space.items() if not is_fixed(name, fixed)}
        if not space:
            raise UsageError(
                f"the default space of {fixed.model} is empty because all its settings are fixed",
                hint=SPACE_HINT,
            )
        return space
    space = {}
    for text in texts:
        name, values = _parse_entry(text, known)
        if name in space:
            raise UsageError(
                f"duplicate setting '{name}' in --space",
                hint="give all its values in one --space",
                flag="--space",
            )
        if is_fixed(name, fixed):
            raise UsageError(
                f"'{name}' is both fixed by {flag_name(name)} and searched by --space",
                hint="keep one of the two",
            )
        space[name] = values
    _require_possible(space, fixed)
    return space


def is_fixed(name: str, fixed: TrainConfig) -> bool:
    """Return whether a setting differs from its default."""
    default = next(field.default for field in fields(fixed) if field.name == name)
    return bool(getattr(fixed, name) != default)


def count_combinations(space: Space) -> int | None:
    """Return the number of combinations; None if it is not finite."""
    lists = [range_or_choice.values() for range_or_choice in space.values()]
    return math.prod(len(values) for values in lists if values is not None) if None not in lists else None


def value_text(value: Any) -> str:
    """Return a value as text in the form of its flag.

    >>> value_text((64, 32)), value_text(True), value_text(0.001)
    ('64,32', 'on', '0.001')
    """
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple | list):
        return ",".join(str(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _parse_entry(text: str, known: Mapping[str, str]) -> tuple[str, Range | Choice]:
    name, equals, values = (part.strip() for part in text.partition("="))
    name = name.replace("-", "_")
    name = RENAMED.get(name, name)
    if not equals or not name or not values:
        raise UsageError(f"--space '{text}' has no values", hint=SPACE_HINT, flag="--space")
    if name not in known:
        if name in {field.name for field in fields(TrainConfig)}:
            raise UsageError(
                f"--space '{text}': '{name}' cannot be searched",
                hint=f"search one of {', '.join(known)}",
                flag="--space",
            )
        raise UsageError(
            f"--space '{text}': unknown setting '{name}' of 'lstm train'",
            hint=did_you_mean(name, known) or f"search one of {', '.join(known)}",
            flag="--space",
        )
    ends = re.fullmatch(r"(.+?)\.\.(.+?)(:log)?", values)
    if ends and "|" not in values:
        return name, _parse_range(text, name, known[name], ends[1], ends[2], log=bool(ends[3]))
    options = tuple(_parse_value(text, name, known[name], option.strip()) for option in values.split("|"))
    if len(set(options)) < len(options):
        raise UsageError(
            f"--space '{text}' has a duplicate value", hint="name each value once", flag="--space"
        )
    return name, Choice(options=options)


def _parse_range(text: str, name: str, form: str, low: str, high: str, *, log: bool) -> Range:
    if form in ("word", "switch"):
        example = "on|off" if form == "switch" else "|".join(("A", "B"))
        raise UsageError(
            f"--space '{text}' is a range, but '{name}' does not take numbers",
            hint=f"list its values: --space '{name}={example}' (see 'lstm train --help')",
            flag="--space",
        )
    first, last = (
        _parse_value(text, name, "whole" if form == "sizes" else form, end.strip()) for end in (low, high)
    )
    if not first < last:
        raise UsageError(
            f"--space '{text}' is an invalid range: its start is not below its end",
            hint=SPACE_HINT,
            flag="--space",
        )
    if log and not first > 0:
        raise UsageError(
            f"--space '{text}' starts at {first:g}, which has no logarithm",
            hint="start the range above 0",
            flag="--space",
        )
    return Range(low=first, high=last, log=log, form=form)


def _parse_value(text: str, name: str, form: str, written: str) -> Any:
    if form == "word":
        return written
    if form == "switch":
        if written not in ("on", "off"):
            raise UsageError(
                f"--space '{text}': '{name}' must be on or off", hint=f"write '{name}=on|off'", flag="--space"
            )
        return written == "on"
    numbers = written.split(",") if form == "sizes" else [written]
    if not all(is_number(number) and math.isfinite(float(number)) for number in numbers):
        raise UsageError(f"--space '{text}': '{written}' is not a number", hint=SPACE_HINT, flag="--space")
    if form == "number":
        return float(written)
    if any(float(number) != int(float(number)) for number in numbers):
        raise UsageError(
            f"--space '{text}': '{written}' is not a whole number", hint=SPACE_HINT, flag="--space"
        )
    integers = tuple(int(float(number)) for number in numbers)
    return integers if form == "sizes" else integers[0]


def _require_possible(space: Space, fixed: TrainConfig) -> None:
    """Raise UsageError for a value that is invalid in each combination with the other settings."""
    for name, values in space.items():
        for value in values.ends():
            others = {other: other_values for other, other_values in space.items() if other != name}
            errors = (_check(fixed, {**settings, name: value}) for settings in ({}, *_combinations(others)))
            first = next(errors)
            if first is not None and all(errors):
                raise first


def _combinations(space: Space) -> Iterator[dict[str, Any]]:
    combinations = itertools.product(*(values.ends() for values in space.values()))
    for combination in itertools.islice(combinations, MAX_COMBINATIONS):
        yield dict(zip(space, combination, strict=True))


def _check(fixed: TrainConfig, settings: Mapping[str, Any]) -> UsageError | None:
    try:
        replace(fixed, **settings)
    except UsageError as error:
        return error
    return None
