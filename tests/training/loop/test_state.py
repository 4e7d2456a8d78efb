"""Tests that a resumed training is equal to the bit to an uninterrupted one."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
import safetensors.torch
import torch
from small_data import dataset, plan, wave
from test_fit import segment
from torch import nn

from lstm_cli.data.dataset.windows import split_windows
from lstm_cli.errors import DeviceError, Interrupted, TrainingDiverged
from lstm_cli.events import Event, Note, ignore_events
from lstm_cli.library_errors import is_out_of_memory
from lstm_cli.models.registry import Architecture
from lstm_cli.models.stacked_lstm import StackedLSTM
from lstm_cli.training.loop import fit as fitting
from lstm_cli.training.loop.fit import FitResult, fit
from lstm_cli.training.loop.out_of_memory import fit_in_memory
from lstm_cli.training.setup.checkpoint_state import CheckpointSlot, IncompatibleState, SavedState
from lstm_cli.training.setup.hyperparameters import Hyperparameters
from lstm_cli.training.windows.device_windows import DeviceWindows
from lstm_cli.training.windows.validation import loss_validator

CPU = torch.device("cpu")
EPOCH = 6  # should_stop calls per epoch: five steps and one validation batch


def windows(split: str = "train", *, unequal: bool = False) -> DeviceWindows:
    rows, ends = ((140, 40), (100, 25)) if unequal else ((90, 70), (50, 40))
    series = [wave(count, seed=count) for count in rows]
    data = dataset(series, train_end=ends, val_end=[end + 15 for end in ends], lookback=8, horizon=4)
    return DeviceWindows.from_windows(split_windows(data, split), CPU)


def stacked(**changes: Any) -> StackedLSTM:
    torch.manual_seed(0)
    settings = {"inputs": 1, "targets": 1, "known_ahead": 0, "lookback": 8, "horizon": 4, "hidden": (4,)}
    return StackedLSTM(**settings | {"dropout": 0.3} | changes)


def through_files(saved: SavedState) -> SavedState:
    """Return a saved state as another process reads it."""
    return SavedState(
        facts=json.loads(json.dumps(saved.facts, allow_nan=False)),
        tensors=safetensors.torch.load(safetensors.torch.save(dict(saved.tensors))),
    )


def trained(
    make: Callable[[], nn.Module],
    hparams: Hyperparameters,
    stops: Sequence[int] = (),
    *,
    validated: bool = True,
    unequal: bool = False,
) -> FitResult:
    """Return a training that is interrupted at these calls of should_stop and resumed each time.

    Calls are counted from each start.
    """
    result: SavedState | None = None
    validate = loss_validator(windows("val", unequal=unequal), "mae") if validated else None
    for stop in (*stops, None):
        kept: list[SavedState] = []
        requested = count()

        def should_stop(requested: Any = requested, stop: Any = stop) -> int | None:
            return 15 if next(requested) == stop else None

        if validated:
            validate = loss_validator(windows("val", unequal=unequal), "mae", should_stop=should_stop)
        try:
            return fit(
                make(),
                windows(unequal=unequal),
                validate,
                hparams,
                part="free",
                listen=ignore_events,
                should_stop=should_stop,
                slot=CheckpointSlot(stored=result, save=kept.append),
            )
        except Interrupted:
            result = through_files(kept[-1]) if kept else result
    raise AssertionError("it never came to its end")


def require_same(item: FitResult, other: FitResult) -> None:
    assert item.weights.keys() == other.weights.keys()
    assert all(torch.equal(item.weights[name], other.weights[name]) for name in item.weights)
    plain = [[{**entry, "seconds": 0} for entry in fitted.history] for fitted in (item, other)]
    assert plain[0] == plain[1]
    assert replace(item, weights={}, history=[], seconds=0) == replace(
        other, weights={}, history=[], seconds=0
    )


WAYS = {
    "textbook": (stacked, {"schedule": "cosine", "warmup": 3, "clip_norm": 0.5}),
    "batch norm": (lambda: stacked(batch_norm=True, hidden=(4, 3)), {"optimizer": "adam"}),
    "momentum": (stacked, {"optimizer": "sgd", "max_norm": 1.0}),
    "rmsprop": (stacked, {"optimizer": "rmsprop", "weight_decay": 1e-2}),
    "plateau": (stacked, {"schedule": "plateau", "patience": 3, "lr": 0.3, "epochs": 8}),
    "averaged": (segment, {"averaged": True, "schedule": "cosine"}),
}


@pytest.mark.parametrize("way", WAYS)
def test_resumed_training_gives_the_same_bytes(way: str) -> None:
    make, settings = WAYS[way]
    hparams = plan(**{"epochs": 4, **settings})
    whole = trained(make, hparams)
    for stops in ([1], [EPOCH], [EPOCH + 3], [EPOCH * 3 + 5], [2 * EPOCH, EPOCH + 1, 3]):
        require_same(trained(make, hparams, stops), whole)


def test_resumed_early_stopping_continues_counting() -> None:
    hparams = plan(epochs=30, patience=3, lr=0.3)
    whole = trained(stacked, hparams)
    assert whole.stopped == "patience"
    last = len(whole.history) - 1
    for epoch in (last - 2, last - 1, last):  # while patience counts
        require_same(trained(stacked, hparams, [1 + (epoch - 1) * EPOCH + 2]), whole)


def test_resumed_training_samples_windows_in_the_same_order() -> None:
    hparams = plan(epochs=3)
    whole = trained(stacked, hparams, unequal=True)
    require_same(trained(stacked, hparams, [EPOCH + 4], unequal=True), whole)


def test_a_training_without_validation_resumes_too() -> None:
    hparams = plan(epochs=3)
    require_same(trained(stacked, hparams, [12], validated=False), trained(stacked, hparams, validated=False))


def saved_at(epoch: int, **settings: Any) -> SavedState:
    kept: list[SavedState] = []
    fit(
        stacked(),
        windows(),
        loss_validator(windows("val"), "mae"),
        plan(**settings),
        part="free",
        listen=ignore_events,
        should_stop=lambda: None,
        slot=CheckpointSlot(save=kept.append),
    )
    return through_files(kept[epoch])


def taken_up(found: SavedState, model: nn.Module, **settings: Any) -> FitResult:
    return fit(
        model,
        windows(),
        loss_validator(windows("val"), "mae"),
        plan(**settings),
        part="free",
        listen=ignore_events,
        should_stop=lambda: None,
        slot=CheckpointSlot(stored=found),
    )


def test_a_finished_training_is_not_repeated_and_saves_only_its_weights() -> None:
    result = saved_at(-1, epochs=2)
    assert all(name.startswith("weights.") for name in result.tensors)
    model = stacked()
    model.register_forward_pre_hook(lambda module, args: pytest.fail("it was trained"))
    fitted = taken_up(result, model, epochs=2)
    require_same(fitted, trained(stacked, plan(epochs=2)))


@pytest.mark.parametrize("epoch", [1, -1])
def test_the_state_of_another_training_is_refused(epoch: int) -> None:
    result = saved_at(epoch, epochs=2)
    for model, settings in (
        (stacked(hidden=(5,)), {}),
        (stacked(batch_norm=True), {}),
        (stacked(), {"lr": 0.02}),
    ):
        with pytest.raises(IncompatibleState):
            taken_up(result, model, **{"epochs": 2, **settings})
    for malformed in (
        replace(result, facts={**result.facts, "part": "anchored"}),
        replace(result, facts={**result.facts, "history": [3]}),
        replace(result, facts={name: fact for name, fact in result.facts.items() if name != "waited"}),
        replace(result, tensors={}),
    ):
        with pytest.raises(IncompatibleState):
            taken_up(malformed, stacked(), epochs=2)


# Finite numbers


def test_an_infinite_weight_at_the_last_step_is_an_error() -> None:
    """A refit computes no loss after its last step and has no validation, so the weight would be shipped."""
    with pytest.raises(TrainingDiverged) as diverged:
        trained(
            stacked,
            plan(epochs=1, steps_per_epoch=1, optimizer="sgd", lr=1e38, weight_decay=1e3),
            validated=False,
        )
    assert diverged.value.message == "training diverged in free: a weight is not finite at epoch 1, step 1"


# Memory


def in_memory_of(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make steps with a larger batch run out of memory."""
    real = fitting.backward

    def backward(model: Any, batch: Any, hparams: Hyperparameters, **named: Any) -> Any:
        result = real(model, batch, hparams, **named)
        if len(batch.past) > most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return result

    monkeypatch.setattr(fitting, "backward", backward)


def fitted_in_memory(hparams: Hyperparameters, **options: Any) -> tuple[Hyperparameters, FitResult]:
    return fit_in_memory(
        stacked(),
        windows(),
        loss_validator(windows("val"), "mae"),
        hparams,
        architecture=Architecture(name="stacked", settings={}),  # for other ranks
        **{
            "shrink": True,
            "part": "free",
            "listen": ignore_events,
            "should_stop": lambda: None,
            **options,
        },
    )


def test_a_smaller_batch_is_found_and_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    in_memory_of(5, monkeypatch)
    events: list[Event] = []
    kept: list[SavedState] = []
    hparams = plan(batch_size=24, epochs=2)
    used, fitted = fitted_in_memory(hparams, listen=events.append, slot=CheckpointSlot(save=kept.append))
    assert used == replace(hparams, batch_size=3)
    assert [event.text for event in events if isinstance(event, Note)] == [
        "free: out of memory with a batch of 24, trying 12",
        "free: out of memory with a batch of 12, trying 6",
        "free: out of memory with a batch of 6, trying 3",
    ]
    require_same(fitted, trained(stacked, plan(batch_size=3, epochs=2)))
    # A resumed training uses the stored batch size.
    events.clear()
    repeated = fitted_in_memory(
        hparams, listen=events.append, slot=CheckpointSlot(stored=through_files(kept[-2]))
    )
    assert repeated[0] == used
    require_same(repeated[1], fitted)
    assert not [event for event in events if isinstance(event, Note)]


@pytest.mark.parametrize(
    ("most", "options", "hint"),
    [
        (5, {"shrink": False}, "use --batch-size 12, or --batch-size auto"),
        (0, {}, "use a smaller --hidden"),
    ],
)
def test_out_of_memory_names_the_flag_to_change(
    most: int, options: dict[str, Any], hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_memory_of(most, monkeypatch)
    with pytest.raises(DeviceError) as short:
        fitted_in_memory(plan(batch_size=24), **options)
    assert short.value.exit_code == 7
    assert "out of memory on cpu while training free" in short.value.message
    assert short.value.hint.startswith(hint)


def test_out_of_memory_is_distinguished_from_other_errors() -> None:
    with pytest.raises(RuntimeError) as error:
        torch.empty(1 << 58)
    assert is_out_of_memory(error.value)
    assert is_out_of_memory(MemoryError("Unable to allocate 8.00 EiB"))
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="shapes"):
        fitted_in_memory(plan(), listen=broken)


def broken(event: Event) -> None:
    raise RuntimeError("shapes")
