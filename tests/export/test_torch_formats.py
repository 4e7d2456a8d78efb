"""Tests of TorchScript and exported programs in their own runtimes, compared with the torch model."""

import io
import logging
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from small_networks import HORIZON, INPUTS, TARGETS, Last, segment, stacked, windows
from torch import nn

from lstm_cli.data.dataset.windows import Batch
from lstm_cli.data.forecast.bounds import ScaledBounds
from lstm_cli.export import convert, torchscript
from lstm_cli.export.clipped_model import ClippedModel, ForecastOnly, example_windows
from lstm_cli.export.pt2 import export_pt2, open_pt2
from lstm_cli.export.torchscript import export_torchscript, open_torchscript

WRITE = {"torchscript": export_torchscript, "pt2": export_pt2}
OPEN = {"torchscript": open_torchscript, "pt2": open_pt2}
INFINITE = float("inf")


def _nothing_known_ahead() -> tuple[nn.Module, int]:
    return segment(0), 0


def _seq2seq() -> tuple[nn.Module, int]:
    settings = {"bidirectional": True, "attention": 2, "batch_norm": True, "hidden": (16, 8)}
    return stacked(1, head="seq2seq", **settings), 1


@pytest.fixture(
    scope="module",
    params=[(to, model) for to in WRITE for model in (_nothing_known_ahead, _seq2seq)],
    ids=lambda param: f"{param[0]} of {param[1].__name__.strip('_')}",
)
def exported(request: pytest.FixtureRequest) -> tuple[ForecastOnly, int, bytes, nn.Module]:
    """Return the network with bounds, K, the file, and the program that was loaded from it."""
    to, make_model = request.param
    model, known_ahead = make_model()
    with torch.no_grad():
        middle = model.eval()(*windows(120, known_ahead))[..., 0].median()
    lower = torch.tensor([float(middle), -INFINITE])  # half of the forecasts of the first target are lower
    network = ForecastOnly(ClippedModel(model, lower, None)).eval().requires_grad_(False)
    example = example_windows(model, inputs=INPUTS, known_ahead=known_ahead)
    data = WRITE[to](network, example)
    return network, known_ahead, data, OPEN[to](data)


@pytest.mark.parametrize("size", [1, 7, 120])
def test_the_file_agrees_with_torch_for_any_batch(exported, size: int) -> None:
    network, known_ahead, _, opened = exported
    given = windows(size, known_ahead)
    actual = opened(*given)
    assert actual.shape == (size, HORIZON, TARGETS)
    torch.testing.assert_close(actual, network(*given), rtol=0, atol=1e-6)
    if size > 1:  # the file has the bounds
        lower = network.bounded.lower
        assert lower is not None
        assert actual[..., 0].min() == lower[0]
        assert actual[..., 1].min() < actual[..., 1].median()


def test_padding_does_not_change_the_forecast(exported) -> None:
    _, known_ahead, _, opened = exported
    past, future, mask = windows(7, known_ahead)
    loud = torch.where(mask[:, :, None] > 0, past, torch.tensor(1e3))
    torch.testing.assert_close(opened(loud, future, mask), opened(past, future, mask), rtol=0, atol=1e-4)


def test_the_file_has_no_text_of_this_machine(exported) -> None:
    _, _, data, _ = exported
    archive = zipfile.ZipFile(io.BytesIO(data))
    for name in archive.namelist():
        for text in (str(Path.cwd()), str(Path.home()) + os.sep, "site-packages"):
            assert text.encode() not in archive.read(name), name


def test_the_files_load_without_the_package(tmp_path: Path) -> None:
    """A program that has torch but not lstm gets the same forecasts."""
    model = stacked(1, hidden=(4,))
    network = ForecastOnly(ClippedModel(model, None, None)).eval().requires_grad_(False)
    for to, write in WRITE.items():
        (tmp_path / to).write_bytes(write(network, example_windows(model, inputs=INPUTS, known_ahead=1)))
    given = windows(3, 1)
    np.savez(tmp_path / "in.npz", *(side.numpy() for side in given))
    program = """
import sys, numpy as np, torch
given = [torch.from_numpy(array) for array in np.load("in.npz").values()]
models = {"torchscript": torch.jit.load("torchscript"), "pt2": torch.export.load("pt2").module()}
np.savez("out.npz", **{name: model(*given).detach().numpy() for name, model in models.items()})
assert not any(name.startswith("lstm_cli") for name in sys.modules)
"""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, check=True, timeout=1200)
    with np.load(tmp_path / "out.npz", allow_pickle=False) as actual:
        for to in WRITE:
            np.testing.assert_allclose(actual[to], network(*given).numpy(), atol=1e-6)


@pytest.mark.parametrize("to", WRITE)
def test_a_conversion_is_silent_and_compared_on_windows(to: str, capfd, caplog, recwarn, monkeypatch) -> None:
    past, future, mask = (side.numpy() for side in windows(5, 0))
    batch = Batch(
        past=past,
        future=future,
        mask=mask,
        target=np.zeros((5, HORIZON, TARGETS), np.float32),
        observed=np.ones((5, HORIZON, TARGETS), bool),
        series=np.zeros(5, np.int64),
    )
    lower = np.array([-0.05, -INFINITE], np.float32)
    bounds = ScaledBounds(lower=lower)
    capfd.readouterr()
    data, difference = convert.convert_model(to, Last().eval(), bounds, batch)
    assert capfd.readouterr() == ("", "")
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert not list(recwarn)
    assert difference == 0
    actual = OPEN[to](data)(*windows(9, 0))
    assert actual[..., 0].min() == lower[0]
    if to == "torchscript":

        def inaccurate(data: bytes) -> nn.Module:
            return lambda *inputs: open_torchscript(data)(*inputs) + 1e-3  # type: ignore[return-value]

        monkeypatch.setattr(torchscript, "open_torchscript", inaccurate)
        with pytest.raises(RuntimeError, match=r"differs from torch by 0\.001"):
            convert.convert_model(to, Last().eval(), bounds, batch)
