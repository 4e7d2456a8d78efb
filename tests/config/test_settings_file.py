"""Tests of the limits of the file of `--config`."""

import os
from pathlib import Path

import pytest

from lstm_cli.cli.main import run as lstm
from lstm_cli.config.settings_file import MAX_BYTES, MAX_DOTS, read_settings_file
from lstm_cli.errors import UsageError


def refusal(tmp_path: Path, text: str) -> str:
    path = tmp_path / "lstm.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as refused:
        read_settings_file(str(path))
    assert refused.value.message.startswith(str(path))
    assert refused.value.hint
    return refused.value.message


@pytest.mark.parametrize("digits", ["1" * 10_000, "1" * 4_000, f"0x{'f' * 10_000}", str(2**63), f"-{2**64}"])
@pytest.mark.parametrize("line", ["epochs = {}", "seasons = [1, {}]", "space = {{ lr = [{}] }}"])
def test_an_integer_of_more_than_64_bits_is_refused(tmp_path: Path, digits: str, line: str) -> None:
    text = line.format(digits)
    assert "has an integer of more than 64 bits" in refusal(tmp_path, f"[train]\n{text}\n")


def test_the_largest_integer_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(f"[train]\nseed = {2**63 - 1}\n")
    assert read_settings_file(str(tmp_path / "a.toml")) == {"train": {"seed": 2**63 - 1}}


@pytest.mark.parametrize(
    "text",
    [
        ".".join(["a"] * 30_000) + " = 1\n",
        f"[{'.'.join(['a'] * 30_000)}]\n",
        "".join(f"a.b{number} = 1\n" for number in range(30_000))[: MAX_BYTES - 10],
        f"[{'.'.join(['a'] * 1_000)}]\n" + "".join(f"b{number} = 1\n" for number in range(20_000)),
    ],
    ids=["one key", "one table", "many keys", "many keys in a deep table"],
)
def test_dotted_keys_are_refused_before_they_are_parsed(
    tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tomllib.loads", lambda text: pytest.fail("parsed"))
    assert "too many keys and dots" in refusal(tmp_path, text)


def test_a_file_of_common_size_is_read(tmp_path: Path) -> None:
    levels = ", ".join(f"{level / 2}" for level in range(1, 199))
    lines = "".join(f"setting_{number} = 'a.csv'\n" for number in range(300))
    (tmp_path / "a.toml").write_text(f"[train]\n{lines}[predict]\nlevel = [{levels}]\n")
    tables = read_settings_file(str(tmp_path / "a.toml"))
    assert (len(tables["train"]), len(tables["predict"]["level"])) == (300, 198)
    assert 400 < (tmp_path / "a.toml").read_text().count(".") < MAX_DOTS


def test_a_large_file_is_refused(tmp_path: Path) -> None:
    assert "too large for a settings file (the maximum is 256 KiB)" in refusal(
        tmp_path, "#" * (MAX_BYTES + 1)
    )


def test_a_fifo_is_refused_without_waiting(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    with pytest.raises(UsageError, match="is not a regular file"):
        read_settings_file(str(path))


@pytest.mark.parametrize("verb", ["train", "tune", "evaluate", "predict"])
def test_too_many_threads_are_exit_code_2(
    verb: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for threads in ("3000000000", "1025"):
        assert lstm([verb, str(tmp_path / "run"), "--threads", threads]) == 2
        error = capsys.readouterr().err.splitlines()[0]
        assert error == f"error: --threads {threads} is out of range: it must be at least 1 and below 1025"


def test_a_deeply_nested_variable_is_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("LSTM_PREDICT_ONLY", "[" * 100_000)
    assert lstm(["predict", str(tmp_path / "run")]) == 2
    assert "is not a JSON list of strings" in capsys.readouterr().err
