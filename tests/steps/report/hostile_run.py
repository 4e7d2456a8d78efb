"""Run whose names try to become markup: series, target, categories, file and folder."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_steps import LINEAR

from lstm_cli.config import EvaluateConfig, PrepareConfig
from lstm_cli.events import ignore_events
from lstm_cli.steps.evaluate import evaluate
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.train import train

SCRIPT = "</script><img src=x onerror=alert(1)>"
TARGET = "<b onclick=alert(2)>y</b>&\"'`|"
SERIES = (SCRIPT, '"><svg onload=alert(3)> @octocat', "a|b `c` **d** ${7*7}")
CATEGORY = "<script>alert(4)</script>"
FILE, FOLDER = "<img src=x onerror=alert(5)>.csv", "<script>alert(6)<"
CONFIG = PrepareConfig(
    target=(TARGET,), series=("shop",), static=("kind",), time=("day",), horizon=7, lookback=14
)


def write_hostile(path: Path) -> None:
    rng = np.random.default_rng(5)
    quoted = ['"' + name.replace('"', '""') + '"' for name in (*SERIES, CATEGORY, TARGET)]
    lines = [f"day,shop,kind,{quoted[-1]}"]
    for number, series in enumerate(quoted[:3]):
        for row in range(130):
            day = np.datetime64("2024-01-01") + row
            value = 50 + 10 * np.sin(row * 2 * np.pi / 7) + rng.normal(0, 2)
            lines.append(f"{day},{series},{quoted[3] if number else 'x'},{value:.3f}")
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a scored run with hostile names. Tests must not change it."""
    folder = tmp_path_factory.mktemp("hostile")
    write_hostile(folder / FILE)
    run = folder / FOLDER
    prepare(str(folder / FILE), run, CONFIG, ignore_events)
    train(run, replace(LINEAR, threads=1), ignore_events)
    evaluate(run, EvaluateConfig(threads=1), ignore_events)
    return run
