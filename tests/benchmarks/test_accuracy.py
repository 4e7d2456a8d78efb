"""Tests of the accuracy tables: options passed on, figures compared, and one lost row per failure."""

import json
from pathlib import Path

import accuracy
import on_etth1
import on_sets
import pytest
from command import Choice, CommandFailed, lstm


def report(model: float | None, **baselines: float | None) -> dict:
    def both(value: float | None) -> dict:
        return {"mase": value, "mae": 10.0 if value is None else value * 10}

    return {"metrics": both(model), "baselines": {name: both(value) for name, value in baselines.items()}}


def test_the_ratio_is_to_the_best_simple_forecast() -> None:
    result = on_sets.compared(report(0.9, naive=2.0, seasonal_naive=1.5, linear=1.0))
    assert (result["best"], result["ratio"], result["metric"]) == ("linear", pytest.approx(0.9), "mase")


def test_where_mase_is_undefined_the_ratio_is_of_mae() -> None:
    assert on_sets.compared(report(0.5, naive=None, linear=0.4))["metric"] == "mae"


def test_a_simple_forecast_without_error_is_reported_in_its_row() -> None:
    with pytest.raises(ValueError, match=r"naive makes no error on these test rows, ours is 0\.5"):
        on_sets.compared(report(0.5, naive=0.0, linear=0.4))


def test_horizons_of_validation_counts_rows_not_windows() -> None:
    # two series with 30 validation rows each and a horizon of 6: 25 windows each
    prepared = {"windows": {"val": 50}, "series": 2, "horizon": 6}
    assert on_sets.horizons_of_validation(prepared) == pytest.approx(5)


def test_the_geometric_mean_by_hand() -> None:
    assert on_sets.geometric_mean([0.5, 2.0, 1.0]) == pytest.approx(1)
    assert on_sets.geometric_mean([4.0, 9.0]) == pytest.approx(6)


def test_a_choice_passes_on_what_was_chosen_and_nothing_else() -> None:
    assert Choice().options() == []
    chosen = Choice(effort="best", refit="no-refit", further=("--epochs", "2"), threads=1)
    assert chosen.options() == ["--effort", "best", "--no-refit", "--epochs", "2", "--threads", "1"]


def test_etth1_continues_after_a_failed_row(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def pretended(verb: str, *words: str) -> tuple[dict, float]:
        if verb == "train" and words[words.index("--seed") + 1] == "1":
            raise CommandFailed("exit 7: no memory")
        scores = {"mse_scaled": 0.35, "mae_scaled": 0.38}
        coverage = {"80": 81.0, "95": 96.0}
        return {"metrics": scores, "baselines": {"linear": scores}, "coverage": coverage, "seconds": 3.0}, 5.0

    monkeypatch.setattr(on_etth1, "lstm", pretended)
    words = ["--etth1", "--horizons", "96", "--seeds", "0", "1", "2", "--refit", "refit"]
    assert accuracy.main(words) == 1
    printed = capsys.readouterr().out
    assert "| 96 | as it is | refit | seed 1 | failed: exit 7: no memory |" in printed
    assert "| 96 | as it is | refit | 2 | 0.3500 | 0.3800 |" in printed
    assert "| 96 | as it is | refit | **median** | 0.3500 |" in printed


def small_folder(tmp_path: Path) -> Path:
    rows = "".join(f"2024-01-{day:02d},{day % 7}\n" for day in range(1, 31))
    for group in ("look", "closed"):
        (tmp_path / group).mkdir()
        (tmp_path / group / f"{group}_one.csv").write_text("time,v\n" + rows)
    sets = [
        {
            "name": f"{group}_one",
            "group": group,
            "kind": "daily",
            "file": f"{group}/{group}_one.csv",
            "prepare": ["--horizon", "2"],
            "covariates": {},
        }
        for group in ("look", "closed")
    ]
    (tmp_path / "sets.json").write_text(json.dumps(sets))
    return tmp_path


def test_prepare_only_reports_the_result_for_each_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert accuracy.main(["--sets", str(small_folder(tmp_path)), "--prepare-only"]) == 0
    printed = capsys.readouterr().out
    assert "| look_one | look | daily | 30 | D |" in printed
    assert "closed_one" not in printed


def test_a_closed_set_is_not_scored_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="closed_one"):
        on_sets.listed(small_folder(tmp_path), "look", ["closed_one"])
    assert [item["name"] for item in on_sets.listed(tmp_path, "closed", ["closed_one"])] == ["closed_one"]


def test_a_failed_command_reports_its_error_line(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=r"lstm train: exit 4: error: "):
        lstm("train", str(tmp_path / "absent"))


def test_the_scores_of_quantiles_are_those_of_evaluate() -> None:
    scores = {"coverage": {"80": 79.0, "95": 94.0}, "wql": 0.1, "wis_scaled": 0.3, "wis": 7.0}
    assert on_sets.quantile_scores(scores) == {
        "coverage 80": 79.0, "coverage 95": 94.0, "wql": 0.1, "wis_scaled": 0.3,
    }  # fmt: skip


def test_runs_are_kept_only_in_a_folder_that_was_asked_for(tmp_path: Path) -> None:
    with on_sets.run_directory(tmp_path / "runs", "one") as kept, on_sets.run_directory(None, "one") as lost:
        for folder in (kept, lost):
            Path(folder).mkdir()
    assert Path(kept) == tmp_path / "runs" / "one"
    assert Path(kept).is_dir()
    assert not Path(lost).exists()
