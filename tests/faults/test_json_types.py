"""Tests of runs whose JSON was edited: a value of another type is exit code 4, or has no effect, and is never a bug.

`make faults` changes 1,500 values, the test suite one.
"""

import random
import shutil
from collections import Counter
from pathlib import Path

import pytest
from faulty import LINEAR, Command, copy_golden, trial_count
from golden_run import GOLDEN
from json_types import (
    VALUES,
    Place,
    is_other_type,
    json_files,
    places,
    read_values,
    replaced,
    value_at,
    write_values,
)

PREPARE = ("--series", "shop", "--target", "sales", "--past", "price", "--future", "promo", "--horizon", "7")
VERBS = (
    ("runs",),
    ("verify",),
    ("config",),
    ("config", "--toml"),
    ("predict", "--threads", "1"),
    ("predict", "--precision", "fp32", "--dry-run"),
    ("predict", "DATA", "--precision", "fp32", "--threads", "1"),
    ("evaluate", "--threads", "1"),
    ("quantize", "--max-loss", "1000%"),
    ("export", "--to", "onnx"),
    ("export", "--to", "npz"),
    ("export", "--to", "safetensors"),
    ("tune", "--show"),
    ("tune", "--method", "grid", "--space", "loss=mae|huber", "--dry-run"),
    ("train", "--dry-run"),
    ("train", *LINEAR),
    ("prepare", *PREPARE, "--lookback", "14", "--calendar"),
)
CODES = {
    0,
    2,
    3,
    4,
    5,
    7,
}  # 2: an option does not fit the edited run; 5: the error of the edited model is too large
FAULT = ("Traceback", "RuntimeWarning", "this is a bug")


def commands(run: Path, data: Path) -> list[list[object]]:
    """Return the command line of each verb. The verbs that change a run come last."""
    return [
        ["prepare", data, run, *options]
        if verb == "prepare"
        else [verb, run, *(data if word == "DATA" else word for word in options)]
        for verb, *options in VERBS
    ]


def check_run(command: Command, run: Path, panel: Path) -> tuple[Counter[int], str]:
    """Return how often each exit code came, and the first fault."""
    codes: Counter[int] = Counter()
    for argv in commands(run, panel):
        done = command(*argv, kill_after=120)
        codes[done["status"]] += 1
        if done["status"] not in CODES or any(word in done["err"] for word in FAULT):
            return codes, f"{argv[0]} {argv[2:]}: {done['status']} {done['err'][-1500:]}"
    return codes, ""


def test_values_of_another_type(command: Command, panel: Path, tmp_path: Path, rng: random.Random) -> None:
    base = GOLDEN / "run"
    documents = {file: read_values(base, file) for file in json_files(base)}
    every = [(file, place) for file, document in documents.items() for place in places(document)]
    codes: Counter[int] = Counter()
    faults = []
    for _ in range(trial_count(1_500, 1)):
        file, place = rng.choice(every)
        old = value_at(documents[file], place)
        new = rng.choice([value for value in VALUES if is_other_type(old, value)])
        run = copy_golden(tmp_path / "run")
        write_values(run, file, replaced(documents[file], place, new))
        found, fault = check_run(command, run, panel)
        codes += found
        if fault:
            faults.append(f"{file} {place} = {new!r:.40}: {fault}")
        shutil.rmtree(run)
    print(f"edited JSON: {codes.total()} commands, exit codes {dict(codes)}")
    assert not faults, "\n\n".join(faults)


EDITS = (  # values that were reported as bugs
    ("run.json", ("prepare", "config", "val"), [None], ("config", "--toml")),
    ("run.json", ("tune", "report", "importance", "loss", "share"), [1], ("tune", "--show")),
    ("run.json", ("tune", "report", "winner"), ["x"], ("train", "--dry-run")),
    ("run.json", ("prepare", "config", "past"), 7, ("evaluate", "--backtest", "1", "--threads", "1")),
    ("data/0001/schema.json", ("calendar",), [], ("evaluate", "--threads", "1")),
    ("data/0001/series.json", ("origin_us",), 1.5, ("predict",)),
    ("data/0001/scaler.json", ("scale", 0, 2), 1e300, ("predict", "--precision", "fp32")),
    ("model/0001/schema.json", ("delimiter",), "::", ("predict", "--precision", "fp32")),
    ("model/0001/intervals.json", ("floor",), [[1.5]], ("predict", "--precision", "fp32")),
)


@pytest.mark.parametrize(("file", "place", "new", "argv"), EDITS, ids=lambda value: "")
def test_an_edited_value_is_a_corrupt_artifact(
    command: Command, tmp_path: Path, file: str, place: Place, new: object, argv: tuple[str, ...]
) -> None:
    run = copy_golden(tmp_path / "run")
    write_values(run, Path(file), replaced(read_values(run, Path(file)), place, new))
    done = command(argv[0], run, *argv[1:])
    assert done["status"] == 4, done["err"]
    assert file.split("/")[0] in done["err"] or "different columns" in done["err"]
    assert "hint: " in done["err"]
