"""Linear forecast in the checkpoint of a training: it is fitted once, even if the training is interrupted later."""

from collections.abc import Callable

import torch

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.events import Listener, Progressed
from lstm_cli.linear.ensemble import refit_linear
from lstm_cli.linear.model import LinearEnsemble
from lstm_cli.training.setup.checkpoint_state import REFIT_SUFFIX, Checkpoints, IncompatibleState, SavedState

LINEAR = "linear forecast"
Progress = Callable[[int, int], None]
"""Function that is called with the number of finished fits and the total."""


def resumable_linear(
    name: str, fit: Callable[[Progress], LinearEnsemble], *, checkpoints: Checkpoints, listen: Listener
) -> LinearEnsemble:
    """Return the stored forecast of this name; without one, fit and save it.

    Args:
        name: name of the fit among the checkpoints.
        fit: fits the forecast; it gets the progress function.
        checkpoints: stored states, and where new ones are saved.
        listen: receiver of events.

    Raises:
        IncompatibleState: the stored state is not a linear forecast.
    """
    slot = checkpoints.slot(name)
    if slot.stored is not None:
        return _from_state(slot.stored)
    stage = f"fitting the {name}"
    linear = fit(lambda done, total: listen(Progressed(stage=stage, done=done, total=total, unit="fits")))
    if slot.save is not None:
        slot.save(_to_state(linear))
    return linear


def resumable_refit(
    dataset: Dataset,
    linear: LinearEnsemble,
    *,
    workers: int = 1,
    should_stop: Callable[[], int | None],
    checkpoints: Checkpoints,
    listen: Listener,
) -> LinearEnsemble:
    """Return the ensemble refitted to the training rows of `dataset`, from the checkpoint if it is stored there.

    Args:
        dataset: data with the rows to fit.
        linear: ensemble whose members and weights are kept.
        workers: CPU threads; they do not change the result.
        should_stop: returns the number of a signal to stop at, else None.
        checkpoints: stored states, and where new ones are saved.
        listen: receiver of events.

    Raises:
        Interrupted: `should_stop` returned a signal.
    """
    return resumable_linear(
        LINEAR + REFIT_SUFFIX,
        lambda progress: refit_linear(
            dataset, linear, workers=workers, should_stop=should_stop, progress=progress
        ),
        checkpoints=checkpoints,
        listen=listen,
    )


def _to_state(linear: LinearEnsemble) -> SavedState:
    """Return the state of a finished training without epochs."""
    facts = {"part": LINEAR, "epoch": 0, "epochs": 0, "over": True}
    # Copy, because the state may be written later and must not change until then.
    tensors = {key: torch.from_numpy(array.copy()) for key, array in linear.arrays().items()}
    return SavedState(facts=facts | {"linear": linear.fit_facts()}, tensors=tensors)


def _from_state(saved: SavedState) -> LinearEnsemble:
    try:
        return LinearEnsemble.from_fit(
            {key: tensor.numpy() for key, tensor in saved.tensors.items()}, saved.facts["linear"]
        )
    except (KeyError, TypeError, ValueError) as error:
        raise IncompatibleState(f"it does not contain a linear forecast: {type(error).__name__}") from None
