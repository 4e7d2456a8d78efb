"""Tests of `quantize` and the int8 forecast after nights that added rows to the data of the model."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_ledger import until
from small_nights import choose, refreshed
from small_steps import PREPARE

from lstm_cli.config import PredictConfig, QuantizeConfig, RefreshConfig
from lstm_cli.data.dataset.windows import split_windows
from lstm_cli.errors import DataError, StaleArtifact
from lstm_cli.events import Event, Note, WarningRaised, ignore_events
from lstm_cli.inference.trained_model import load_model
from lstm_cli.rundir import open_run, verify_run
from lstm_cli.steps.dry_run import plan_quantize
from lstm_cli.steps.predict import predict
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.quantize import quantize
from lstm_cli.steps.quantize import windows as step

ALL = QuantizeConfig(max_loss=1.0)
STAYS = RefreshConfig(new_rows=500)


@pytest.fixture
def grown(trained: Path, big: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a run whose model was replaced, and whose data grew in two further nights."""
    run = Path(shutil.copytree(trained, tmp_path / "run"))
    choose(monkeypatch, better=True)
    assert refreshed(run, big, "2024-05-20", RefreshConfig(always=True)).verdict == "replaced"
    for day in ("2024-05-21", "2024-05-22"):
        assert refreshed(run, big, day, STAYS).verdict == "not trained"
    return run


def forecast(run: Path, precision: str) -> tuple[bytes, str, list[str]]:
    """Return the forecast, its precision, and the rules of its warnings."""
    output, events = run.parent / f"{precision}.csv", list[Event]()
    report = predict(run, None, PredictConfig(output=str(output), precision=precision), events.append)
    rules = [event.finding.rule for event in events if isinstance(event, WarningRaised)]
    return output.read_bytes(), report.precision, rules


def state(run: Path, name: str) -> str:
    with open_run(run) as opened:
        (verdict,) = [each for each in verify_run(opened) if each.artifact == name and each.version is None]
    return verdict.state


def test_the_quantized_model_serves_after_further_nights(grown: Path, big: Path) -> None:
    """Quantize the graph of the model that stays. No later row makes the result out of date."""
    with pytest.raises(StaleArtifact) as stale:
        forecast(grown, "int8")  # that of the replaced model
    assert stale.value.hint == f"run 'lstm quantize {grown}' again"
    assert forecast(grown, "auto")[1] == "fp32"
    assert not plan_quantize(grown, ALL, force=False).up_to_date
    quantize(grown, ALL, ignore_events)
    for day in (None, "2024-05-23"):
        if day is not None:
            refreshed(grown, big, day, STAYS)
        served, precision, rules = forecast(grown, "auto")
        assert (precision, rules) == ("int8", ["M102"])
        assert forecast(grown, "int8")[0] == served
        assert forecast(grown, "fp32")[0] != served
        assert (state(grown, "quantized"), state(grown, "model")) == ("ok", "stale")


def test_both_models_are_compared_on_the_newest_rows_in_the_scaling_of_the_model(
    grown: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, events = [], list[Event]()

    def spy(*args: object) -> object:
        seen.append(split_windows(*args))  # type: ignore[arg-type]
        return seen[-1]

    monkeypatch.setattr(step, "split_windows", spy)
    quantize(grown, ALL, events.append)
    (windows,) = seen
    model, table = load_model(open_run(grown)), windows.dataset.series
    assert table.count.tolist() == [143, 143]  # up to 2024-05-22
    assert model.series.count.tolist() == [141, 141]
    assert windows.dataset.scaler.equals(model.scaler)
    ends = windows.origins - table.offset[windows.series] + model.schema.horizon
    assert ends.max() == 143
    assert (windows.origins - table.offset[windows.series]).min() >= model.series.train_end.min()
    rows = int((table.val_end - table.train_end).max())
    (note,) = [event.text for event in events if isinstance(event, Note)]
    assert note.endswith(f"compared on the newest {rows} rows")


def test_new_data_of_prepare_are_refused_as_before(grown: Path, big: Path, tmp_path: Path) -> None:
    source = until(big, "2024-05-25", tmp_path / "new.csv")
    prepare(source, grown, replace(PREPARE, start="2024-01-03"), ignore_events)
    for refused in (
        lambda: quantize(grown, ALL, ignore_events),
        lambda: plan_quantize(grown, ALL, force=False),
    ):
        with pytest.raises(StaleArtifact):
            refused()


def test_an_outage_over_all_compared_rows_is_named(grown: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_measured(*args: object) -> object:
        windows = split_windows(*args)  # type: ignore[arg-type]
        return windows.select(np.zeros(0, dtype=int))

    monkeypatch.setattr(step, "split_windows", none_measured)
    with pytest.raises(DataError, match="no window with measured targets"):
        quantize(grown, ALL, ignore_events)
