"""Tests of a text from the file to the trained model, on the command line."""

import gzip
import io
import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_results import Json
from small_text import story, write_story

import lstm_cli
from lstm_cli.cli.main import run as lstm
from lstm_cli.config.tasks import PrepareOfTasks
from lstm_cli.errors import UsageError
from lstm_cli.inference.text_session import open_text_session
from lstm_cli.rundir import open_run
from lstm_cli.text.store import load_data, load_model_vocabulary

SMALL = ("--hidden", "8", "--device", "cpu", "--threads", "1")
NETWORK = (*SMALL, "--epochs", "3")


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


@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        ("book.txt", "Chapter 1, 12\nHe said so, 5\n" * 99, "D129"),
        ("book.txt", "name,price\nthe cat,$5\nthe dog,$6\n", "D206"),
        ("book.txt", "load, kW\n1, 2\nhe said, 3, so\n", "D132"),
        ("book.txt", "load\n1\n2\nhe said\n", "D302"),
        ("book.txt.gz", "load, kW\n1, 2\nhe said, 3, so\n", "D132"),
        ("-", story(), "D317"),
        ("-", 'a, b\nhe said, "no\n', "D131"),
    ],
)
def test_a_text_that_is_read_as_a_table_gets_the_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str, rule: str
) -> None:
    from lstm_cli.config import PrepareConfig
    from lstm_cli.errors import DataError
    from lstm_cli.events import ignore_events
    from lstm_cli.steps.prepare import prepare

    path, data = tmp_path / name, content.encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    source = name if name == "-" else str(path)

    def error_of(columns: PrepareOfTasks) -> DataError:
        with pytest.raises(DataError) as caught:
            prepare(
                source,
                tmp_path / "run",
                PrepareConfig(),
                ignore_events,
                stdin=io.BytesIO(data),
                columns=columns,
            )
        return caught.value

    error = error_of(PrepareOfTasks())
    assert error.rule == rule
    assert error.hint.endswith(", or add --task generate if this is text")
    assert "generate" not in error_of(PrepareOfTasks(task="forecast")).hint


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_an_empty_text_is_an_error_about_both(
    tmp_path: Path, error_of: Callable[..., tuple[int, str]], content: str
) -> None:
    (tmp_path / "book.txt").write_text(content)
    code, error = error_of("prepare", tmp_path / "book.txt", tmp_path / "run")
    assert code == 3
    assert "or a text" in error


def test_a_compressed_text_is_a_text(tmp_path: Path, as_json: Json) -> None:
    (tmp_path / "book.txt.gz").write_bytes(gzip.compress(story().encode()))
    assert as_json("prepare", tmp_path / "book.txt.gz", tmp_path / "run")["task"] == "generate"


def test_the_inference_is_a_note(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = write_story(tmp_path / "book.txt")
    assert lstm(["prepare", str(path), str(tmp_path / "run")]) == 0
    output = capfd.readouterr()
    assert "task generate: no column of numbers" in output.err
    assert "next: lstm train" in output.out
    # The table and the log line count the same tokens, without the one for unknown characters.
    counted = f"{len(set(story()))} different"
    assert counted in output.out
    assert counted in output.err


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


@pytest.fixture(scope="module")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a trained run. Tests must not change it."""
    folder = tmp_path_factory.mktemp("text")
    path = write_story(folder / "book.txt", 150)
    assert lstm(["prepare", str(path), str(folder / "run"), "-q"]) == 0
    assert lstm(["train", str(folder / "run"), *NETWORK, "-q"]) == 0
    return folder / "run"


@pytest.fixture
def run(trained_once: Path, tmp_path: Path) -> Path:
    """Return a copy of a trained run."""
    return Path(shutil.copytree(trained_once, tmp_path / "run"))


def test_train_reports_the_loss_that_evaluate_finds(run: Path, as_json: Json) -> None:
    report = as_json("train", run, *NETWORK)
    assert report["up_to_date"]
    assert report["task"] == "generate"
    assert report["hidden"] == [8]
    assert report["epochs_run"] == report["best_epoch"] == 3
    assert report["nats_per_character"] == pytest.approx(report["val"]["loss"])
    assert report["val"]["loss"] < math.log(report["vocabulary_size"]) - 0.3  # it has learnt something
    with open_run(run) as opened:
        history = opened.artifact("model").bytes("history.jsonl").decode().splitlines()
    # Here the state begins with zeros at the first token of the validation text.
    assert json.loads(history[-1])["val_loss"] == pytest.approx(report["val"]["loss"], abs=0.1)


def test_the_model_is_complete_without_the_data(run: Path, tmp_path: Path) -> None:
    with open_run(run) as opened:
        model = opened.artifact("model")
        assert load_model_vocabulary(model).to_json() == load_data(opened).vocabulary.to_json()
        size = load_model_vocabulary(model).size
        session = open_text_session(model.bytes("model.onnx"), size=size, threads=1)
        stored = model.json("model.json")
    assert stored["settings"] == {"vocabulary": size, "hidden": [8], "dropout": 0.1}
    assert session.start().shape == (2, 1, 8)


def test_training_again_with_the_same_seed_gives_the_same_model(run: Path, as_json: Json) -> None:
    def content() -> dict[str, bytes]:
        with open_run(run) as opened:
            model = opened.artifact("model")
            return {
                name: model.bytes(name) for name in ("weights.safetensors", "model.onnx", "history.jsonl")
            }

    before = content()
    as_json("train", run, *NETWORK, "--force")
    assert content() == before
    as_json("train", run, *NETWORK, "--seed", "1")
    assert content() != before


def test_an_interrupted_training_resumes(run: Path, as_json: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    from lstm_cli.errors import DeviceError
    from lstm_cli.training.loop import fit as fitting

    with open_run(run) as opened:
        weights = opened.artifact("model").bytes("weights.safetensors")
    real, steps = fitting.backward, iter(range(10_000))

    def fail(*given: Any, **named: Any) -> Any:
        if next(steps) == 120:  # in the third epoch
            raise DeviceError("the device is lost")
        return real(*given, **named)

    monkeypatch.setattr(fitting, "backward", fail)
    assert lstm(["train", str(run), *NETWORK, "--force", "--checkpoint-every", "1", "-q"]) == 7
    monkeypatch.setattr(fitting, "backward", real)
    assert as_json("train", run, *NETWORK, "--dry-run")["up_to_date"] is False
    resumed = as_json("train", run, *NETWORK, "--force")
    assert resumed["epochs_run"] == 3
    with open_run(run) as opened:
        assert opened.artifact("model").bytes("weights.safetensors") == weights


@pytest.mark.parametrize(
    ("command", "word"),
    [
        (("train", "--bidirectional"), "--bidirectional is an option of the tasks forecast and classify"),
        (("train", "--parts", "lstm"), "--parts is an option of the task forecast"),
        (("train", "--attention", "3"), "tasks forecast and classify"),
        (("train", "--head", "mean"), "--head is an option of the task forecast"),
        (("train", "--pooling", "max"), "task classify"),
        (("train", "--loss", "mse"), "task forecast"),
        (("train", "--from", "RUN"), "--from"),
        (("train", "--find-lr"), "no such task"),
        (("tune",), "no such task"),
    ],
)
def test_what_belongs_to_another_task_is_a_usage_error(
    run: Path, error_of: Callable[..., tuple[int, str]], command: tuple[str, ...], word: str
) -> None:
    verb, *options = command
    code, error = error_of(verb, run, *(str(run) if each == "RUN" else each for each in options))
    assert code == 2, error
    assert word in error


def test_the_sizes_of_several_layers_need_no_model(run: Path, as_json: Json) -> None:
    assert as_json("train", run, "--hidden", "5,6", "--dry-run")["up_to_date"] is False
    report = lstm_cli.Run(run).train(hidden=(5, 6), epochs=1, device="cpu", threads=1)
    assert report.hidden == (5, 6)
    with pytest.raises(UsageError, match="tasks forecast and classify"):
        lstm_cli.Run(run).train(bidirectional=True)


def test_the_option_of_several_tasks_names_them(
    tmp_path: Path, error_of: Callable[..., tuple[int, str]]
) -> None:
    (tmp_path / "load.txt").write_text("load\n" + "1\n2\n" * 200)
    code, error = error_of("prepare", tmp_path / "load.txt", tmp_path / "run", "--tokens", "bytes")
    assert code == 2
    assert "--tokens is an option of the tasks classify and generate, but this run is a forecast" in error
    assert "--label" in error
    assert "--task generate" in error


def test_a_learning_rate_without_improvement_is_reported(run: Path, as_json: Json) -> None:
    report = as_json("train", run, *SMALL, "--lr", "1e-30", "--epochs", "1")
    assert [finding["rule"] for finding in report["findings"]] == ["M203"]


def test_byte_pairs_have_a_loss_per_character(tmp_path: Path, as_json: Json) -> None:
    pytest.importorskip("tokenizers")
    path = write_story(tmp_path / "book.txt", 200)
    as_json("prepare", path, tmp_path / "run", "--tokens", "bpe", "--vocabulary-size", "300")
    report = as_json("train", tmp_path / "run", *SMALL, "--epochs", "1")
    with open_run(tmp_path / "run") as run:
        counts = load_data(run).counts["val"]
    expected = report["val"]["loss"] * counts.tokens / counts.characters
    assert report["nats_per_character"] == pytest.approx(expected)


def test_the_table_of_train_names_the_network_and_the_next_command(run: Path, capfd: Any) -> None:
    assert lstm(["train", str(run), *SMALL, "--epochs", "1"]) == 0
    output = capfd.readouterr()
    assert "nats per character" in output.out
    assert "LSTM 8" in output.out
    assert f"next: lstm evaluate {run}" in output.out
    assert "val nats per token" in output.err
