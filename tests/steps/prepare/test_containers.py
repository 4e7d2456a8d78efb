"""Tests of `prepare` from containers: up-to-date checks, memory and dry run of archives and hive folders."""

import zipfile
from pathlib import Path

import pytest

from lstm_cli.config import PrepareConfig
from lstm_cli.events import ignore_events
from lstm_cli.rundir import open_run
from lstm_cli.steps.dry_run import plan_prepare
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.prepare.report import PrepareReport
from lstm_cli.steps.shared.memory_estimate import prepare_need

TEXT = "date,load\n" + "".join(
    f"2021-{1 + row // 28:02d}-{1 + row % 28:02d},{row % 7}\n" for row in range(84)
)
PANEL = PrepareConfig(target=("load",), series=("shop",), freq="D")


def prepared(data: Path, config: PrepareConfig) -> PrepareReport:
    return prepare(str(data), data.parent / "run", config, ignore_events)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for shop in ("Aachen", "Bonn"):
        path = tmp_path / "sales" / f"shop={shop}" / "a.csv"
        path.parent.mkdir(parents=True)
        path.write_text(TEXT)
    return tmp_path / "sales"


def test_each_file_of_a_hive_folder_is_recorded(folder: Path) -> None:
    report = prepared(folder, PANEL)
    assert (report.rows, report.series, report.up_to_date) == (168, 2, None)
    assert prepared(folder, PANEL).up_to_date
    (folder / "shop=Bonn" / "a.csv").write_text(TEXT.replace(",6\n", ",7\n"))
    assert prepared(folder, PANEL).up_to_date is None
    (folder / "shop=Cham").mkdir()
    (folder / "shop=Cham" / "a.csv").write_text(TEXT)
    report = prepared(folder, PANEL)
    assert (report.series, report.up_to_date) == (3, None)


def test_a_dry_run_lists_the_files_of_a_hive_folder(folder: Path) -> None:
    plan = plan_prepare([str(folder)], folder.parent / "run", PANEL, force=False)
    names = [str(folder / f"shop={shop}" / "a.csv") for shop in ("Aachen", "Bonn")]
    assert [(entry["path"], entry["size"]) for entry in plan.reads] == [(name, len(TEXT)) for name in names]
    assert plan.memory is not None


def test_an_archive_is_up_to_date_until_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    for text, known in ((TEXT, None), (TEXT, True), (TEXT.replace(",6\n", ",7\n"), None)):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo("a.csv"), text)
        assert prepared(path, PrepareConfig(freq="D")).up_to_date is known
    with open_run(tmp_path / "run") as run:
        assert run.report("prepare")["source"] == str(path)
    assert prepare_need([str(path)], PrepareConfig()) is None  # the number of rows is not known
