"""Tests of `check` on labelled sequences, which must report what `prepare` does with the same options."""

import shlex
from pathlib import Path

import pytest
from command_results import Json
from small_documents import reviews
from small_sequences import gestures

from lstm_cli.cli.main import run as lstm

COLUMNS = ("--sequence", "id", "--label", "move", "--value", "x", "--value", "y")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file with a missing value, a duplicate, a constant column and a long sequence."""
    path = gestures(tmp_path / "moves.csv")
    header, *lines = path.read_text().splitlines()
    rows = [f"{line},7" for line in lines]
    rows += [row.replace("0,", "dup,", 1) for row in rows if row.startswith("0,")]
    rows += [f"long,{step},{step % 3},1,up,p1,7" for step in range(40)]
    rows[0] = "0,0,,1,down,p0,7"
    path.write_text("\n".join([f"{header},same", *rows]) + "\n")
    return path


@pytest.mark.parametrize(
    "more", [(), ("--group", "person"), ("--max-length", "8", "--val", "10", "--time", "step")]
)
def test_check_reports_what_prepare_does(file: Path, as_json: Json, more: tuple[str, ...]) -> None:
    checked = as_json("check", file, *COLUMNS, *more)
    prepared = as_json("prepare", file, file.parent / "run", *COLUMNS, *more)
    shared = set(checked) & set(prepared) - {"columns", "findings"}
    assert shared >= {
        "lengths",
        "max_length",
        "cut",
        "filled",
        "duplicates",
        "classes",
        "sequences",
        "split_by",
    }
    assert {name: checked[name] for name in shared} == {name: prepared[name] for name in shared}
    warned = [finding for finding in checked["findings"] if finding["severity"] == "warning"]
    assert warned == prepared["findings"]
    assert sum(checked["labels"].values()) == checked["count"] == sum(prepared["sequences"].values()) == 62


@pytest.mark.parametrize(
    "more",
    [(), ("--group", "author"), ("--tokens", "bytes", "--sequence", "id"), ("--max-length", "20")],
)
def test_check_reports_what_prepare_does_with_documents(
    tmp_path: Path, as_json: Json, more: tuple[str, ...]
) -> None:
    path = reviews(tmp_path / "reviews.csv", 40)
    path.write_text(path.read_text() + 'long,"line one\nline two, and more",good,a1\n')
    columns = ("--text", "review", "--label", "mood", *more)
    checked = as_json("check", path, *columns, "--plot", tmp_path / "a.png")
    prepared = as_json("prepare", path, tmp_path / "run", *columns)
    shared = set(checked) & set(prepared) - {"columns", "findings"}
    assert shared >= {"rows", "lengths", "max_length", "cut", "classes", "tokens", "vocabulary"}
    assert {name: checked[name] for name in shared} == {name: prepared[name] for name in shared}
    warned = [finding for finding in checked["findings"] if finding["severity"] == "warning"]
    assert warned == prepared["findings"]
    assert (checked["rows"], checked["labels"]) == (41, {"good": 21, "bad": 20})
    assert {column["name"]: column["part"] for column in checked["columns"]}["review"] == "text"
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    _program, *words = shlex.split(checked["next"])
    assert as_json(*(str(tmp_path / "run") if word == "RUN" else word for word in words))["up_to_date"]


def test_documents_of_one_class_have_no_lengths(tmp_path: Path, as_json: Json) -> None:
    path = reviews(tmp_path / "reviews.csv", 10)
    path.write_text(path.read_text().replace(",bad,", ",good,"))
    report = as_json(
        "check", path, "--text", "review", "--label", "mood", "--plot", tmp_path / "a.png", code=3
    )
    assert (report["rows"], report["labels"], report["lengths"]) == (10, {"good": 10}, None)
    assert (report["picture"], report["next"]) == (None, None)
    assert "needs 2 to 1,000 classes" in report["refused"]["message"]


def test_check_describes_columns_and_classes(file: Path, as_json: Json) -> None:
    report = as_json("check", file, "--sequence", "id", "--label", "move")
    columns = {column["name"]: column for column in report["columns"]}
    assert {name: column["part"] for name, column in columns.items()} == {
        "id": "sequence",
        "step": "value",
        "x": "value",
        "y": "value",
        "move": "label",
        "person": None,
        "same": "value",
    }
    assert (columns["x"]["missing"], columns["x"]["first_missing"], columns["same"]["value"]) == (1, 2, "7")
    assert report["lengths"]["longest"] == 40
    assert report["imbalance"] == 1.0  # 31 of 62
    notes = {(finding["rule"], finding["column"]) for finding in report["findings"]}
    assert {("D702", "same"), ("D714", "step")} <= notes
    assert not any(rule == "D713" for rule, _ in notes)


def test_a_small_class_is_noted(tmp_path: Path, as_json: Json) -> None:
    path = gestures(tmp_path / "moves.csv")
    lines = path.read_text().splitlines()
    path.write_text(
        "\n".join(
            line.replace(",up,", ",rare,") if line[:2] in ("1,", "3,", "5,") else line for line in lines
        )
    )
    report = as_json("check", path, *COLUMNS)
    assert report["labels"] == {"down": 30, "up": 27, "rare": 3}
    assert report["imbalance"] == 10.0
    [note] = [finding for finding in report["findings"] if finding["rule"] == "D713"]
    assert (note["severity"], note["count"], "'rare'" in note["text"]) == ("note", 3, True)


def test_the_next_command_prepares_the_file(
    file: Path, as_json: Json, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    report = as_json("check", file, *COLUMNS, "--group", "person")
    program, *words = shlex.split(report["next"])
    assert program == "lstm"
    assert as_json(*words)["split_by"] == "group"
    assert (tmp_path / "RUN").is_dir()


def test_a_label_that_changes_is_refused_with_the_known_facts(file: Path, as_json: Json) -> None:
    file.write_text(file.read_text().replace("0,1,", "0,1,", 1).replace(",down,p0", ",up,p0", 1))
    report = as_json("check", file, *COLUMNS, code=3)
    assert report["findings"][0]["rule"] == "D250"
    assert (report["count"], report["classes"], report["next"]) == (None, None, None)
    assert len(report["columns"]) == 7
    assert "changes within sequence" in report["refused"]["message"]


def test_splits_that_fail_leave_lengths_and_labels(tmp_path: Path, as_json: Json) -> None:
    path = gestures(tmp_path / "moves.csv", 2)
    report = as_json("check", path, *COLUMNS, "--plot", tmp_path / "a.png", code=3)
    assert (report["count"], report["labels"], report["sequences"]) == (2, {"down": 1, "up": 1}, None)
    assert report["picture"] == str(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_ts_files_are_checked(tmp_path: Path, as_json: Json) -> None:
    path = tmp_path / "a.ts"
    path.write_text("@classLabel true a b\n@data\n" + "1,2,?:5,5,5:a\n2,3,4:5,5,5:b\n" * 12)
    report = as_json("check", path)
    assert [column["name"] for column in report["columns"]] == ["value1", "value2"]
    assert (report["columns"][0]["missing"], report["columns"][1]["value"]) == (12, "5")
    assert {finding["rule"] for finding in report["findings"]} == {"D662", "D664", "D702", "D713"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--label", "move"), "--sequence is missing"),
        ((*COLUMNS, "--horizon", "3"), "--horizon is an option of the task forecast"),
        ((*COLUMNS, "--plot", "-"), "--plot -"),
        (("--sequence", "id"), "or add --label COLUMN"),
    ],
)
def test_options_that_check_cannot_use_are_refused(
    file: Path, capfd: pytest.CaptureFixture[str], options: tuple[str, ...], message: str
) -> None:
    assert lstm(["check", str(file), *options, "-q"]) == 2
    assert message in capfd.readouterr().err


def test_the_tables_fit_a_narrow_terminal(
    file: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert lstm(["check", str(file), *COLUMNS, "--group", "person", "-q"]) == 0
    out = capfd.readouterr().out
    assert "2 classes of 31 sequences, imbalance 1" in out.replace("\n", " ")
    assert "next: lstm prepare" in out
