"""Recipe of the default model: linear, anchored and free parts, their combination, and the refit."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from lstm_cli.config import TrainConfig
from lstm_cli.config.train import PARTS
from lstm_cli.data.dataset.dataset import merge_validation_into_train
from lstm_cli.events import Listener, Note, Progressed
from lstm_cli.linear.model import LinearEnsemble
from lstm_cli.models.mixture import Mixture
from lstm_cli.models.registry import build_model
from lstm_cli.training.recipes.automatic_choices import TransformedData, choose_refit
from lstm_cli.training.recipes.linear_checkpoint import resumable_refit
from lstm_cli.training.recipes.mixture_weights import part_weights, seasonal_naive_part
from lstm_cli.training.recipes.result import ModelVersion, PartResult, TrainingResult
from lstm_cli.training.recipes.segment_networks import (
    FittedNetwork,
    TrainingContext,
    linear_module,
    part_windows,
    refit_networks,
    taken_weights,
    train_parts,
    training_context,
)
from lstm_cli.training.setup.checkpoint_state import Checkpoints
from lstm_cli.training.setup.start_weights import StartWeights


def train_segment(
    transformed: TransformedData,
    config: TrainConfig,
    *,
    device: torch.device,
    workers: int,
    listen: Listener,
    should_stop: Callable[[], int | None],
    checkpoints: Checkpoints,
    start: StartWeights | None = None,
) -> TrainingResult:
    """Train the parts that the config names, combine them by their validation forecasts, and refit them.

    Args:
        transformed: data and linear forecast to start from.
        config: settings of the training.
        device: device of the networks.
        workers: networks that train in parallel; the result does not depend on it.
        listen: receiver of events.
        should_stop: returns the number of a signal to stop at, else None.
        checkpoints: stored states to resume from, and where new ones are saved.
        start: weights at which the networks start.

    Raises:
        TrainingDiverged: a loss, gradient or weight is not finite.
        DeviceError: memory ran out.
        Interrupted: `should_stop` returned a signal.
        IncompatibleState: the checkpoints belong to another training.
    """
    context = training_context(
        transformed,
        config,
        device=device,
        workers=workers,
        listen=listen,
        should_stop=should_stop,
        checkpoints=checkpoints,
        start=start,
    )
    parts_named: list[str] = [part for part in PARTS if part in choose_parts(config)]
    network_parts = [part for part in parts_named if part != "linear"]
    taken = taken_weights(context, network_parts)
    attempts = train_parts(context, network_parts)
    dataset, linear = transformed.dataset, transformed.linear
    stage = "weighting the parts"
    listen(Progressed(stage=stage, done=0))
    season = None
    if "linear" in parts_named and attempts:
        season = seasonal_naive_part(
            dataset,
            linear,
            workers=workers,
            should_stop=should_stop,
            progress=lambda done, total: listen(
                Progressed(stage=stage, done=done, total=total, unit="comparisons")
            ),
        )
    parts = [*parts_named, *(["simple"] if season else [])]
    settings = _mixture_settings(context, parts, season or 1, attempts)
    network = _assemble(settings, linear, attempts)
    weights = part_weights(dataset, network, device)
    network.weights.copy_(torch.from_numpy(weights))
    validated = shipped = ModelVersion(network=network, linear=linear)
    rows = len(part_windows(context, "train", "anchored")) * dataset.targets
    refit, refit_reason = choose_refit(config, rows=rows, linear=linear)
    if refit:
        shipped = _refit(context, settings, attempts, network.weights)
    history = [entry for attempt in attempts for entry in attempt.result.history]
    return TrainingResult(
        dataset=dataset,
        settings=settings,
        shipped=shipped,
        validated=validated,
        parts=tuple(
            PartResult.from_fit(attempt.part, attempt.hparams, attempt.result) for attempt in attempts
        ),
        weights={part: weights[:, index].tolist() for index, part in enumerate(parts)},
        choices=transformed.choices | {"segment": _segment_reason(context), "refit": refit_reason},
        history=history,
        taken=taken,
        seconds=0.0,  # set by `train_model`
    )


def choose_parts(config: TrainConfig) -> tuple[str, ...]:
    """Return the parts to train: those named in the config, else those of the effort."""
    if config.parts:
        return config.parts
    return ("linear", "anchored") if config.effort == "fast" else ("linear", "anchored", "free")


def _segment_reason(context: TrainingContext) -> str:
    shape = context.shapes["anchored"]
    reason = "set by --segment" if context.config.segment else "from the season and the lookback"
    return f"{shape['segment']} steps, lookback {shape['lookback']} ({reason})"


def _mixture_settings(
    context: TrainingContext, parts: list[str], simple_season: int, attempts: list[FittedNetwork]
) -> dict[str, Any]:
    """Return the arguments of the mixture."""
    linear, shapes = context.data.linear, context.shapes
    reach = [linear.lookback, simple_season, *(shapes[attempt.part]["lookback"] for attempt in attempts)]
    far_seasons = shapes["anchored"]["far_seasons"] if attempts else ()
    shared = ("inputs", "targets", "known_ahead", "horizon", "segment", "hidden", "dropout", "attention")
    return {name: shapes["anchored"][name] for name in shared} | {
        "lookback": max(*reach, *far_seasons),
        "parts": parts,
        "linear_reach": len(linear.last_weights),
        "linear_window": linear.window,
        "linear_share": linear.share,
        "linear_response": len(linear.response),
        "anchored_lookback": shapes["anchored"]["lookback"],
        "free_lookback": shapes["free"]["lookback"],
        "networks": max([sum(attempt.part == part for attempt in attempts) for part in parts] + [1]),
        "seasons": list(shapes["anchored"]["seasons"]),
        "simple_season": simple_season,
        **({"far_seasons": list(far_seasons)} if far_seasons else {}),
    }


def _assemble(settings: dict[str, Any], linear: LinearEnsemble, attempts: list[FittedNetwork]) -> Mixture:
    """Return the mixture with the trained parts."""
    network = build_model("segment", settings)
    assert isinstance(network, Mixture)
    network.linear = linear_module(linear)
    for part in ("anchored", "free"):
        part_weights = [attempt.network_weights for attempt in attempts if attempt.part == part]
        for module, weights in zip(getattr(network, part), part_weights, strict=True):
            module.load_state_dict(weights)
    return network.requires_grad_(False).eval()


def _refit(
    context: TrainingContext, settings: dict[str, Any], attempts: list[FittedNetwork], weights: torch.Tensor
) -> ModelVersion:
    """Return the model refitted on training and validation rows, with the choices made by validation."""
    context.listen(Note(text="refitting on the training and validation rows"))
    merged = merge_validation_into_train(context.data.dataset)
    linear = resumable_refit(
        merged,
        context.data.linear,
        workers=context.workers,
        should_stop=context.should_stop,
        checkpoints=context.checkpoints,
        listen=context.listen,
    )
    refit_context = replace(context, data=replace(context.data, dataset=merged, linear=linear))
    network = _assemble(settings, linear, refit_networks(refit_context, attempts))
    network.weights.copy_(weights)
    return ModelVersion(network=network, linear=linear)
