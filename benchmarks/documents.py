"""Accuracy on labelled documents: the language of short sentences.

.venv/bin/python benchmarks/documents.py
.venv/bin/python benchmarks/documents.py --tokens characters bpe --seeds 0 1 2

The sentences are those of the translations in the package Django (BSD licence), which `pip download` fetches. Each
message is translated into 20 languages, some of them alike, such as Danish and Norwegian. All translations of a message
are in one split (`--group`). `lstm` has its default settings, and one training per seed. The network alone is the part
of the model without the simple model.
"""

import argparse
import csv
import gettext
import io
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import safetensors.torch
import torch
from command import Notebook, lstm

from lstm_cli.evaluation.classification.metrics import ClassifiedSequences
from lstm_cli.models.sequence_classifier import SequenceClassifier
from lstm_cli.rundir import open_run
from lstm_cli.sequences.store import load_data
from lstm_cli.training.sequences.device_sequences import DeviceSequences, class_scores

PACKAGE = "django==5.2"
CATALOG = re.compile(r"django/(?:conf|contrib/\w+)/locale/(\w+)/LC_MESSAGES/django\.mo")
LANGUAGES = (
    *("cs", "sk", "pl", "sl", "hr", "sr_Latn", "bs", "da", "nb", "nn", "sv"),
    *("nl", "de", "fr", "it", "es", "pt", "gl", "ca", "ro"),
)
SHORTEST = 15  # characters of a sentence


def parse_arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tokens", nargs="+", default=["characters"], help="kinds of tokens")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0], help="a training each")
    parser.add_argument("--sentences", type=Path, help="file to write the sentences to, and keep")
    parser.add_argument("--record", type=Path, help="file of JSON lines to append to")
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> None:
    arguments = parse_arguments(words)
    notebook = Notebook(arguments.record)
    with tempfile.TemporaryDirectory() as folder:
        file = arguments.sentences or Path(folder) / "sentences.csv"
        write_sentences(file, Path(folder))
        notebook.head("tokens", "seed", "model", "accuracy", "macro-F1", "log-loss")
        notes = []
        for kind in arguments.tokens:
            run = Path(folder) / kind
            columns = ("--text", "sentence", "--label", "language", "--group", "message", "--tokens", kind)
            lstm("prepare", str(file), str(run), *columns)
            for seed in arguments.seeds:
                notes.append(measure(run, kind, seed, notebook))
    notebook.say("")
    for note in notes:
        notebook.say(note)


def measure(run: Path, kind: str, seed: int, notebook: Notebook) -> str:
    """Train with a seed, print a row for each side of the model, and return a line about the whole."""
    trained, seconds = lstm("train", str(run), "--seed", str(seed), "--force")
    scores, _ = lstm("evaluate", str(run), "--force")
    sides = {
        "majority class": scores["baselines"]["majority"],
        "simple model": scores["baselines"]["simple"],
        "network alone": network_scores(run),
        "whole model": scores["metrics"],
    }
    for name, metrics in sides.items():
        notebook.row(
            kind, seed, name, *(f"{metrics[key]:.4f}" for key in ("accuracy", "macro_f1", "log_loss"))
        )
    low, high = scores["comparisons"]["simple"]["interval"]
    weight = trained["weights"]["network"]
    return (
        f"{kind}, seed {seed}: weight of the network {weight:.2f}, trained in {seconds:.0f} s; log-loss of the whole "
        f"minus that of the simple model {low:+.4f} to {high:+.4f} (95 % interval)"
    )


def write_sentences(file: Path, folder: Path) -> None:
    """Write the translations as a CSV file: number of the message, language, sentence."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--dest",
        str(folder),
        PACKAGE,
    ]
    subprocess.run(command, check=True)
    wheel = zipfile.ZipFile(next(folder.glob("[Dd]jango-*.whl")))
    messages: dict[str, int] = {}
    rows = []
    for name in sorted(wheel.namelist()):
        match = CATALOG.match(name)
        if match is None or match[1] not in LANGUAGES:
            continue
        catalog = gettext.GNUTranslations(io.BytesIO(wheel.read(name)))
        for message, sentence in catalog._catalog.items():  # type: ignore[attr-defined]
            if isinstance(message, str) and message not in ("", sentence) and len(sentence) >= SHORTEST:
                rows.append((messages.setdefault(message, len(messages) + 1), match[1], sentence))
    with file.open("w", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(("message", "language", "sentence"))
        writer.writerows(sorted(rows, key=lambda row: (row[1], row[0])))


def network_scores(run: Path) -> dict[str, float]:
    """Return the metrics of the network alone on the test documents."""
    with open_run(run) as opened:
        data, reader = load_data(opened), opened.artifact("model")
        settings, weights = reader.json("model.json")["settings"], reader.bytes("weights.safetensors")
    network = SequenceClassifier(**{**settings, "hidden": tuple(settings["hidden"])})
    network.load_state_dict(safetensors.torch.load(weights))
    test = DeviceSequences.from_data(data, "test", torch.device("cpu"))
    probabilities = class_scores(network.eval(), test).softmax(dim=1).numpy()
    return ClassifiedSequences(labels=test.labels.numpy(), probabilities=probabilities).metrics()


if __name__ == "__main__":
    main()
