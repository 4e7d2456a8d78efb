"""Tests of the report of a run: figures, refusals, and what a page must not hold."""

import io
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fresh_process import run_fresh
from hostile_run import CATEGORY, FILE, SCRIPT, TARGET
from small_steps import LINEAR, PREPARE

from lstm_cli.config import EvaluateConfig, PrepareConfig, QuantizeConfig, ReportConfig
from lstm_cli.errors import CorruptArtifact, MissingArtifact, OutputError, StaleArtifact, UsageError
from lstm_cli.evaluation.score_text import verdict
from lstm_cli.events import ignore_events
from lstm_cli.rundir import open_run
from lstm_cli.rundir.manifest import decode_manifest, encode_manifest
from lstm_cli.steps.evaluate import evaluate
from lstm_cli.steps.evaluate.score_model import ScoringSubject, scoring_subject
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.quantize import quantize
from lstm_cli.steps.report import encode_report, report
from lstm_cli.steps.report.collect import collect_facts
from lstm_cli.steps.report.stored_scores import load_scores
from lstm_cli.steps.report.window_errors import (
    WindowSums,
    calibration,
    errors_by_step,
    errors_by_time,
    residuals,
    series_ratios,
    sum_windows,
)
from lstm_cli.steps.train import train

GOLDEN = Path(__file__).parents[2] / "rundir" / "golden" / "run"
PAGE = ReportConfig(output="-", threads=1)
MARKDOWN = ReportConfig(output="-", format="md", threads=1)


def written(run: Path, config: ReportConfig = PAGE) -> str:
    """Return the report of a run as text."""
    stream = io.BytesIO()
    report(run, config, ignore_events, stdout=stream)
    return stream.getvalue().decode()


def embedded(page: str) -> dict:
    found = re.search(r'<script type="application/json" id="report-data">(.*?)</script>', page)
    assert found is not None
    return json.loads(found.group(1))


@pytest.fixture(scope="module")
def subject(scored: Path) -> ScoringSubject:
    with open_run(scored) as opened:
        return scoring_subject(opened, EvaluateConfig(threads=1, precision="int8"))


@pytest.fixture(scope="module")
def sums(subject: ScoringSubject) -> WindowSums:
    return sum_windows(subject, lambda done, total: None)


@pytest.fixture(scope="module")
def page(scored: Path) -> str:
    return written(scored)


def test_the_errors_by_step_are_those_of_evaluate(scored: Path, sums: WindowSums) -> None:
    """Both series have the same windows, so the mean over cells is the mean over series."""
    with open_run(scored) as opened:
        stored = opened.report("evaluate")
    steps = errors_by_step(sums)
    np.testing.assert_allclose(steps.model, [row["mase"] for row in stored["per_step"]], rtol=1e-5)
    mean = np.mean(steps.baseline)
    np.testing.assert_allclose(mean, stored["baselines"]["seasonal_naive"]["mase"], rtol=1e-5)
    found = calibration(sums)
    assert found is not None
    for level in ("80", "95"):
        expected = [row["coverage"][level] for row in stored["per_step"]]
        np.testing.assert_allclose(found.by_step[level], expected)
        np.testing.assert_allclose(sums.coverage[level], stored["coverage"][level])
    ratios = {row["series"]: row["ratio"] for row in stored["worst"]}
    expected = [ratios[name] for name in sums.windows.dataset.series.names]
    np.testing.assert_allclose(series_ratios(sums), expected, rtol=1e-5)


def test_errors_by_weekday_are_the_means_of_their_days(sums: WindowSums) -> None:
    """Day 0 of the rows is Monday, 2024-01-01."""
    table = sums.windows.dataset.series
    first = sums.windows.origins - table.offset[sums.windows.series]
    days = (first[:, None] + np.arange(7)) % 7
    weekday = next(item for item in errors_by_time(sums) if item.title == "Weekday")
    assert weekday.labels == ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    expected = [np.abs(sums.error[..., 0][days == day]).mean() for day in range(7)]
    np.testing.assert_allclose(weekday.model, expected, rtol=1e-5)


def test_residuals_have_the_bias_and_the_count_of_all_errors(sums: WindowSums) -> None:
    found = residuals(sums)
    assert found is not None
    np.testing.assert_allclose(found.bias, sums.error.mean(), rtol=1e-4)
    assert found.counts.sum() + found.outside == sums.error.size
    assert (found.low <= found.mean).all()
    assert (found.mean <= found.high).all()
    assert (np.diff(found.x) > 0).all()


def test_the_page_has_the_verdict_of_evaluate_and_no_other_numbers(scored: Path, page: str) -> None:
    with open_run(scored) as opened:
        stored = opened.report("evaluate")
    season = stored["baseline_season"]
    sentence = verdict(stored["metrics"], stored["baselines"], stored["comparisons"], season, panel=True)
    shown = page.replace("\u00a0", " ").replace("\u2212", "-")
    assert f'<p class="verdict">{sentence}</p>' in shown
    assert sentence in written(scored, MARKDOWN)
    assert "NaN" not in page
    assert not re.search(r"[ \"](nan|inf)[ \",%]", page)


def test_the_charts_hold_the_forecasts_of_their_windows(page: str, scored: Path) -> None:
    charts = embedded(page)["charts"]
    windows = [chart for name, chart in charts.items() if name.startswith("window")]
    assert 2 <= len(windows) <= 4
    for chart in windows:
        count = 1 + sum(length for _, length in chart["x"]["runs"])
        assert count - chart["first"] == len(chart["forecast"]) == len(chart["baseline"]) == PREPARE.horizon
        assert len(chart["measured"]) == count
        for low, high in chart["ends"].values():
            assert all(below <= above for below, above in zip(low, high, strict=True))
    series = charts["series-0"]
    assert series["x"] == {"first": 1704067200, "runs": [[86400, 129]]}
    assert [name for name, *_ in series["splits"]] == ["training", "validation", "test"]


def test_the_same_run_gives_the_same_bytes(scored: Path, page: str) -> None:
    assert written(scored) == page


def test_the_page_names_no_place_of_the_machine(scored: Path, page: str, tmp_path: Path) -> None:
    texts = (page, written(scored, MARKDOWN))
    assert [text for text in texts for part in scored.parent.parts[1:3] if f"/{part}" in text] == []
    assert "lstm prepare panel.csv run --target sales" in page


def test_names_of_files_stay_text(hostile: Path) -> None:
    page, comment = written(hostile), written(hostile, MARKDOWN)
    outside = re.sub(r"<(script|style)[ >].*?</\1>", "", page, flags=re.S)
    assert not re.search(r"<(img|b|script)[ >]", outside)
    assert not re.search(r"<[^>]*\son\w+=", re.sub(r'"[^"]*"', '""', outside))
    assert "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;" in outside
    assert "<" not in json.dumps(embedded(page)["charts"])
    for name in (SCRIPT, TARGET, CATEGORY, FILE):
        assert name not in outside
        for line in comment.splitlines():
            assert (
                name not in line
                or f"`{name.replace('|', chr(92) + '|')}" in line.replace("``", "`")
                or "lstm " in line
            )
    assert "lstm train '<script>alert(6)<'" in comment


def test_a_run_without_scores_names_the_command(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingArtifact) as caught:
        report(trained, ReportConfig(output=str(tmp_path / "a.html")), ignore_events)
    assert f"lstm evaluate {trained}" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_scores_of_another_model_are_refused(scored: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(scored, tmp_path / "run"))
    train(run, LINEAR, ignore_events)
    with pytest.raises(StaleArtifact, match="scores") as caught:
        written(run)
    assert "lstm evaluate" in caught.value.hint


def test_a_later_quantized_model_is_reported_and_the_scores_stay(trained: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(trained, tmp_path / "run"))
    train(run, LINEAR, ignore_events)  # so the quantized model is not of this model
    evaluate(run, EvaluateConfig(threads=1), ignore_events)
    quantize(run, QuantizeConfig(max_loss=1.0), ignore_events)
    events: list = []
    stream = io.BytesIO()
    result = report(run, PAGE, events.append, stdout=stream)
    assert result.precision == "fp32"
    assert [finding["rule"] for finding in result.findings] == ["M205"]
    text = stream.getvalue().decode()
    assert "The scores are those of the model before quantization" in text
    assert "Cost of int8" in text


def test_without_test_rows_the_validation_scores_are_shown(panel: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    config = PrepareConfig(target=("sales",), series=("shop",), horizon=7, lookback=14, test="0")
    prepare(str(panel), run, config, ignore_events)
    train(run, LINEAR, ignore_events)
    stream = io.BytesIO()
    result = report(run, PAGE, ignore_events, stdout=stream)
    assert (result.split, result.windows) == ("val", open_run(run).report("prepare")["windows"]["val"])
    text = stream.getvalue().decode()
    assert "validation windows. These rows chose the model, so its true error can be higher." in text
    assert "The run has no test windows." in text


def test_a_model_without_intervals_has_a_page_without_them(scored: Path, subject: ScoringSubject) -> None:
    plain = replace(subject, intervals=None)
    sums = sum_windows(plain, lambda done, total: None)
    with open_run(scored) as opened:
        scores = replace(load_scores(opened)[0], coverage={}, width={})
        facts = collect_facts(opened, plain, scores, sums, ())
    page = encode_report(facts, "html").decode()
    assert 'id="calibration"' not in page
    assert "% interval</li>" not in page.replace("\u00a0", " ")
    charts = [chart for name, chart in embedded(page)["charts"].items() if name.startswith("window")]
    assert all(chart["ends"] == {} for chart in charts)
    assert "holds" not in encode_report(facts, "md").decode()


def test_a_run_of_an_older_release_has_a_page(tmp_path: Path) -> None:
    run = Path(shutil.copytree(GOLDEN, tmp_path / "run"))
    evaluate(run, EvaluateConfig(threads=1), ignore_events)
    assert "Make it again" in written(run)


def test_an_edited_manifest_is_corrupt_and_no_bug(scored: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(scored, tmp_path / "run"))
    path = run / "run.json"
    for change in ({"windows": 3}, {"rows": "many"}, {"source": 7}):
        steps = decode_manifest((scored / "run.json").read_bytes(), run)
        steps["prepare"]["report"] |= change
        path.write_bytes(encode_manifest(steps, run))
        if change == {"windows": 3}:
            del steps["evaluate"]
            path.write_bytes(encode_manifest(steps, run))
        with pytest.raises(CorruptArtifact, match="unexpected content"):
            written(run)


def test_the_output_is_checked_before_the_work(scored: Path, tmp_path: Path) -> None:
    for output, kind in (
        (scored / "page.html", UsageError),
        (tmp_path, UsageError),
        (tmp_path / "missing" / "page.html", OutputError),
    ):
        with pytest.raises(kind):
            report(scored, ReportConfig(output=str(output)), ignore_events)


@pytest.mark.parametrize(
    ("output", "format", "expected"),
    [
        (None, None, ("load-report.html", "html")),
        (None, "md", ("-", "md")),
        ("a.MD", None, ("a.MD", "md")),
        ("a.md", "html", ("a.md", "html")),
        ("-", None, ("-", "html")),
    ],
)
def test_format_and_output_follow_from_each_other(
    output: str | None, format: str | None, expected: tuple[str, str]
) -> None:
    config = ReportConfig(output=output, format=format)
    assert (config.output_for("runs/load/"), config.chosen_format) == expected


def test_the_command_loads_no_heavy_library(scored: Path, tmp_path: Path) -> None:
    code, loaded, done = run_fresh("report", str(scored), "-o", "page.html", "--json", cwd=tmp_path)
    assert code == 0, done.stderr
    assert {"torch", "pandas", "sklearn", "matplotlib", "scipy"} & loaded == set()
    result = json.loads(done.stdout)
    assert result["size"] == (tmp_path / "page.html").stat().st_size
    assert result["commands"][0].startswith("lstm prepare panel.csv run ")
