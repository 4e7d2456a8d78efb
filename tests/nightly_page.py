"""Writer of the outputs in docs/how-to/nightly.md: `python tests/nightly_page.py`. With --json, it prints them.

It runs the nights of a small daily load, and puts the last lines of each kind of night into the blocks below the
comments `<!-- output: NAME -->` of the page. The first model cannot know the effect of promotions, which begins after
its last row. Later the load is noise.
"""

import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from datetime import date, timedelta
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "how-to" / "nightly.md"
COMMAND = "PYTHONPATH=. python tests/nightly_page.py"
NIGHT = ("refresh", "runs/load", "load.csv", "--margin", "5%", "-o", "forecast.csv")
FIRST, GROWN, NIGHTS, LAST = 107, 207, 222, 260  # days of the exports
NOISE = 224  # first day of the noise
EFFECT = 100  # first day on which promotions have an effect
SEED = 6
ENVIRONMENT = {
    "LSTM_TRAIN_PARTS": "linear",
    "LSTM_TRAIN_REFIT": "0",
    "LSTM_REFRESH_NEW_ROWS": "49",
    "OMP_NUM_THREADS": "1",
}
BLOCK = re.compile(r"(<!-- output: ([\w ]+) -->\n```text\n)(.*?)(```)", re.DOTALL)

Shell = Callable[..., tuple[int, str]]


def write_export(path: Path, days: int) -> None:
    """Write the load of the first days, with the promotions of the week after them."""
    rng, level, lines = random.Random(SEED), 0.0, ["day,load,promo"]
    for day in range(days + 7):
        level = 0.8 * level + rng.gauss(0, 4)
        load = 100 + (0, 8, 9, 9, 7, -12, -20)[day % 7] + level + rng.gauss(0, 0.5)
        promo = int(rng.random() < 0.3)
        load += 25 * promo if day >= EFFECT else 0
        load *= rng.uniform(0.6, 1.4) if day >= NOISE else 1
        text = f"{load:.3f}" if day < days else ""
        lines.append(f"{date(2024, 1, 1) + timedelta(days=day)},{text},{promo}")
    path.write_text("\n".join(lines) + "\n")


def outputs(folder: Path) -> dict[str, str]:
    """Return the text of each night by its name; `folder` must be empty."""
    lstm, export = shell(folder), folder / "load.csv"
    write_export(export, FIRST)
    prepare = ("--target", "load", "--future", "promo", "--horizon", "7", "--lookback", "14")
    for argv in (
        ("prepare", "load.csv", "runs/load", *prepare, "--val", "30", "--test", "7"),
        ("train", "runs/load"),
        ("evaluate", "runs/load", "--split", "val"),
    ):
        summary_of(*lstm(*argv))
    result: dict[str, str] = {}
    for days in (GROWN, *range(NIGHTS, LAST)):
        write_export(export, days)
        shutil.copytree(folder / "runs", folder / "before")
        summary = summary_of(*lstm(*NIGHT))
        kind = kind_of(summary)
        if kind is not None:
            result[kind] = f"{summary}\n"
        if kind == "bad":
            shutil.rmtree(folder / "runs")
            shutil.move(folder / "before", folder / "runs")
            result["failed"] = ended(*lstm(*NIGHT, "--fail-if", "mase>=1"))
            break
        shutil.rmtree(folder / "before")
    export.write_text(export.read_text().replace("day,load,promo", "day,kw,promo"))
    result["broken"] = ended(*lstm(*NIGHT))
    result["alert"] = alert(folder)
    missing = {name for _, name, *_ in BLOCK.findall(PAGE.read_text())} - result.keys()
    if missing:
        raise ValueError(
            f"no night was {', '.join(sorted(missing))}: change the load of tests/nightly_page.py"
        )
    return result


def outputs_of_a_new_process(folder: Path) -> dict[str, str]:
    """Return `outputs`, made by a process of its own, which shares no stream and no thread with other tests."""
    done = subprocess.run(
        [sys.executable, __file__, "--json", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    if done.returncode:
        raise ValueError(f"{COMMAND} ended with {done.returncode}:\n{done.stderr}")
    result: dict[str, str] = json.loads(done.stdout)
    return result


def summary_of(code: int, text: str) -> str:
    """Return the last line of a command. Raise ValueError if it failed, or printed nothing.

    Args:
        code: exit code.
        text: what it printed to stderr.
    """
    if code or not text:
        raise ValueError(f"exit code {code}, and stderr:\n{text}")
    return text.splitlines()[-1]


def kind_of(summary: str) -> str | None:
    """Return the kind of a night that the page shows, from its summary line."""
    if "ALARM" in summary:
        return "bad" if "not trained" not in summary and "replaces" not in summary else None
    return "not trained" if "not trained" in summary else "replaced" if "replaces" in summary else None


def ended(code: int, text: str) -> str:
    """Return the lines of a night that failed: from its summary or its error on, and the exit code."""
    lines = text.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith(("error", "refresh runs")))
    return "\n".join([*lines[first:], f"exit code {code}"]) + "\n"


def alert(folder: Path) -> str:
    """Return what cron mails after a broken night: the output of the line of the page."""
    (night,) = cron_lines(PAGE.read_text())
    done = subprocess.run(
        ["/bin/sh", "-c", night.replace("/home/ana/forecast", str(folder))],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": f"{folder / '.venv' / 'bin'}:/usr/bin:/bin", "HOME": str(folder)},
    )
    return done.stdout + done.stderr


def cron_lines(page: str) -> list[str]:
    """Return the command of each entry of the crontab on the page."""
    (crontab,) = re.findall(r"^```crontab\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    return [line.split(maxsplit=5)[5] for line in crontab.splitlines() if re.match(r"[\d*]", line)]


def shell(folder: Path) -> Shell:
    """Write the program `lstm` of these sources, and return a function that runs it: exit code and stderr.

    The time at the begin of a line is left out.
    """
    program = folder / ".venv" / "bin" / "lstm"
    program.parent.mkdir(parents=True)
    given = " ".join(f"{name}={value}" for name, value in {**ENVIRONMENT, "PYTHONPATH": str(ROOT)}.items())
    program.write_text(f'#!/bin/sh\nexec env {given} {sys.executable} -m lstm_cli "$@"\n')
    program.chmod(0o755)

    def run(*argv: str) -> tuple[int, str]:
        from lstm_cli.cli.main import run as lstm

        given = {name: os.environ.get(name) for name in ENVIRONMENT}
        with tempfile.TemporaryFile("w+") as err, tempfile.TemporaryFile("w+") as out, chdir(folder):
            os.environ.update(ENVIRONMENT)
            try:
                with redirect_stderr(err), redirect_stdout(out):
                    code = lstm(argv)
            finally:
                for name, value in given.items():
                    os.environ.pop(name, None) if value is None else os.environ.update({name: value})
            err.seek(0)
            text = err.read()
        return code, re.sub(r"^\d{4}-\d\d-\d\dT[\d:]+Z ", "", text, flags=re.MULTILINE)

    return run


def with_outputs(page: str, texts: Mapping[str, str]) -> str:
    """Return the page with the text of each night in its block."""
    return BLOCK.sub(lambda block: f"{block[1]}{texts[block[2]]}{block[4]}", page)


def blocks(page: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each block."""
    for _, name, text, _ in BLOCK.findall(page):
        yield name, text


def masked(text: str) -> str:
    """Return a text without its numbers, which differ between machines."""
    return re.sub(r"-?\d[\d,]*(\.\d+)?", "#", text)


def main() -> None:
    """Write the page, or with `--json FOLDER` print the outputs."""
    if sys.argv[1:2] == ["--json"]:
        print(json.dumps(outputs(Path(sys.argv[2]))))
        return
    with tempfile.TemporaryDirectory() as folder:
        PAGE.write_text(with_outputs(PAGE.read_text(), outputs(Path(folder))))


if __name__ == "__main__":
    main()
