"""Small runs of the steps in this process: one trained panel, copied for tests that change it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lstm_cli.config import EvaluateConfig, PrepareConfig, QuantizeConfig, TrainConfig
from lstm_cli.events import ignore_events
from lstm_cli.rundir import open_run
from lstm_cli.steps.evaluate import evaluate
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.quantize import quantize
from lstm_cli.steps.train import train

if TYPE_CHECKING:
    from torch import Tensor, nn

PREPARE = PrepareConfig(
    target=("sales",),
    past=("price",),
    future=("promo",),
    series=("shop",),
    horizon=7,
    lookback=14,
    calendar=True,
)
TRAIN = TrainConfig(hidden=(8,), epochs=1, batch_size=4, threads=1, lr=1e-3)
# Exporting a network takes seconds: this is for what does not depend on one.
LINEAR = replace(TRAIN, parts=("linear",), refit=False)


def write_panel(path: Path, *, seed: int = 0, rows: int = 130, ahead: int = 10) -> Path:
    """Write two shops with a weekly season. `ahead` extra rows have only the known-ahead promo."""
    rng = np.random.default_rng(seed)
    lines = ["day,shop,sales,price,promo"]
    for shop, level in (("A", 50.0), ("B", 900.0)):
        for row in range(rows + ahead):
            day = np.datetime64("2024-01-01") + row
            promo = int(row % 9 == 0)
            if row < rows:
                sales = level * (1 + 0.3 * np.sin(row * 2 * np.pi / 7) + 0.2 * promo) + rng.normal(
                    0, level / 50
                )
                lines.append(f"{day},{shop},{sales:.4f},{5 + rng.normal(0, 0.1):.3f},{promo}")
            else:
                lines.append(f"{day},{shop},,,{promo}")
    path.write_text("\n".join(lines) + "\n")
    return path


def model_files(run: Path) -> dict[str, bytes]:
    reader = open_run(run).artifact("model")
    return {name: reader.bytes(name) for name in reader.files}


_traces: dict[tuple[Any, ...], Any] = {}  # exported graph of each architecture


@contextmanager
def traces_kept() -> Iterator[None]:
    """Cache traces, so that networks that differ only in weights are traced once. A trace takes seconds.

    Each training puts its weights into the graph and compares the graph with torch. The tests of `export` check that
    tracing always gives an equal graph.
    """
    from lstm_cli.export import onnx

    trace = onnx.trace_graph

    def kept(
        model: "nn.Module", *, inputs: int, known_ahead: int, lower: "Tensor | None", upper: "Tensor | None"
    ) -> Any:
        key = (inputs, known_ahead, _values(lower), _values(upper), *_architecture(model))
        if key not in _traces:
            _traces[key] = trace(model, inputs=inputs, known_ahead=known_ahead, lower=lower, upper=upper)
        return _traces[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(onnx, "trace_graph", kept)
        yield


def _architecture(model: "nn.Module") -> Iterator[Any]:
    """Return the content of a graph without the values of the weights."""
    state = model.state_dict()
    yield tuple((name, tuple(value.shape)) for name, value in state.items())
    yield tuple((name, _values(value)) for name, value in model.named_buffers() if name not in state)
    for name, module in model.named_modules():
        own = {key: value for key, value in vars(module).items() if key[0] != "_" and key != "training"}
        yield name, type(module), repr(sorted(own.items()))


def _values(tensor: "Tensor | None") -> bytes | None:
    return None if tensor is None else tensor.cpu().numpy().tobytes()


@pytest.fixture(scope="session")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_panel(tmp_path_factory.mktemp("panel") / "panel.csv")


@pytest.fixture(scope="session")
def trained(panel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run with data, model and an int8 model. Tests must not change it."""
    run = tmp_path_factory.mktemp("trained") / "run"
    prepare(str(panel), run, PREPARE, ignore_events)
    with traces_kept():
        train(run, TRAIN, ignore_events)
    quantize(run, QuantizeConfig(max_loss=1.0), ignore_events)
    return run


@pytest.fixture(scope="session")
def scored(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the trained run with scores. Tests must not change it."""
    run = Path(shutil.copytree(trained, tmp_path_factory.mktemp("scored") / "run"))
    evaluate(run, EvaluateConfig(threads=1), ignore_events)
    return run


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """Return a copy of the trained run."""
    return Path(shutil.copytree(trained, tmp_path / "run"))
