"""Quantiles that a forecast shows: the ends of the intervals of `--level`, and those of `--quantiles`."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from lstm_cli.config.predict import PROBABILITY_DIGITS, PredictConfig
from lstm_cli.errors import DataError, MissingArtifact
from lstm_cli.evaluation.quantiles.interval_scores import SCORED_QUANTILES
from lstm_cli.evaluation.quantiles.intervals import LEVELS
from lstm_cli.evaluation.quantiles.model import CalibratedQuantiles
from lstm_cli.findings import MODEL, Finding
from lstm_cli.inference.trained_model import load_intervals
from lstm_cli.rundir import Run, command
from lstm_cli.steps.predict.data import Warn

HINT_DIGITS = 4  # decimals of the nearest supported probability in a hint


@dataclass(frozen=True, kw_only=True)
class RequestedQuantiles:
    """Levels and quantiles of a forecast, each ascending and without duplicates."""

    levels: tuple[float, ...] = ()  # percent
    quantiles: tuple[float, ...] = ()  # probabilities
    intervals: CalibratedQuantiles | None = (
        None  # the calibrated quantile model; None: there are no levels and quantiles
    )
    recorded: CalibratedQuantiles | None = None  # quantile model of --record; None: no quantiles are recorded

    @cached_property
    def probabilities(self) -> tuple[float, ...]:
        """Return the probabilities: both ends of each interval, then the quantiles."""
        return (*(end for level in self.levels for end in interval_probabilities(level)), *self.quantiles)

    @property
    def recorded_probabilities(self) -> tuple[float, ...]:
        """Return the probabilities of the quantiles that --record keeps, whatever the options request."""
        return SCORED_QUANTILES if self.recorded is not None else ()

    @cached_property
    def suffixes(self) -> tuple[str, ...]:
        """Return the suffix of the column of each probability, such as lo80, hi80 or q2.5."""
        sides = (f"{side}{_percent_text(level)}" for level in self.levels for side in ("lo", "hi"))
        return (*sides, *(f"q{_percent_text(100 * quantile)}" for quantile in self.quantiles))


def load_quantiles(
    run: Run,
    config: PredictConfig,
    warn: Warn,
    *,
    load: "Callable[[Run], CalibratedQuantiles | None] | None" = None,
) -> RequestedQuantiles:
    """Return the quantiles that the options request, with the calibrated quantile model of the run.

    A run without prediction intervals gets none, with a warning, unless the options name levels or quantiles.

    Args:
        run: run with a model.
        config: settings of `predict`.
        warn: receives findings.
        load: returns the quantile model of the run; None reads it from the run.

    Raises:
        MissingArtifact: the options name levels or quantiles, and the model has no prediction intervals.
        DataError: a level or quantile of the options is beyond what the calibration supports.
    """
    levels = _ascending(round(level, PROBABILITY_DIGITS - 2) for level in config.level)
    quantiles = _ascending(round(quantile, PROBABILITY_DIGITS) for quantile in config.quantiles)
    named = levels or quantiles
    if not named and not config.intervals:
        return RequestedQuantiles()
    intervals = (load or load_intervals)(run)
    if intervals is None and named:
        raise MissingArtifact(
            f"the model of {run.path} was trained without prediction intervals, so it has no quantiles",
            hint=f"run '{command('train', run.path)}' to add them",
            flag="--level" if levels else "--quantiles",
        )
    if intervals is None:
        warn(_no_intervals_finding(run))
        return RequestedQuantiles()
    lowest, highest = (round(end, PROBABILITY_DIGITS) for end in intervals.supported)
    _require_supported(run, levels, quantiles, lowest, highest)
    if named and intervals.symmetric:
        warn(_symmetric_finding(run))
    if config.intervals and not levels:
        levels = LEVELS
        beyond = [level for level in LEVELS if _is_beyond(level, lowest, highest)]
        if beyond:
            warn(_unsupported_finding(run, beyond, _highest_level(lowest, highest)))
    return RequestedQuantiles(levels=levels, quantiles=quantiles, intervals=intervals)


def interval_probabilities(level: float) -> tuple[float, float]:
    """Return the probabilities of the lower and the upper end of the interval of a level in percent.

    >>> interval_probabilities(80)
    (0.1, 0.9)
    """
    return round(0.5 - level / 200, PROBABILITY_DIGITS), round(0.5 + level / 200, PROBABILITY_DIGITS)


def _ascending(values: Iterable[float]) -> tuple[float, ...]:
    """Return the values in ascending order, without duplicates; whole numbers are integers, as in LEVELS."""
    return tuple(int(value) if value == int(value) else value for value in sorted(set(values)))


def _percent_text(percent: float) -> str:
    """Return a percentage with its shortest digits.

    >>> _percent_text(80), _percent_text(2.5)
    ('80', '2.5')
    """
    return f"{percent:.{PROBABILITY_DIGITS - 2}f}".rstrip("0").rstrip(".")


def _highest_level(lowest: float, highest: float) -> float:
    """Return the highest level in percent whose ends are from `lowest` to `highest`, rounded down."""
    level = 100 * min(1 - 2 * lowest, 2 * highest - 1)
    scale = 10 ** (HINT_DIGITS - 2)
    return math.floor(round(level * scale, 6)) / scale


def _require_supported(
    run: Run, levels: tuple[float, ...], quantiles: tuple[float, ...], lowest: float, highest: float
) -> None:
    """Raise DataError for a level or quantile that is not supported; the hint has the nearest supported values.

    Args:
        run: run with a model.
        levels: levels in percent.
        quantiles: probabilities.
        lowest: lowest supported probability.
        highest: highest supported probability.
    """
    top, scale = _highest_level(lowest, highest), 10**HINT_DIGITS
    low, high = math.ceil(round(lowest * scale, 6)) / scale, math.floor(round(highest * scale, 6)) / scale
    beyond = [level for level in levels if _is_beyond(level, lowest, highest)]
    if beyond:
        near = _ascending(top if level in beyond else level for level in levels)
        raise _beyond_error(
            run,
            "--level",
            _percent_text(beyond[-1]),
            f"{_percent_text(top)} at most",
            map(_percent_text, near),
        )
    outside = [quantile for quantile in quantiles if not lowest <= quantile <= highest]
    if outside:
        near = _ascending(min(max(quantile, low), high) for quantile in quantiles)
        shown = ",".join(f"{quantile:.12g}" for quantile in near)
        raise _beyond_error(run, "--quantiles", f"{outside[0]:.12g}", f"{low:g} to {high:g}", [shown])


def _is_beyond(level: float, lowest: float, highest: float) -> bool:
    low, high = interval_probabilities(level)
    return low < lowest or high > highest


def _beyond_error(run: Run, flag: str, value: str, supported: str, near: Iterable[str]) -> DataError:
    """Return the error for a value that is beyond what the calibration supports.

    Args:
        run: run with a model.
        flag: option with the value.
        value: text of the value.
        supported: phrase for the supported values.
        near: texts of the nearest supported values, one for each flag of the hint.
    """
    return DataError(
        f"{flag} {value} is beyond what the calibration of {run.path} supports ({supported})",
        hint=f"use {' '.join(f'{flag} {text}' for text in near)}",
        rule="D820",
        flags=(flag,),
    )


def _no_intervals_finding(run: Run) -> Finding:
    return Finding(
        rule="M101",
        kind=MODEL,
        text=f"the model of {run.path} was trained without prediction intervals, so the forecast has none "
        f"('{command('train', run.path)}' adds them)",
    )


def _symmetric_finding(run: Run) -> Finding:
    return Finding(
        rule="M120",
        kind=MODEL,
        text=f"the intervals of {run.path} are symmetric, so its quantiles are too: they do not show skewed errors "
        f"('{command('train', run.path)} --force' calibrates them again)",
    )


def _unsupported_finding(run: Run, levels: list[int], highest: float) -> Finding:
    """Return the warning about default levels that the calibration does not support.

    Args:
        run: run with a model.
        levels: unsupported levels in percent.
        highest: highest supported level.
    """
    named = " and ".join(f"{level} %" for level in levels)
    intervals = "intervals are" if len(levels) > 1 else "interval is"
    return Finding(
        rule="M121",
        kind=MODEL,
        text=f"the {named} {intervals} beyond what the calibration of {run.path} supports "
        f"({_percent_text(highest)} % at most), so the coverage is not certain (--level chooses other levels)",
        count=len(levels),
        flags=("--level",),
    )
