"""Tests of malformed files: `lstm prepare --json` reads them with a warning, or refuses them with a location."""

import json
import os
import re
import socket
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from all_malformed import cases
from outcomes import FILE, RUN, run_case, run_in_folder

ALL = cases()
CASES = {case.name: case for case in ALL}
CLASS_NAME = re.compile(r"\w+(Error|Exception|Warning)\b|Traceback|<class|numpy\.|object at 0x")
ENVIRONMENTS = {
    "Kathmandu, stdin closed": {"TZ": "Asia/Kathmandu"},
    "the C locale, no HOME": {"LC_ALL": "C", "HOME": None, "PYTHONUTF8": "0"},
    "German, St. John's": {"LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8", "TZ": "America/St_Johns"},
}


@cache
def case_outcome(name: str) -> list:
    return run_case(CASES[name])


def test_each_case_has_a_name_of_its_own() -> None:
    assert len(CASES) == len(ALL) >= 120


@pytest.mark.parametrize("name", CASES)
def test_a_malformed_file_is_read_correctly_or_refused(name: str) -> None:
    case = CASES[name]
    code, out, err, left = case_outcome(name)
    assert code == (case.code if case.message_words else 0), err
    assert not CLASS_NAME.search(err)
    assert "\x1b" not in out + err
    if case.message_words:
        assert_refused(case.message_words, out, err, left, named=case.code == 3)
        return
    assert left == [RUN]
    report = json.loads(out)
    assert len(report["warnings"]) == len(case.warnings), report["warnings"]
    assert [finding["text"] for finding in report["findings"]] == report["warnings"]
    for words, finding in zip(case.warnings, report["findings"], strict=True):
        warning = finding["text"]
        assert words in warning
        assert (
            f"warning[{finding['rule']}]: {warning.splitlines()[0][:60]}" in err or not warning.isprintable()
        )
    assert report["target_sum"] == pytest.approx(case.total, rel=1e-12)
    names = ("rows", "series", "time_start", "time_end")
    assert [report[name] for name in names] == [case.rows, case.series, case.start, case.end]


def assert_refused(says: tuple[str, ...], out: str, err: str, left: list[str], *, named: bool = True) -> None:
    """Check for one error line and one hint line with all words, after any warnings, and no output."""
    error, hint = (line for line in err.splitlines() if not line.startswith("warning["))
    assert error.startswith(("error: ", "error["))
    assert hint.startswith("hint: ")
    assert not named or FILE in error
    assert [words for words in says if words not in error + hint] == [], err
    assert len(error) < 2500
    assert (out, left) == ("", [])


def make_special_file(kind: str, path: Path) -> None:
    """Create a path that is not a data file."""
    match kind:
        case "a folder":
            path.mkdir()
        case "a link to nothing":
            path.symlink_to("nowhere")
        case "a link to itself":
            path.symlink_to(path)
        case "a link to a device":
            path.symlink_to("/dev/null")
        case "a socket":
            with socket.socket(socket.AF_UNIX) as server:
                home = Path.cwd()
                os.chdir(path.parent)  # a socket's path must be short
                try:
                    server.bind(path.name)
                finally:
                    os.chdir(home)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("a folder", "folder"),
        ("a link to nothing", "link"),
        ("a link to itself", "symbolic links"),
        ("a link to a device", "device"),
        ("a socket", "socket"),
        ("nothing", "file not found"),
    ],
)
def test_a_path_that_is_not_a_file_is_refused(kind: str, says: str, tmp_path: Path) -> None:
    make_special_file(kind, tmp_path / FILE)
    code, out, err, left = run_in_folder(tmp_path, FILE, None)
    assert code == 3
    assert_refused((says,), out, err, left)


def test_an_unusual_file_name_is_escaped_in_messages(tmp_path: Path) -> None:
    name = "a\x1b[31m\n'b.csv"
    code, out, err, left = run_in_folder(tmp_path, name, b"date,load\n")
    assert (code, out, left) == (3, "", [])
    assert "\x1b" not in err
    assert err.count("\n") == 2


def test_results_are_equal_in_other_environments(tmp_path: Path) -> None:
    """A third of the cases runs in each other time zone and locale, without a home, and with stdin closed."""
    step, script = 3, Path(__file__).with_name("outcomes.py")
    running = {}
    for place, changes in ENVIRONMENTS.items():
        environment = {**os.environ, **{name: value for name, value in changes.items() if value is not None}}
        for name in [name for name, value in changes.items() if value is None]:
            environment.pop(name, None)
        output = tmp_path / f"{len(running)}.json"
        command = [sys.executable, str(script), str(step), str(output)]
        if "stdin closed" in place:
            command = ["sh", "-c", 'exec "$@" <&-', "sh", *command]
        running[place] = output, subprocess.Popen(command, env=environment, cwd=Path(__file__).parents[3])
    for place, (output, process) in running.items():
        assert process.wait() == 0, place
        for name, elsewhere in json.loads(output.read_text()).items():
            assert elsewhere == case_outcome(name), (place, name)
