"""Tests that run the scripts and units of docs/how-to with one tiny model."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml  # dask, which the development dependencies include, needs it
from fenced import DOCS, blocks, exit_codes
from hourly_load import SCORES, write_load

from lstm_cli.evaluation.fail_conditions import parse_condition
from lstm_cli.steps.evaluate.score_files import COPIED

CRON, CI = "how-to/cron.md", "how-to/ci.md"
HOME = "/home/ana"
ROOT = DOCS.parent
OUTPUTS = ("forecast.csv", "report.json", "scores")
NULL = '{"metrics": {"mase": null}, "coverage": {}}'


def lstm_program(path: Path) -> None:
    """Write the program `lstm` of these sources. It trains only the linear part, which takes a second."""
    path.parent.mkdir(parents=True)
    settings = {
        "PYTHONPATH": str(ROOT),
        "LSTM_TRAIN_PARTS": "linear",
        "LSTM_TRAIN_REFIT": "0",
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "1",
    }
    given = " ".join(shlex.quote(f"{name}={value}") for name, value in settings.items())
    path.write_text(f'#!/bin/sh\nexec env {given} {shlex.quote(sys.executable)} -m lstm_cli "$@"\n')
    path.chmod(0o755)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the home directory of the pages after the first night: lstm, the CSV and the script."""
    home = tmp_path_factory.mktemp("home") / "ana"
    lstm_program(home / "forecast" / ".venv" / "bin" / "lstm")
    folder = home / "forecast"
    for name in ("logs", "forecasts"):
        (folder / name).mkdir()
    write_load(folder / "load.csv")
    (folder / "nightly.sh").write_text(blocks(CRON, "sh")[0])
    night, _ = cron_lines(home)
    require_silent(run_as_cron(home, night))
    assert len(rows(folder / "forecast.csv")) == 24
    return home


@pytest.fixture
def folder(home: Path) -> Path:
    """Return the folder of the first night, without files that earlier tests wrote outside the run."""
    folder = home / "forecast"
    for path in (folder / name for name in OUTPUTS):
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
    return folder


def started(words: Sequence[str], cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program with these environment variables and no others."""
    return subprocess.run(
        words, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def require_silent(ended: subprocess.CompletedProcess[str]) -> None:
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def rows(path: Path) -> list[str]:
    return path.read_text().splitlines()[1:]


def crontab(home: Path) -> tuple[dict[str, str], list[str]]:
    """Return the variables and the entries of the crontab, for this home directory."""
    (text,) = blocks(CRON, "crontab")
    lines = [line for line in text.replace(HOME, str(home)).splitlines() if line and line[0] != "#"]
    variables = dict(line.split("=", 1) for line in lines if re.match(r"\w+=", line))
    return variables, [line for line in lines if not re.match(r"\w+=", line)]


def cron_lines(home: Path) -> list[str]:
    """Return the command of each entry as cron hands it to the shell: see crontab(5)."""
    commands = []
    for line in crontab(home)[1]:
        *times, command = line.split(maxsplit=5)
        assert all(re.fullmatch(r"[\d*,/-]+", time) for time in times), line
        command, *stdin = re.split(r"(?<!\\)%", command, maxsplit=1)
        assert not stdin, f"cron makes a newline of the % in: {line}"
        commands.append(command.replace(r"\%", "%"))
    return commands


def run_as_cron(home: Path, command: str) -> subprocess.CompletedProcess[str]:
    variables, _ = crontab(home)
    small = {"HOME": str(home), "LOGNAME": "ana", "SHELL": "/bin/sh"}
    return started(["/bin/sh", "-c", command], home, **small | variables)


def test_the_nightly_line_of_cron(home: Path, folder: Path) -> None:
    """A night without new rows sends no mail, and leaves the outputs and one log for each day."""
    night, _ = cron_lines(home)
    assert "--quiet --lock-wait" in night
    before = (folder / "runs" / "load" / "run.json").read_bytes()
    require_silent(run_as_cron(home, night))
    assert (folder / "runs" / "load" / "run.json").read_bytes() == before
    assert len(rows(folder / "forecast.csv")) == 24
    assert {path.name for path in (folder / "scores").iterdir()} == SCORES
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d\.log", path.name) for path in (folder / "logs").iterdir())


def test_the_hourly_line_of_cron(home: Path, folder: Path) -> None:
    _, hour = cron_lines(home)
    require_silent(run_as_cron(home, hour))
    (written,) = (folder / "forecasts").iterdir()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d-\d\d\.csv", written.name)
    assert len(rows(written)) == 24


def test_a_failed_gate_ends_the_night_with_5(home: Path, folder: Path) -> None:
    """Cron mails the error; the scores are written; there is no new forecast."""
    failing = blocks(CRON, "sh")[0].replace("mase>=1", "mase>0")
    ended = run_as_cron(
        home, f"cd {shlex.quote(str(folder))} && sh -c {shlex.quote(failing)} nightly.sh --quiet >/dev/null"
    )
    assert ended.returncode == 5
    assert ended.stderr.startswith("error: not good enough")
    assert {path.name for path in (folder / "scores").iterdir()} == SCORES
    assert not (folder / "forecast.csv").exists()


@pytest.mark.parametrize(("condition", "code"), [("mase>=1", 0), ("mase>0", 5), ("mase", 2)])
def test_a_forecast_after_a_failed_gate(home: Path, folder: Path, condition: str, code: int) -> None:
    _, anyway = blocks(CRON, "sh")
    script = "set -eu\n" + anyway.replace("mase>=1", condition)
    ended = run_as_cron(home, f"cd {shlex.quote(str(folder))} && sh -c {shlex.quote(script)} nightly.sh")
    assert ended.returncode == code
    assert (folder / "forecast.csv").exists() == (code != 2)


def units(home: Path) -> dict[str, str]:
    """Return the text of each unit by its name."""
    result = {}
    for text in blocks(CRON, "ini"):
        name = re.match(r"# ~/\.config/systemd/user/(\S+)\n", text)
        assert name is not None
        result[name[1]] = text.replace("%h", str(home))
    return result


def test_the_service_of_systemd(home: Path, folder: Path) -> None:
    service = ConfigParser(interpolation=None)
    service.optionxform = str  # type: ignore[assignment,method-assign]  # systemd heeds case
    service.read_string(units(home)["forecast.service"])
    section = service["Service"]
    name, _, value = section["Environment"].partition("=")
    ended = started(shlex.split(section["ExecStart"]), Path(section["WorkingDirectory"]), **{name: value})
    assert (ended.returncode, ended.stderr) == (0, "")
    assert len(rows(folder / "forecast.csv")) == 24


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_accepts_the_units(home: Path, tmp_path: Path) -> None:
    for name, text in units(home).items():
        (tmp_path / name).write_text(text)
    paths = [str(tmp_path / name) for name in units(home)]
    ended = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *paths], capture_output=True, text=True, check=False
    )
    # It may complain about other units of the machine.
    assert [line for line in ended.stderr.splitlines() if "forecast." in line] == []


def job(place: int) -> tuple[dict[str, Any], str]:
    """Return the job of GitHub or GitLab, and the path that its first line names."""
    text = blocks(CI, "yaml")[place]
    return yaml.safe_load(text), text.splitlines()[0].removeprefix("# ")


def in_ci(
    folder: Path, shell: Sequence[str], script: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    path = f"{folder / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return started([*shell, "-c", script], folder, PATH=path, HOME=str(folder), **variables)


requires_jq = pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")


@requires_jq
def test_the_job_of_github(folder: Path, tmp_path: Path) -> None:
    workflow, path = job(0)
    assert path == ".github/workflows/forecast.yml"
    steps = workflow["jobs"]["forecast"]["steps"]
    variables = workflow["jobs"]["forecast"]["env"] | {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
    scripts = {step["name"]: step["run"] for step in steps if "run" in step}
    installing = scripts.pop("Install")
    assert all(line.startswith("pip install ") for line in installing.splitlines())
    assert list(scripts) == ["Train", "Gate", "Summary", "Forecast"]
    for name, script in scripts.items():
        ended = in_ci(folder, ["bash", "-e"], script, **variables)
        assert ended.returncode == 0, (name, ended.stderr)
    report = json.loads((folder / "report.json").read_text())
    summary = (tmp_path / "summary.md").read_text()
    assert (
        summary
        == f"MASE {report['metrics']['mase']}, coverage of the 80 % interval {report['coverage']['80']} %\n"
    )
    uploaded = next(step["with"]["path"] for step in steps if "upload" in step.get("uses", ""))
    assert all((folder / item).exists() for item in uploaded.split())


def test_the_job_of_gitlab(folder: Path) -> None:
    jobs, path = job(1)
    assert path == ".gitlab-ci.yml"
    forecast_job = jobs["forecast"]
    assert all(line.startswith("pip install ") for line in forecast_job["before_script"])
    ended = in_ci(folder, ["sh", "-e"], "\n".join(forecast_job["script"]), **forecast_job["variables"])
    assert ended.returncode == 0, ended.stderr
    assert all((folder / item).exists() for item in forecast_job["artifacts"]["paths"])
    (gate,) = (line for line in forecast_job["script"] if "--fail-if" in line)
    ended = in_ci(folder, ["sh", "-e"], gate.replace("mase>=1", "mase>0"), **forecast_job["variables"])
    assert ended.returncode == forecast_job["allow_failure"]["exit_codes"]


@requires_jq
@pytest.mark.parametrize(("mase", "codes"), [("null", [0, 1]), ("0.9", [0, 0]), ("1.1", [1, 1])])
def test_a_null_passes_only_the_first_line_of_jq(tmp_path: Path, mase: str, codes: list[int]) -> None:
    (tmp_path / "report.json").write_text(NULL.replace("null", mase))
    (text,) = blocks(CI, "sh")
    lines = [line for line in text.splitlines() if line.startswith("jq ")]
    assert ["wrong" in line for line in lines] == [True, False]
    assert [in_ci(tmp_path, ["sh"], line).returncode for line in lines] == codes


def test_the_line_without_jq(folder: Path) -> None:
    line = blocks(CI, "sh")[0].splitlines()[-1]
    assert in_ci(folder, ["sh"], line).returncode == 0
    assert in_ci(folder, ["sh"], line.replace("mase>=1", "mase>0")).returncode == 5


def test_the_files_of_the_output_folder_are_listed() -> None:
    listed = re.search(r"^`-o DIR` copies (.+?) from the run", (DOCS / CI).read_text(), re.M | re.S)
    assert listed is not None
    assert set(re.findall(r"`(.+?)`", listed[1])) == SCORES == set(COPIED)


def test_every_condition_in_the_table_is_valid() -> None:
    conditions = re.findall(r"^\| `--fail-if '(.+)'` \|", (DOCS / CI).read_text(), flags=re.MULTILINE)
    assert len(conditions) == 5
    for condition in conditions:
        parse_condition(condition)


@pytest.mark.parametrize("page", [CRON, CI])
def test_the_exit_codes_are_those_of_the_reference(page: str) -> None:
    known, listed = (exit_codes(DOCS / name) for name in ("reference/exit-codes.md", page))
    assert listed
    assert listed <= known
