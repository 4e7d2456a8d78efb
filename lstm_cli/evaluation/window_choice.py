"""Windows that pictures and pages show: best, median, worst and newest."""

import numpy as np


def choose_windows(error: np.ndarray, moment: np.ndarray) -> dict[str, int]:
    """Return the indices of the best, the median, the worst and the newest window.

    The median window is in the middle of the windows sorted by error, the lower one of two. The first of several equal
    windows is chosen. Windows without an error do not count. If no window has one, only the newest is returned. With
    few windows, several names can have the same index. `WindowErrors.chosen_windows` applies this to the windows of
    each target.

    Args:
        error: [N] error of the model in each window, NaN where nothing was measured.
        moment: [N] position of each window in time; larger is newer.

    Raises:
        ValueError: there are no windows.

    >>> choose_windows(np.array([3.0, 1.0, 9.0, 2.0, np.nan]), np.arange(5))
    {'best': 1, 'median': 3, 'worst': 2, 'newest': 3}
    """
    known = np.flatnonzero(~np.isnan(error))
    if not len(known):
        return {"newest": int(np.argmax(moment))}
    known_error = error[known]
    middle = (len(known) - 1) // 2
    median = np.partition(known_error, middle)[middle]
    chosen = {
        "best": np.argmin(known_error),
        "median": np.argmax(known_error == median),
        "worst": np.argmax(known_error),
        "newest": np.argmax(moment[known]),
    }
    return {name: int(known[index]) for name, index in chosen.items()}


def names_of_windows(chosen: dict[str, int]) -> dict[int, str]:
    """Return each chosen window once, with its names.

    >>> names_of_windows({"best": 7, "median": 7, "worst": 2, "newest": 7})
    {7: 'best, median and newest', 2: 'worst'}
    """
    names: dict[int, list[str]] = {}
    for name, index in chosen.items():
        names.setdefault(index, []).append(name)
    return {
        index: " and ".join(filter(None, [", ".join(each[:-1]), each[-1]])) for index, each in names.items()
    }
