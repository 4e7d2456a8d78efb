"""Tests of a text from the file to the trained model, on the command line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_text import story, write_story

from lstm_cli.cli.main import run as lstm
from lstm_cli.rundir import open_run
from lstm_cli.text.store import load_data

Json = Callable[..., dict[str, Any]]


@pytest.fixture
def as_json(capfd: pytest.CaptureFixture[str]) -> Json:
    def call(*command: object, code: int = 0) -> dict[str, Any]:
        capfd.readouterr()
        assert lstm([*map(str, command), "--json"]) == code
        report: dict[str, Any] = json.loads(capfd.readouterr().out)
        return report

    return call


@pytest.fixture
def error_of(capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    def call(*command: object) -> tuple[int, str]:
        capfd.readouterr()
        code = lstm([*map(str, command), "-q"])
        return code, capfd.readouterr().err

    return call


def test_prepare_infers_the_task_and_reports_the_text(
    tmp_path: Path, as_json: Json, capfd: pytest.CaptureFixture[str]
) -> None:
    path = write_story(tmp_path / "book.txt")
    report = as_json("prepare", path, tmp_path / "run")
    text = story()
    assert report["task"] == "generate"
    assert report["lines"] == 400
    assert sum(report["characters"].values()) == len(text)
    assert sum(report["bytes"].values()) == len(text.encode())
    assert report["characters"]["val"] == round(0.1 * len(text))
    assert report["characters"]["test"] == round(0.2 * len(text))
    assert report["vocabulary_size"] == len(set(text)) + 1
    again = as_json("prepare", path, tmp_path / "run", "--task", "generate")
    assert again.pop("up_to_date")
    assert again == report
    with open_run(tmp_path / "run") as run:
        data = load_data(run)
    assert "".join(data.text(name) for name in ("train", "val", "test")) == text


def test_a_table_in_a_txt_file_stays_a_forecast(tmp_path: Path, as_json: Json) -> None:
    (tmp_path / "load.txt").write_text("load\n" + "".join(f"{number % 24}\n" for number in range(300)))
    assert "task" not in as_json("prepare", tmp_path / "load.txt", tmp_path / "run")


def test_the_inference_is_a_note(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = write_story(tmp_path / "book.txt")
    assert lstm(["prepare", str(path), str(tmp_path / "run")]) == 0
    output = capfd.readouterr()
    assert "task generate: no column of numbers" in output.err
    assert "next: lstm train" in output.out


def test_several_files_are_one_text(tmp_path: Path, as_json: Json) -> None:
    write_story(tmp_path / "a.txt", 100)
    (tmp_path / "b.txt").write_bytes(("\ufeff" + story(100, seed=1)[:-1].replace("\n", "\r\n")).encode())
    report = as_json("prepare", tmp_path / "a.txt", tmp_path / "b.txt", tmp_path / "run", "--tokens", "bytes")
    with open_run(tmp_path / "run") as run:
        data = load_data(run)
    text = story(100) + story(100, seed=1)
    assert b"".join(bytes(data.split(name)) for name in data.counts) == text.encode()
    assert report["lines"] == 200


def test_repeats_and_unknown_characters_are_reported(tmp_path: Path, as_json: Json) -> None:
    text = story(300)
    (tmp_path / "book.txt").write_text(text + text[:500] + "Ω\n", encoding="utf-8")
    report = as_json("prepare", tmp_path / "book.txt", tmp_path / "run")
    assert report["repeats"]["val"] == {"passages": 0, "share": 0}
    assert report["repeats"]["test"]["passages"] == 1
    assert report["repeats"]["test"]["share"] == pytest.approx(500 / report["characters"]["test"], abs=1e-3)
    assert report["unknown"] == {"train": 0, "val": 0, "test": 1}
    findings = {finding["rule"]: finding for finding in report["findings"]}
    assert findings["D671"]["line"] == 301
    assert findings["D672"]["count"] == 1


@pytest.mark.parametrize(
    ("content", "options", "code", "words"),
    [
        (b"short text\n", (), 3, ("too short", "at least")),
        ("a\nb\näx\n".encode("latin-1") * 999, (), 3, ("line 3", "0xe4", "--encoding")),
        (b"a\nb\0c\n" * 999, ("--task", "generate"), 3, ("line 2", "NUL")),
        (b"abc\n" * 999, ("--val", "0"), 2, ("--val",)),
        (b"abc\n" * 999, ("--tokens", "bytes", "--vocabulary-size", "9"), 2, ("--vocabulary-size",)),
        (b"abc\n" * 999, ("--tokens", "bpe", "--vocabulary-size", "9"), 2, ("--vocabulary-size",)),
        (b"abc\n" * 999, ("--task", "generate", "--horizon", "9"), 2, ("--horizon", "task forecast")),
        (b"abc\n" * 999, ("--task", "generate", "--delimiter", ";"), 2, ("--delimiter",)),
        (b"PAR1" + b"x" * 5000, ("--task", "generate"), 3, ("Parquet",)),
    ],
)
def test_a_wrong_text_is_an_error(
    tmp_path: Path,
    error_of: Callable[..., tuple[int, str]],
    content: bytes,
    options: tuple[str, ...],
    code: int,
    words: tuple[str, ...],
) -> None:
    (tmp_path / "book.txt").write_bytes(content)
    result, error = error_of("prepare", tmp_path / "book.txt", tmp_path / "run", *options)
    assert result == code
    assert all(word in error for word in words), error
    assert not (tmp_path / "run").exists()
