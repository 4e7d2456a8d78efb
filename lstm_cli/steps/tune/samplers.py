"""Samplers of `tune`: random search and grid search; the same seed gives the same settings."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from lstm_cli.config.search_space import Choice, Range, Space, count_combinations, value_text
from lstm_cli.errors import UsageError

Settings = dict[str, Any]
DEFAULT_TRIALS = 20  # without --trials
DRAWS_PER_TRIAL = 1_000  # limit of draws, because a small space gives many duplicates


def count_trials(space: Space, trials: int | None, *, grid: bool) -> int:
    """Return the number of trials of a search, at most the number of combinations.

    Args:
        space: values of each searched setting.
        trials: number of trials that was asked for, or None.
        grid: whether the method is grid search.

    Raises:
        UsageError: the grid is infinite.
    """
    size = count_combinations(space)
    if size is None:
        if grid:
            require_finite(space)
        return trials or DEFAULT_TRIALS
    return min(trials or (size if grid else DEFAULT_TRIALS), size)


def require_finite(space: Space) -> None:
    """Raise UsageError with the name of the setting if a grid over the space is infinite."""
    for name, values in space.items():
        if isinstance(values, Range) and values.values() is None:
            reason = (
                "a logarithmic range has no steps"
                if values.form != "number"
                else "a range of real numbers is infinite"
            )
            example = "|".join(value_text(values.value_at(share)) for share in (0.0, 0.5, 1.0))
            raise UsageError(
                f"--method grid needs a list of values for '{name}', because {reason}",
                hint=f"list the values, e.g. --space '{name}={example}', or use --method random",
                flag="--method",
            )


def random_settings(space: Space, trials: int, seed: int) -> Iterator[Settings]:
    """Yield different random settings, drawn by scikit-learn's ParameterSampler.

    More trials with the same seed begin with the same settings.

    Args:
        space: values of each searched setting.
        trials: number of settings, fewer if the space is smaller.
        seed: random seed.
    """
    from sklearn.model_selection import ParameterSampler

    draws = ParameterSampler(
        {name: _Sampled(values) for name, values in space.items()},
        n_iter=trials * DRAWS_PER_TRIAL,
        random_state=seed,
    )
    seen: list[Settings] = []
    for settings in draws:
        if len(seen) == trials:
            return
        if settings not in seen:
            seen.append(settings)
            yield settings


def grid_settings(space: Space, trials: int) -> Iterator[Settings]:
    """Yield the first `trials` settings of scikit-learn's ParameterGrid."""
    from sklearn.model_selection import ParameterGrid

    grid = ParameterGrid({name: list(values.values() or ()) for name, values in space.items()})
    for index in range(min(trials, len(grid))):
        yield dict(grid[index])


class _Sampled:
    """Distribution of a setting for scikit-learn; one draw for each value, so draws do not depend on `n_iter`."""

    def __init__(self, values: Range | Choice) -> None:
        self._values = values

    def rvs(self, random_state: np.random.RandomState | None = None) -> Any:
        """Return one random value."""
        generator = random_state if random_state is not None else np.random.RandomState()
        return self._values.value_at(float(generator.random_sample()))
