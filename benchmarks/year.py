"""A simulated year of nights on ETTh1: `lstm refresh`, a training from scratch every week, and no training.

make year                                                  # all courses; started again, it continues
.venv/bin/python benchmarks/year.py runs/year --only break # one course, so that several can run at the same time
.venv/bin/python benchmarks/year.py runs/year --tables     # print the tables of the nights so far

Each command is a fork of one process that has imported the libraries, so no night spends time on imports. The clock of
each command is that of its night: `time-machine` changes it in the fork.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import time_machine
from year_courses import COURSES, DAY, Course, make_course
from year_tables import print_tables

CONTESTANTS = ("refresh", "weekly", "never")
PREPARE = ("--target", "OT", "--horizon", "24")
TRAIN = ("--effort", "fast", "--threads", "1")
WEEK = 7  # nights
HOUR_OF_NIGHT = 2.25  # hours after midnight
RECORDS = "nights.json"
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("folder", type=Path, help="folder of the state and of the runs")
    options.add_argument("--only", choices=COURSES, action="append", help="course (repeatable)")
    options.add_argument("--contestant", choices=CONTESTANTS, action="append", help="contestant (repeatable)")
    options.add_argument("--nights", type=int, help="nights of each course, if less than all")
    options.add_argument(
        "--refresh", default="", help="more options of `lstm refresh`, such as '--new-rows 168'"
    )
    options.add_argument("--tables", action="store_true", help="print the tables of the nights so far")
    given = options.parse_args()
    if not given.tables:
        os.environ |= ONE_THREAD
        import_libraries()
        for name in given.only or COURSES:
            course = make_course(name, given.nights)
            for contestant in given.contestant or CONTESTANTS:
                folder = given.folder / name / contestant
                Simulation(course, contestant, folder, tuple(given.refresh.split())).run()
    print_tables({name: join_nights(given.folder / name) for name in COURSES})


def import_libraries() -> None:
    """Import what the commands need, so that the forks have it."""
    from importlib import import_module

    for name in (
        "torch",
        "onnx",
        "lstm_cli.cli.main",
        "lstm_cli.cli.commands.refresh",
        "lstm_cli.plots.forecast",
    ):
        import_module(name)
    for name in ("prepare", "train", "evaluate", "predict", "refresh"):
        import_module(f"lstm_cli.steps.{name}")
    for name in ("lstm_cli.training.train_model", "lstm_cli.steps.train.save_model", "onnxruntime"):
        import_module(name)


def lstm(arguments: tuple[str, ...], folder: Path, moment: datetime) -> dict[str, Any]:
    """Return the exit code, the CPU seconds, the report and the errors of a command.

    Args:
        arguments: command line without `lstm`; `--json` is added.
        folder: working directory.
        moment: date and time of the command.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            code = 70
            try:
                null = os.open(os.devnull, os.O_RDONLY)
                for source, number in ((null, 0), (out.fileno(), 1), (err.fileno(), 2)):
                    os.dup2(source, number)
                os.chdir(folder)
                from lstm_cli.cli.main import run

                with time_machine.travel(moment):
                    code = run([*arguments, "--json"])
                sys.stdout.flush()
                sys.stderr.flush()
            finally:
                os._exit(code)
        _, status, used = os.wait4(child, 0)
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode(errors="replace"))
    code = os.waitstatus_to_exitcode(status)
    errors = [line for line in texts[1].splitlines() if line.startswith("error")]
    report = json.loads(texts[0]) if texts[0].startswith("{") else {}
    return {"code": code, "cpu": used.ru_utime + used.ru_stime, "report": report, "errors": errors}


class Simulation:
    """Nights of one contestant in one course.

    The folder has one subfolder for the newest night, with the run and the records of all nights. A night works on a
    copy, which one rename makes the newest night. So a night that was killed is repeated from its beginning, and the
    result is the same.
    """

    def __init__(self, course: Course, contestant: str, folder: Path, options: tuple[str, ...]) -> None:
        """Begin, or continue.

        Args:
            course: what the exports hold.
            contestant: refresh, weekly or never.
            folder: folder of the state.
            options: more options of `lstm refresh`.
        """
        self.course, self.contestant, self.folder, self.options = course, contestant, folder, options

    def run(self) -> None:
        """Simulate the nights that are not done."""
        self.folder.mkdir(parents=True, exist_ok=True)
        done = newest_night(self.folder)
        for night in range(0 if done is None else done + 1, self.course.nights):
            work = self.folder / "unfinished"
            shutil.rmtree(work, ignore_errors=True)
            if night:
                shutil.copytree(night_folder(self.folder, night - 1), work)
            else:
                work.mkdir()
                self._first_training(work)
            began = time.monotonic()
            record = self._night(work, night)
            (work / RECORDS).write_text(json.dumps([*load_records(work), record]))
            work.rename(night_folder(self.folder, night))
            if night:
                shutil.rmtree(night_folder(self.folder, night - 1), ignore_errors=True)
            mase = "-" if record["mase"] is None else f"{record['mase']:.3f}"
            print(
                f"{self.course.name}, {self.contestant}, night {night + 1} of {self.course.nights}: MASE {mase}, "
                f"{record['verdict']} ({time.monotonic() - began:.1f} s)",
                flush=True,
            )

    def _first_training(self, work: Path) -> None:
        """Make the run with which `refresh` and the contestant without trainings begin."""
        if self.contestant == "weekly":
            return
        (work / "export.csv").write_text(self.course.export(0))
        for arguments in (
            ("prepare", "export.csv", "run", *PREPARE),
            ("train", "run", *TRAIN),
            ("evaluate", "run"),
        ):
            done = lstm(arguments, work, self._moment(0))
            if done["code"]:
                sys.exit(f"lstm {arguments[0]}: exit {done['code']}: {done['errors']}")

    def _moment(self, night: int) -> datetime:
        midnight = datetime.fromisoformat(self.course.first_forecast(night)).replace(tzinfo=UTC)
        return midnight + timedelta(hours=HOUR_OF_NIGHT)

    def _night(self, work: Path, night: int) -> dict[str, Any]:
        """Run the commands of a night, and return its record."""
        (work / "export.csv").write_text(self.course.export(night))

        def call(*arguments: str) -> dict[str, Any]:
            return lstm(arguments, work, self._moment(night))

        output = ("export.csv", "-o", "forecast.csv")
        trainings = []
        if self.contestant == "weekly" and night % WEEK == 0:
            trainings.append(call("prepare", "export.csv", "run", *PREPARE, "--test", "0"))
            if not trainings[-1]["code"]:
                trainings.append(call("train", "run", *TRAIN))
        last = (
            call("refresh", "run", *output, *self.options)
            if self.contestant == "refresh"
            else call("predict", "run", *output)
        )
        report, commands = last["report"], [*trainings, last]
        forecast = read_forecast(work / "forecast.csv", self.course.first_forecast(night))
        files = [path for path in (work / "run").rglob("*") if path.is_file()]
        verdict = report.get("verdict", "trained" if trainings else "not trained")
        return {
            "night": night,
            "mase": None if forecast is None else self.course.mase(night, forecast),
            "codes": [each["code"] for each in commands],
            "errors": [line for each in commands for line in each["errors"]],
            "verdict": "error" if last["code"] else verdict,
            "reason": report.get("reason"),
            "comparison": report.get("comparison"),
            "test": (report.get("ledger") or {}).get("test"),
            "cpu": sum(each["cpu"] for each in commands),
            "training": sum(each["cpu"] for each in trainings),
            "bytes": sum(path.stat().st_size for path in files),
            "ledger_bytes": sum(path.stat().st_size for path in files if path.parent.name == "ledger"),
            "folders": sum(path.is_dir() for path in (work / "run").rglob("*")),
            "models": len(list((work / "run" / "model").iterdir())),
        }


def read_forecast(path: Path, first: str) -> np.ndarray | None:
    """Return the forecast [24] of the hours from `first`, or None if the file begins with another hour."""
    if not path.exists():
        return None
    lines = path.read_text().splitlines()
    column = lines[0].split(",").index("OT")
    rows = [line.split(",") for line in lines[1:]]
    if len(rows) != DAY or rows[0][0] != first:
        return None
    return np.array([float(row[column]) for row in rows])


def night_folder(folder: Path, night: int) -> Path:
    """Return the folder of a finished night."""
    return folder / f"night-{night:03d}"


def newest_night(folder: Path) -> int | None:
    """Return the newest finished night, or None."""
    return max((int(path.name.removeprefix("night-")) for path in folder.glob("night-*")), default=None)


def load_records(folder: Path) -> list[dict[str, Any]]:
    """Return the records in the folder of a night."""
    path = folder / RECORDS
    return json.loads(path.read_text()) if path.exists() else []


def join_nights(folder: Path) -> list[dict[str, Any]]:
    """Return the records of the nights that all contestants of a course have finished, by contestant."""
    found = {}
    for name in CONTESTANTS:
        done = newest_night(folder / name)
        found[name] = [] if done is None else load_records(night_folder(folder / name, done))
    count = min(len(nights) for nights in found.values())
    return [{name: found[name][night] for name in CONTESTANTS} | {"night": night} for night in range(count)]


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
