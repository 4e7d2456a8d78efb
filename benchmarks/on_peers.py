"""Commands of the peer libraries, each in its own environment."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from command import CommandFailed, Notebook

SCRIPTS = Path(__file__).with_name("peers")
NAMES = ("neuralforecast", "darts", "keras")


@dataclass(frozen=True, kw_only=True)
class Peer:
    """Commands of one peer."""

    forecast: list[str]  # loads a model and forecasts in a fresh process
    train: list[str]  # trains --steps steps for each line on stdin; accepts --threads


def found(notebook: Notebook, environments: Path | None, scratch: Path) -> dict[str, Peer]:
    """Return the peers that have an environment. Save a model of each for its forecasts.

    Args:
        notebook: printer of missing environments and failures.
        environments: folder that `make peers` wrote; None: no peers.
        scratch: folder for the models.
    """
    peers: dict[str, Peer] = {}
    if environments is None:
        return peers
    for name in NAMES:
        python = environments / name / "bin" / "python"
        if not python.exists():
            notebook.say(f"{name}: no environment in {environments} (make -C benchmarks peers)")
            continue
        with notebook.attempt(name):
            command = [str(python), str(SCRIPTS / f"with_{name}.py")]
            folder = scratch / name
            folder.mkdir()
            save(name, [*command, "save", str(folder)])
            peers[name] = Peer(forecast=[*command, "forecast", str(folder)], train=[*command, "train"])
    return peers


def save(name: str, command: list[str]) -> None:
    """Run the command that saves a model. Raise CommandFailed if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        message = (done.stderr.splitlines() or ["no error message"])[-1]
        raise CommandFailed(f"{name}: exit {done.returncode}: {message}")
