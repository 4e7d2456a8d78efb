"""Tests of nights in which something fails: who forecasts, what stays, and what the next night does."""

import shutil
from pathlib import Path

import pytest
from small_ledger import rows_of, write_rows
from small_nights import FIRST, choose, refreshed
from small_steps import LINEAR, PREPARE, model_files

from lstm_cli.config import RefreshConfig
from lstm_cli.errors import DataError, Interrupted, LockedError, OutputError
from lstm_cli.events import ignore_events
from lstm_cli.monitoring.promise import scored_model
from lstm_cli.rundir import Writer, open_run
from lstm_cli.rundir.transaction import acquire_lock, release_lock
from lstm_cli.steps import evaluate, refresh
from lstm_cli.steps.history import history
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.train import train

OLD = b"an older forecast\n"
FULL = OutputError("cannot write weights.safetensors: disk full", hint="make room")


@pytest.fixture
def output(run: Path) -> Path:
    """Return the forecast of the night before."""
    path = run.parent / "forecast.csv"
    path.write_bytes(OLD)
    return path


def night(run: Path, big: Path, output: Path, **settings: object) -> refresh.RefreshReport:
    return refreshed(run, big, "2024-05-20", RefreshConfig(always=True, output=str(output), **settings))  # type: ignore[arg-type]


def verdicts(run: Path) -> list[str]:
    return [each["verdict"] for version in history(run).versions for each in version["verdicts"]]


def test_a_model_that_cannot_be_written_leaves_the_forecast_to_the_champion(
    run: Path, big: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(writer: Writer, *args: object, **given: object) -> str | None:
        writer.new("model").write_bytes("history.jsonl", b"")
        raise FULL

    choose(monkeypatch, better=True)
    monkeypatch.setattr(refresh, "replace_model", fail)
    before = model_files(run)
    with pytest.raises(OutputError, match=r"forecast was made, but .* disk full") as raised:
        night(run, big, output)
    assert (raised.value.exit_code, raised.value.hint) == (4, "make room")
    assert len(output.read_bytes().splitlines()) == 15
    assert model_files(run) == before
    assert verdicts(run) == ["failed"]
    assert [path.name for path in (run / "model").iterdir()] == ["0001"]


@pytest.mark.parametrize("fault", ["add_verdict", "commit"])
def test_a_verdict_that_cannot_be_written_does_not_prevent_the_forecast(
    run: Path, big: Path, output: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """Fail in the commit of the model after its rename, or in that of the verdict."""
    original = Writer._replace_manifest

    def fail(writer: Writer, data: bytes) -> None:
        original(writer, data)
        if b'"made_by":"refresh"' in data and (fault == "commit" or b'"verdict"' in data):
            raise FULL

    choose(monkeypatch, better=True)
    with monkeypatch.context() as patched:
        patched.setattr(Writer, "_replace_manifest", fail)
        with pytest.raises(OutputError, match="forecast was made, but the night was not stored"):
            night(run, big, output)
    assert len(output.read_bytes().splitlines()) == 15
    assert len(history(run).versions) == (1 if fault == "commit" else 2)
    assert model_files(run)  # all files are there
    choose(monkeypatch, better=False)
    assert night(run, big, output).verdict in ("kept", "not trained")


def test_the_old_forecast_stays_if_no_forecast_can_be_made(big: Path, tmp_path: Path) -> None:
    """Neither the run nor the file has the promotions of the coming days, which the model needs."""
    run, output, config = (
        tmp_path / "run",
        tmp_path / "forecast.csv",
        RefreshConfig(output=str(tmp_path / "forecast.csv")),
    )
    output.write_bytes(OLD)

    def measured(day: str) -> str:
        return write_rows(tmp_path / "new.csv", [row for row in rows_of(big) if row["day"] <= day])

    prepare(measured(FIRST), run, PREPARE, ignore_events)
    train(run, LINEAR, ignore_events)
    with pytest.raises(DataError, match="promo") as missing:
        refresh.refresh(run, measured("2024-05-20"), config, ignore_events)
    assert "or give them to 'lstm predict' with --future-data" in missing.value.hint
    assert output.read_bytes() == OLD
    report = refreshed(run, big, "2024-05-20", config)
    assert (report.rows["added"], report.rows["changed"]) == (0, 0)
    assert len(output.read_bytes().splitlines()) == 15


def test_the_next_night_scores_a_model_whose_night_was_killed_before_its_scores(
    run: Path, big: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise Interrupted(9)

    choose(monkeypatch, better=True)
    with monkeypatch.context() as patched:
        patched.setattr(evaluate, "score_and_commit", fail)
        with pytest.raises(Interrupted):
            night(run, big, output)
    assert not open_run(run).has("scores")
    assert output.read_bytes() == OLD
    assert night(run, big, output).verdict == "not trained"
    with open_run(run) as opened:
        assert scored_model(opened) == opened.digest("model")
        assert len(history(run).versions) == 2


def test_a_night_waits_for_another_writer_only_before_it_begins(run: Path, big: Path, output: Path) -> None:
    lock = acquire_lock(run)
    before = (run / "run.json").read_bytes()
    with pytest.raises(LockedError):
        night(run, big, output)
    release_lock(lock)
    assert (output.read_bytes(), (run / "run.json").read_bytes()) == (OLD, before)


def test_a_replaced_model_leaves_its_quantized_one_with_one_warning(
    trained: Path, big: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Path(shutil.copytree(trained, tmp_path / "run"))
    choose(monkeypatch, better=True)
    config = RefreshConfig(always=True)
    rules = []
    for day in ("2024-05-20", "2024-05-21"):
        report = refreshed(run, big, day, config)
        rules.append([finding["rule"] for finding in report.findings].count("M409"))
        text = " ".join(report.warnings)
        assert (f"'lstm quantize {run}'" in text) == (day == "2024-05-20")
    assert rules == [1, 0]
