"""Metadata of the intervals and quantiles: everything that another program needs to compute them."""

from typing import Any

from lstm_cli.evaluation.quantiles import features, network
from lstm_cli.evaluation.quantiles.intervals import LEVELS
from lstm_cli.evaluation.quantiles.model import CalibratedQuantiles

PROGRAM = "docs/how-to/use-the-onnx-file.md"  # a program that computes the intervals from these facts

_SPREAD = {
    "window": "v: the last `lookback` values of the target, scaled; a value is known if its mask is 1",
    "spread": "max(floor[target], change + variation)",
    "change": (
        "mean of |v[t] - v[t - season]| over the pairs that are both known; without such a pair, the same with season "
        "1; else 0"
    ),
    "variation": (
        "population standard deviation of the means of whole seasons, counted from the end of v; a season with an "
        "unknown value is left out; 0 with fewer than two seasons in the lookback"
    ),
}
_SYMMETRIC = {
    **_SPREAD,
    "ends": "forecast - half[level][step] * spread and forecast + half[level][step] * spread",
}
_LEARNED = {
    **_SPREAD,
    "scale": "spread * step_scale[step] * series_scale[series][target]; 1 for a series that is not listed",
    "inputs": "clip((features - mean) / deviation, -input_limit, input_limit)",
    "hidden": "silu(silu(inputs @ first + first_bias) @ second + second_bias), silu(x) = x / (1 + exp(-x))",
    "outputs": "[a, b, c] = hidden @ output + inputs @ direct; without a network 0",
    "shift": "share * a",
    "low": "exp(share * clip(b, -max_log, max_log))",
    "high": "exp(share * clip(c, -max_log, max_log))",
    "knot": "knot of the probability p minus the knot of 0.5; between two knots it is linear in log(p / (1 - p))",
    "quantile": "forecast + scale * (knots[0.5] + shift + (low if knot < 0 else high) * knot)",
}
_FEATURES = {
    "position": "2 * (step + 0.5) / horizon - 1; the first step is 0",
    "start": "exp(-8 * step / horizon)",
    "spread": "log(spread)",
    "change_cycle": (
        "log(x / spread + least_change), x: mean of |v[t] - v[t - lag]| over the known ones of the last `cycle` pairs; "
        "0 without one"
    ),
    "change_4_cycles": "as change_cycle, over the last 4 * cycle pairs",
    "deviation": "log(x / spread + least_change), x: population standard deviation of the known values",
    "from_center": "(forecast - mean of the known values) / x, x as in deviation",
    "from_baseline": (
        "(forecast - baseline) / spread; the baseline repeats the last season of v; it is the last value if the season "
        "is longer than v or has an unknown value"
    ),
    "recent": "(mean of the known ones of the last `cycle` values - mean of the known values) / x, x as in deviation",
}
_CYCLE_FEATURES = {
    "cycle_change": (
        "log(x[step % season] / spread + least_change); x[place]: mean of the known |v[t] - v[t - season]| at a place "
        "of the season, over whole seasons, counted from the end; a place without one has the mean of all; then "
        "smoothed around the cycle: (x[place - 1] + 2 * x[place] + x[place + 1]) / 4"
    ),
    "cycle_profile": (
        "y[step % season]; y[place]: mean of the known values at a place, as in cycle_change but not smoothed; then "
        "minus the mean of y, divided by the population standard deviation of y"
    ),
}
_LIMITED = (
    "from_center, from_baseline and recent are clipped to feature_limit; no divisor is below least_divisor"
)


def interval_facts(intervals: CalibratedQuantiles, *, horizon: int) -> dict[str, Any]:
    """Return the numbers and formulas of the intervals, and the probabilities of both ends of each level.

    Args:
        intervals: Calibrated quantiles of the model.
        horizon: Steps H of the forecast.
    """
    stored = intervals.to_dict()
    facts: dict[str, Any] = {
        "version": stored["version"],
        "unit": "scaled; the ends in the unit of the file follow from `scaling`, then from `bounds`",
        "levels": {
            str(level): [round(0.5 - level / 200, 12), round(0.5 + level / 200, 12)] for level in LEVELS
        },
        "supported": list(intervals.supported),
        "program": PROGRAM,
    }
    spread = stored if intervals.symmetric else stored["intervals"]
    facts |= {name: spread[name] for name in ("season", "lookback", "floor")}
    if intervals.symmetric:
        return facts | {
            "formulas": _SYMMETRIC,
            "half": dict(zip(facts["levels"], stored["half"], strict=True)),
        }
    season, lookback = facts["season"], facts["lookback"]
    has_cycles = features.count_features(lookback, season) > len(_FEATURES)
    facts["formulas"] = _LEARNED
    facts["features"] = _FEATURES | (_CYCLE_FEATURES if has_cycles else {})
    facts["feature_limits"] = _LIMITED
    facts["constants"] = {
        "horizon": horizon,
        "cycle": season if season > 1 else features.STEPS_WITHOUT_SEASON,
        "lag": season if season < lookback else 1,
        "feature_limit": features.LIMIT,
        "input_limit": network.LIMIT,
        "max_log": network.MAX_LOG,
        "least_change": features.LEAST_CHANGE,
        "least_divisor": features.LEAST_DIVISOR,
    }
    return facts | {
        name: stored[name] for name in ("knots", "step_scale", "series", "series_scale", "share", "network")
    }
