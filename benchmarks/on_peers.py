"""The peers, each in an environment of its own: how a forecast of theirs is run, and a training."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from command import CommandFailed, Notebook

SCRIPTS = Path(__file__).with_name("peers")
NAMES = ("neuralforecast", "darts", "keras")


@dataclass(frozen=True, kw_only=True)
class Peer:
    """Commands of one peer."""

    forecast: list[str]  # loads a model and forecasts, in a fresh process
    train: list[str]  # some steps for each line that it reads; takes --threads and --steps


def found(notebook: Notebook, environments: Path | None, scratch: Path) -> dict[str, Peer]:
    """The peers that have an environment in the folder, each with a model to forecast with, in `scratch`."""
    peers: dict[str, Peer] = {}
    if environments is None:
        return peers
    for name in NAMES:
        python = environments / name / "bin" / "python"
        if not python.exists():
            notebook.say(f"{name}: no environment in {environments}")
            continue
        with notebook.attempt(name):
            command = [str(python), str(SCRIPTS / f"with_{name}.py")]
            folder = scratch / name
            folder.mkdir()
            save(name, [*command, "save", str(folder)])
            peers[name] = Peer(forecast=[*command, "forecast", str(folder)], train=[*command, "train"])
    return peers


def save(name: str, command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.splitlines() or ["nothing was said"])[-1]
        raise CommandFailed(f"{name}: exit {done.returncode}: {said}")
