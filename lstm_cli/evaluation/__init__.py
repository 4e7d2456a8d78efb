"""Metrics, baselines, prediction intervals, and the scores of a model over windows."""

BASELINES = ("naive", "seasonal_naive", "linear")  # simplest first; tables show the last one first


def baseline_label(name: str, season: int | str | None) -> str:
    """Return the name of a baseline in prose, with the season that the seasonal naive forecast repeats.

    >>> baseline_label("seasonal_naive", 168)
    'seasonal naive (168)'
    """
    words = name.replace("_", " ")
    return f"{words} ({season})" if name == "seasonal_naive" and season is not None else words
