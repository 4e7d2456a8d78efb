"""Tests of a warm start: which layers of a network take the weights of another model."""

from typing import Any

import pytest
import torch

from lstm_cli.models.mixture import Mixture
from lstm_cli.models.segment_lstm import SegmentLSTM
from lstm_cli.models.stacked_lstm import StackedLSTM
from lstm_cli.training.setup.start_weights import StartWeights

PART: dict[str, Any] = {
    "inputs": 3,
    "targets": 1,
    "known_ahead": 1,
    "lookback": 12,
    "horizon": 6,
    "segment": 3,
    "seasons": (3, 6),
    "hidden": 8,
    "dropout": 0.0,
    "anchored": True,
    "attention": 2,
    "far_seasons": (),
}
SHARED = (
    "inputs",
    "targets",
    "known_ahead",
    "horizon",
    "segment",
    "seasons",
    "hidden",
    "dropout",
    "attention",
)
STACKED: dict[str, Any] = {
    "inputs": 3,
    "targets": 1,
    "known_ahead": 1,
    "lookback": 12,
    "horizon": 6,
    "hidden": (8, 6),
    "dropout": 0.0,
    "layer_norm": True,
    "batch_norm": False,
    "attention": 0,
}
LAYERS = ["embed", "layers.0", "gate", "correct", "embed_covariates", "read_future", "embed_future"]
LAYERS += ["attention.project", "attention.out"]


def mixture_settings(**other: Any) -> dict[str, Any]:
    settings = {name: PART[name] for name in SHARED} | {
        "lookback": 12,
        "parts": ["linear", "anchored"],
        "linear_reach": 12,
        "linear_window": 12,
        "linear_share": 0.5,
        "linear_response": 0,
        "anchored_lookback": 12,
        "free_lookback": 12,
        "networks": 2,
        "simple_season": 1,
    }
    return settings | other


def start_of(kind: type[torch.nn.Module], name: str, settings: dict[str, Any]) -> StartWeights:
    """Return weights that differ from those of any new network, also from its zeros."""
    torch.manual_seed(7)
    return StartWeights(
        name,
        settings,
        {key: torch.rand_like(value) + 1 for key, value in kind(**settings).state_dict().items()},
    )


def test_a_network_of_the_same_shape_takes_all_layers() -> None:
    start = start_of(Mixture, "segment", mixture_settings())
    for number, expected in ((0, 0), (1, 1), (2, 1)):  # a third seed starts from the last network
        network = SegmentLSTM(**PART)
        taken = start.take(network, "anchored", number=number, settings=PART)
        assert (sorted(taken.taken), dict(taken.left)) == (sorted(LAYERS), {})
        given = start.network("anchored", expected)
        assert given is not None
        for key, value in given.state_dict().items():
            assert key == "unit" or torch.equal(network.state_dict()[key], value), key
    assert str(taken) == "anchored 9 of 9 layers"


@pytest.mark.parametrize(
    ("other", "left"),
    [
        (
            {"horizon": 9},
            {"gate": "shape 18 x 8, in the model 12 x 8", "correct": "shape 9 x 8, in the model 6 x 8"},
        ),
        ({"seasons": (3, 4)}, {"gate": "other seasons"}),  # the candidates are as many, but others
        ({"attention": 4}, {"attention.project": "another number of heads"}),
        ({"attention": 0}, {}),
    ],
)
def test_layers_with_another_shape_or_meaning_are_left(other: dict[str, Any], left: dict[str, str]) -> None:
    start = start_of(Mixture, "segment", mixture_settings())
    settings = PART | other
    network = SegmentLSTM(**settings)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    taken = start.take(network, "anchored", settings=settings)
    assert left.items() <= taken.left.items()
    assert {"embed", "layers.0"} <= set(taken.taken)
    after = network.state_dict()
    for name, value in before.items():
        layer = name.rpartition(".")[0]
        assert torch.equal(after[name], value) == (layer in taken.left or name == "unit"), name


def test_a_part_that_the_model_lacks_stays_random() -> None:
    start = start_of(Mixture, "segment", mixture_settings())
    taken = start.take(SegmentLSTM(**PART | {"anchored": False}), "free", settings=PART)
    assert taken.taken == ()
    assert set(taken.left.values()) == {"the model has no part free"}


def test_the_statistic_of_the_data_is_not_taken() -> None:
    settings = mixture_settings()
    tensors = {name: torch.full_like(value, 5.0) for name, value in Mixture(**settings).state_dict().items()}
    network = SegmentLSTM(**PART)
    StartWeights("segment", settings, tensors).take(network, "anchored", settings=PART)
    assert network.unit.tolist() == [1.0]


def test_weights_before_a_refit_need_no_linear_forecast() -> None:
    settings = mixture_settings()
    tensors = {
        name: value for name, value in Mixture(**settings).state_dict().items() if "linear" not in name
    }
    taken = StartWeights("segment", settings, tensors).take(SegmentLSTM(**PART), "anchored", settings=PART)
    assert taken.left == {}


@pytest.mark.parametrize(
    ("other", "left"),
    [
        ({}, set()),
        ({"hidden": (8, 5)}, {"layers.1", "norms.1", "head"}),
        ({"horizon": 9}, {"head", "ahead"}),
        ({"layer_norm": False, "batch_norm": True}, {"norms.0", "norms.1"}),
        ({"attention": 2}, {"attention.project", "attention.out"}),
    ],
)
def test_the_stacked_model(other: dict[str, Any], left: set[str]) -> None:
    start = start_of(StackedLSTM, "stacked", STACKED)
    settings = STACKED | other
    network = StackedLSTM(**settings)
    taken = start.take(network, "stacked", settings=settings)
    assert set(taken.left) == left
    assert "layers.0" in taken.taken
    given = start.network("stacked", 0)
    assert given is not None
    assert torch.equal(
        network.state_dict()["layers.0.weight_ih_l0"], given.state_dict()["layers.0.weight_ih_l0"]
    )
