"""Query values of a request."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ForecastQuery:
    """Query values, as `lstm predict` has them: --horizon, --quantiles, --only. Each number is in its range."""

    horizon: int | None = None  # steps, at least 1; None: the trained horizon
    quantiles: tuple[float, ...] = ()  # probabilities, above 0 and below 1
    series: tuple[str, ...] = ()  # names; (): all
