"""Tests of the checks of outputs outside a run."""

import hashlib
from pathlib import Path

import pytest
from small_run import child, tree, wait_for

from lstm_cli.data.locations import dataset_name
from lstm_cli.errors import OutputError, UsageError
from lstm_cli.rundir import check_output, check_output_folder, exports_folder, writing


def test_an_invalid_output_is_refused_before_any_work(run: Path, tmp_path: Path) -> None:
    source = tmp_path / "input.csv"
    source.write_text("a")
    (tmp_path / "hard.csv").hardlink_to(source)
    (tmp_path / "soft.csv").symlink_to(source)
    (tmp_path / "inward").symlink_to(run / "model")
    before = tree(tmp_path)
    refused: list[tuple[Path, type[Exception], str]] = [
        (tmp_path, UsageError, "is a folder"),
        (tmp_path / "missing" / "forecast.csv", OutputError, "folder not found"),
        (source, UsageError, "is the input file itself"),
        (tmp_path / "hard.csv", UsageError, "is the input file itself"),
        (tmp_path / "soft.csv", UsageError, "is the input file itself"),
        (run / "forecast.csv", UsageError, "is in the run directory"),
        (run / "data" / "0001" / "values.npy", UsageError, "is in the run directory"),
        (tmp_path / "inward" / "model.onnx", UsageError, "is in the run directory"),
        (source / "below.csv", OutputError, "folder not found"),
    ]
    for path, kind, text in refused:
        with pytest.raises(kind, match=text):
            check_output(path, run=run, sources=(None, source))
    for path in (tmp_path / "forecast.csv", Path("/dev/null"), Path("/dev/stdout"), "relative.csv"):
        check_output(path, run=run, sources=(None, source))
    check_output(tmp_path / "forecast.csv", run=run, sources=("-",))
    assert tree(tmp_path) == before


def test_a_read_only_file_or_folder_is_refused(public: Path) -> None:
    (public / "file.csv").write_text("user file")
    (public / "file.csv").chmod(0o444)
    (public / "folder").mkdir(mode=0o555)
    source = """
from lstm_cli.errors import OutputError
rundir.check_output, rundir.open_run, rundir.writing  # loaded while the package is readable
if os.getuid() == 0:
    os.setgid(65534); os.setuid(65534)
for name in ("file.csv", "folder/file.csv"):
    try:
        rundir.check_output(path / name)
    except OutputError as error:
        print(error.message)
"""
    code, out, err = wait_for(child(source, public, cwd="/"))
    assert code == 0, err
    assert [line.rpartition(" ")[2] for line in out.splitlines()] == ["read-only"] * 2


def test_exports_is_the_only_folder_of_a_run_for_outputs(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    folder = exports_folder(run)
    assert folder == run / "exports"
    assert exports_folder(run) == folder
    assert folder.is_dir()
    check_output(folder / "model.onnx", run=run, exported=True)
    with pytest.raises(UsageError, match="is in the run directory"):
        check_output(folder / "forecast.csv", run=run)
    for name in ("model.onnx", "exports/../model.onnx", "exports.onnx"):
        with pytest.raises(UsageError, match="is in the run directory"):
            check_output(run / name, run=run, exported=True)
    with pytest.raises(UsageError, match="is a folder"):
        check_output(folder, run=run, exported=True)


def recorded_run(path: Path, sources: list[Path]) -> Path:
    """Return a run whose `run.json` names data files as `prepare` does."""
    names = ["source"] if len(sources) == 1 else [f"source {number + 1}" for number in range(len(sources))]
    contents = [source.read_bytes() for source in sources]
    facts = [{"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)} for content in contents]
    with writing(path, step="prepare", create=True) as writer:
        writer.new("data").write_json("scaler.json", {})
        report = {"source": dataset_name([str(source) for source in sources])}
        writer.commit(config={}, reads=dict(zip(names, facts, strict=True)), report=report)
    return path


def test_the_data_file_of_a_run_is_refused_by_its_path_and_by_its_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.csv", "b.csv", "c.csv"):
        Path(name).write_text(f"time,y\n1,{name}\n")
    one = recorded_run(tmp_path / "one", [Path("a.csv")])
    several = recorded_run(tmp_path / "several", [Path("b.csv"), Path("c.csv")])
    Path("folder").mkdir()
    Path("folder/copy.csv").write_text(Path("a.csv").read_text())
    Path("link.csv").symlink_to("a.csv")
    for run, name in (
        (one, "a.csv"),
        (one, "link.csv"),
        (one, "folder/copy.csv"),
        (several, "b.csv"),
        (several, "c.csv"),
    ):
        with pytest.raises(UsageError, match=f"the output {name} is a data file of the run") as caught:
            check_output(name, run=run, flag="--forecasts")
        assert caught.value.hint == "name another file with --forecasts"
    with pytest.raises(UsageError, match="is a data file of the run"):
        check_output_folder("folder", ["copy.csv"], run=one)
    with Path("a.csv").open("a") as file:
        file.write("2,3\n")
    with pytest.raises(UsageError, match="is a data file of the run"):  # a data file grows
        check_output("a.csv", run=one)
    for run, name in ((one, "b.csv"), (several, "a.csv"), (one, "new.csv"), (tmp_path / "absent", "a.csv")):
        check_output(name, run=run)


def test_a_file_of_another_size_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "data.csv"
    source.write_text("time,y\n1,2\n")
    run = recorded_run(tmp_path / "run", [source])
    (tmp_path / "forecast.csv").write_text("time,y\n1,20\n")

    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(hashlib, "file_digest", refuse)
    check_output(tmp_path / "forecast.csv", run=run)
    (tmp_path / "forecast.csv").write_text("time,y\n1,3\n")
    with pytest.raises(AssertionError):
        check_output(tmp_path / "forecast.csv", run=run)
