"""Tests of the tokens and splits of a text, and of their files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_text import story

from lstm_cli.errors import CorruptArtifact
from lstm_cli.rundir import open_run, writing
from lstm_cli.text.dataset import SplitCounts, TextData, encode_splits
from lstm_cli.text.store import load_data, load_model_vocabulary, write_data, write_vocabulary
from lstm_cli.text.vocabulary import UNKNOWN, build_vocabulary

TEXTS = {"train": "abcabc", "val": "aä", "test": "cb"}


def data_of(texts: dict[str, str], kind: str = "characters") -> TextData:
    return encode_splits(build_vocabulary([texts["train"]], kind=kind, size=None), texts)


def test_each_split_has_its_tokens() -> None:
    data = data_of(TEXTS)
    assert data.split("train").tolist() == [1, 2, 3, 1, 2, 3]
    assert data.split("val").tolist() == [1, UNKNOWN]
    assert data.split("test").tolist() == [3, 2]
    assert data.text("val") == "aä"
    assert data.unknown == {"train": "", "val": "ä", "test": ""}
    assert data.counts["val"] == SplitCounts(tokens=2, characters=2, bytes=3)


@pytest.mark.parametrize(
    ("kind", "dtype"), [("characters", np.uint8), ("bytes", np.uint8), ("bpe", np.uint16)]
)
def test_the_tokens_have_the_smallest_type(kind: str, dtype: type) -> None:
    if kind == "bpe":
        pytest.importorskip("tokenizers")
    data = data_of({"train": story(200), "val": story(20, seed=1), "test": ""}, kind)
    assert data.tokens.dtype == dtype
    assert data.text("val") == story(20, seed=1)
    assert data.text("test") == ""


@pytest.mark.parametrize(
    "change",
    [
        {"tokens": np.array([1, 2])},
        {"tokens": np.full(10, 4)},
        {"tokens": np.full(10, -1)},
        {"tokens": np.zeros((2, 5), int)},
        {"tokens": np.zeros(10)},
        {"unknown": {"train": "", "val": "", "test": ""}},
        {"unknown": {"train": "", "val": "ä", "test": "ä"}},
        {"counts": {"val": SplitCounts(tokens=10, characters=1, bytes=1)}},
    ],
)
def test_invalid_data_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"token|split|unknown"):
        replace(data_of(TEXTS), **change)


def test_the_files_give_the_same_data(tmp_path: Path) -> None:
    data = data_of(TEXTS)
    with writing(tmp_path / "run", step="prepare", create=True) as writer:
        write_data(writer.new("data"), data)
        writer.commit(config={}, reads={}, report={"task": "generate"})
    with writing(tmp_path / "run", step="train") as writer:
        write_vocabulary(writer.new("model"), data.vocabulary)
        writer.commit(config={}, reads={}, report={})
    with open_run(tmp_path / "run") as run:
        loaded = load_data(run)
        vocabulary = load_model_vocabulary(run.artifact("model"))
    assert loaded.tokens.tolist() == data.tokens.tolist()
    assert loaded.counts == data.counts
    assert loaded.text("val") == "aä"
    assert vocabulary.to_json() == loaded.vocabulary.to_json() == data.vocabulary.to_json()


def test_a_wrong_file_is_corrupt(tmp_path: Path) -> None:
    data = data_of(TEXTS)
    with writing(tmp_path / "run", step="prepare", create=True) as writer:
        folder = writer.new("data")
        folder.write_array("tokens.npy", data.tokens + 9)
        folder.write_json("text.json", {"splits": {}, "vocabulary": {"kind": "bytes"}})
        writer.commit(config={}, reads={}, report={})
    with open_run(tmp_path / "run") as run, pytest.raises(CorruptArtifact):
        load_data(run)
