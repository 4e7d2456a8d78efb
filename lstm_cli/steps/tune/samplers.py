"""Which settings `tune` tries: drawn by chance or all of a grid, the same each time for the same seed."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from lstm_cli.config.search_space import Choice, Range, Space, count_combinations, value_text
from lstm_cli.errors import UsageError

Settings = dict[str, Any]
USUAL = 20  # trials where --trials does not say
PATIENCE = 1_000  # draws for each trial that is wanted: a small space is soon seen whole


def count_trials(space: Space, trials: int | None, *, grid: bool) -> int:
    """How many trials a search has: as asked, never more than there are combinations.

    Raises UsageError for a grid that has no end.
    """
    size = count_combinations(space)
    if size is None:
        if grid:
            require_finite(space)
        return trials or USUAL
    return min(trials or (size if grid else USUAL), size)


def require_finite(space: Space) -> None:
    """Raise UsageError, naming the setting, where a grid over the space would have no end."""
    for name, values in space.items():
        if isinstance(values, Range) and values.values() is None:
            lacks = (
                "over a logarithm has no steps"
                if values.form != "number"
                else "of numbers has no end of them"
            )
            example = "|".join(value_text(values.value_at(share)) for share in (0.0, 0.5, 1.0))
            raise UsageError(
                f"--method grid needs the values of '{name}', and a range {lacks}",
                hint=f"name them, as --space '{name}={example}', or use --method random",
                flag="--method",
            )


def random_settings(space: Space, trials: int, seed: int) -> Iterator[Settings]:
    """So many different settings, drawn by scikit-learn's ParameterSampler; more trials begin with the same ones."""
    from sklearn.model_selection import ParameterSampler

    draws = ParameterSampler(
        {name: _Drawn(values) for name, values in space.items()}, n_iter=trials * PATIENCE, random_state=seed
    )
    seen: list[Settings] = []
    for settings in draws:
        if len(seen) == trials:
            return
        if settings not in seen:
            seen.append(settings)
            yield settings


def grid_settings(space: Space, trials: int) -> Iterator[Settings]:
    """The first so many settings of scikit-learn's ParameterGrid."""
    from sklearn.model_selection import ParameterGrid

    grid = ParameterGrid({name: list(values.values() or ()) for name, values in space.items()})
    for place in range(min(trials, len(grid))):
        yield dict(grid[place])


class _Drawn:
    """A setting as scikit-learn draws from it: one draw a value, so that what follows does not depend on `n_iter`."""

    def __init__(self, values: Range | Choice) -> None:
        self._values = values

    def rvs(self, random_state: np.random.RandomState | None = None) -> Any:
        """One value."""
        chance = random_state if random_state is not None else np.random.RandomState()
        return self._values.value_at(float(chance.random_sample()))
