"""Small runs of the steps in this process: one trained panel, copied for tests that change it."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lstm_cli.config import EvaluateConfig, PrepareConfig, QuantizeConfig, TrainConfig
from lstm_cli.events import ignore_events
from lstm_cli.rundir import open_run
from lstm_cli.steps.evaluate import evaluate
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.quantize import quantize
from lstm_cli.steps.train import train

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
# For tests that do not depend on a network.
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


@pytest.fixture(scope="session")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_panel(tmp_path_factory.mktemp("panel") / "panel.csv")


@pytest.fixture(scope="session")
def trained(panel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run with data, model and an int8 model. Tests must not change it."""
    run = tmp_path_factory.mktemp("trained") / "run"
    prepare(str(panel), run, PREPARE, ignore_events)
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
