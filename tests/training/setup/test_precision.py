"""Tests of the precision of a step: requested, automatic, unsupported; weights stay in 32 bits."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from small_data import dataset, plan, wave

from lstm_cli.config import TrainConfig
from lstm_cli.data.dataset.windows import split_windows
from lstm_cli.errors import DeviceError, UsageError
from lstm_cli.events import ignore_events
from lstm_cli.models.stacked_lstm import StackedLSTM
from lstm_cli.training.loop.optimizer_step import backward
from lstm_cli.training.setup import precision
from lstm_cli.training.setup.hyperparameters import make_hyperparameters
from lstm_cli.training.setup.precision import choose_precision
from lstm_cli.training.train_model import train_model
from lstm_cli.training.windows.device_windows import DeviceWindows

CPU = torch.device("cpu")
DATA = dataset([wave(90)], train_end=[60], val_end=[75])


ZEN = {"cpu_name": "AMD EPYC", "avx512_bf16": True}
XEON = {"cpu_name": "Intel Xeon", "avx512_bf16": True, "amx_bf16": False}
TILES = {"cpu_name": "Intel Xeon", "avx512_bf16": False, "amx_bf16": True}
OLD = {"cpu_name": "AMD EPYC", "avx512_f": True}


def on(able: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "cpu_capabilities", lambda: able)


@pytest.mark.parametrize(("able", "chosen"), [(ZEN, "bf16"), (XEON, "fp32"), (TILES, "fp32"), (OLD, "fp32")])
def test_auto_is_bf16_for_the_stacked_model_if_it_is_faster(
    able: dict[str, Any], chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(able, monkeypatch)
    precision_name, why = choose_precision(TrainConfig(model="stacked"), CPU)
    assert precision_name == chosen
    assert why.startswith(f"{chosen} (")
    assert choose_precision(TrainConfig(), CPU)[0] == "fp32"  # the default model gains nothing


@pytest.mark.parametrize(
    ("settings", "chosen"),
    [
        ({}, "fp32"),
        ({"hidden": (512, 512), "batch_size": 256}, "bf16"),
        ({"hidden": (512, 512)}, "fp32"),
        ({"hidden": (512, 512), "batch_size": "auto"}, "fp32"),
        ({"hidden": (512, 64), "batch_size": 256}, "fp32"),
        ({"batch_size": 4096}, "fp32"),
    ],
)
def test_auto_on_a_gpu_is_bf16_for_wide_layers(
    settings: dict[str, Any], chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "_why_no_bf16", lambda device: "")
    precision_name, why = choose_precision(TrainConfig(model="stacked", **settings), torch.device("cuda"))
    assert precision_name == chosen
    assert why.startswith(f"{chosen} (")
    monkeypatch.setattr(precision, "_why_no_bf16", lambda device: "cuda does not")
    assert choose_precision(TrainConfig(model="stacked", **settings), torch.device("cuda"))[0] == "fp32"


@pytest.mark.parametrize("able", [ZEN, XEON, TILES])
def test_requested_bf16_is_used_if_the_cpu_supports_it(
    able: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    on(able, monkeypatch)
    for model in ("stacked", "segment"):
        assert choose_precision(TrainConfig(model=model, precision="bf16"), CPU)[0] == "bf16"


@pytest.mark.parametrize("able", [OLD, {}])
def test_bf16_without_cpu_support_is_an_error_with_a_hint(
    able: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    on(able, monkeypatch)
    with pytest.raises(DeviceError, match=r"--precision bf16 .*: torch finds neither") as error:
        choose_precision(TrainConfig(precision="bf16"), CPU)
    assert error.value.exit_code == 7
    assert "--precision fp32" in str(error.value.hint)


def test_an_unknown_precision_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="--precision 'int8' is invalid: use one of auto, fp32, bf16"):
        TrainConfig(precision="int8")


def gradients(bf16: bool) -> list[torch.Tensor]:
    torch.manual_seed(0)
    model = StackedLSTM(
        inputs=1, targets=1, known_ahead=0, lookback=8, horizon=4, hidden=(16, 8), dropout=0.0
    )
    windows = DeviceWindows.from_windows(split_windows(DATA, "train"), CPU)
    backward(model, windows.gather(torch.arange(16)), plan(bf16=bf16))
    return [each.grad for each in model.parameters() if each.grad is not None]


def test_the_gradient_in_bf16_is_that_of_fp32_to_two_digits_and_kept_in_fp32() -> None:
    plain, coarse = gradients(False), gradients(True)
    assert {each.dtype for each in coarse} == {torch.float32}
    whole, other = (torch.cat([each.flatten() for each in side]) for side in (plain, coarse))
    apart = float((whole - other).norm() / whole.norm())
    assert 0 < apart < 0.02  # 0: nothing was computed in 16 bits


@pytest.mark.parametrize("asked", ["fp32", "bf16"])
def test_requested_precision_reaches_the_steps_and_is_reported(
    asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(ZEN, monkeypatch)
    seen = set()

    def watched(step: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
        def run(model: torch.nn.Module, batch: object, plan: object, **named: object) -> torch.Tensor:
            seen.add(plan.bf16)  # type: ignore[attr-defined]
            return step(model, batch, plan, **named)

        return run

    monkeypatch.setattr("lstm_cli.training.loop.fit.backward", watched(backward))
    config = TrainConfig(model="stacked", hidden=(4,), epochs=1, device="cpu", precision=asked)
    trained = train_model(DATA, config, threads=1, listen=ignore_events, should_stop=lambda: None)
    assert seen == {asked == "bf16"}
    assert trained.precision == asked
    assert trained.choices["precision"] == f"{asked} (set by --precision)"
    assert {each.dtype for each in trained.shipped.network.parameters()} == {torch.float32}


def test_hyperparameters_follow_the_chosen_precision() -> None:
    config = TrainConfig(model="stacked", precision="fp32")
    for precision_name in ("fp32", "bf16"):
        chosen = make_hyperparameters(replace(config, precision=precision_name), windows=1000, targets=1)
        assert chosen.bf16 is (precision_name == "bf16")
