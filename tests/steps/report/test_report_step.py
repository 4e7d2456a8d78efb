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
from lstm_cli.reporting.sections.opening import coverage_mark, shown_metrics
from lstm_cli.reporting.sections.terms import BASELINES, INTERVAL, METRICS, STRENGTH, WINDOW
from lstm_cli.rundir import open_run
from lstm_cli.rundir.manifest import decode_manifest, encode_manifest
from lstm_cli.steps.evaluate import evaluate
from lstm_cli.steps.evaluate.score_model import ScoringSubject, scoring_subject
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.quantize import quantize
from lstm_cli.steps.report import report
from lstm_cli.steps.report.collect import collect_facts
from lstm_cli.steps.report.forecast import encode_report
from lstm_cli.steps.report.series_charts import data_facts, profiles
from lstm_cli.steps.report.stored_scores import load_scores
from lstm_cli.steps.report.window_charts import window_charts
from lstm_cli.steps.report.window_errors import (
    WindowSums,
    _count_below,
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
            assert name not in line or f"`{name}" in line.replace("``", "`") or "lstm " in line
    assert "lstm train '<script>alert(6)<'" in comment
    assert f"### Forecast of ``{TARGET}``, 7 days ahead\n" in comment


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
    assert [line.split()[1] for line in result.commands] == ["prepare", "train", "evaluate", "quantize"]


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
    assert "mean width" not in text


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
        ("page.HTM", None, ("page.HTM", "html")),
        ("a.txt", "md", ("a.txt", "md")),
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


def test_the_commands_score_the_quantized_model_last(scored: Path) -> None:
    result = report(scored, PAGE, ignore_events, stdout=io.BytesIO())
    assert result.precision == "int8"
    assert [line.split()[1] for line in result.commands] == ["prepare", "train", "quantize", "evaluate"]


@pytest.mark.parametrize("name", ["a.pdf", "a.png", "report.docx"])
def test_an_output_that_is_neither_html_nor_markdown_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="not the name of an HTML or Markdown file") as caught:
        ReportConfig(output=name)
    assert ("print the page" in caught.value.hint) == (name == "a.pdf")


def test_the_losses_have_an_axis_of_their_own_where_the_measures_differ(page: str) -> None:
    for part in ("anchored", "free"):
        for measure in ("validation MASE", "training loss"):
            assert f'<h3><bdi class="name">{part}</bdi>: {measure}</h3>' in page


def test_the_terms_are_those_of_the_glossary(page: str, scored: Path) -> None:
    glossary = (Path(__file__).parents[3] / "docs" / "reference" / "glossary.md").read_text()
    rows = [row.replace("\\|", "|") for row in glossary.splitlines() if row.startswith("| ")]
    for name, meaning in (
        *METRICS.values(),
        *BASELINES.items(),
        *INTERVAL.items(),
        *WINDOW.items(),
        STRENGTH,
    ):
        assert any(name in row.split(" | ")[0] and meaning in row for row in rows), name
    for name in ("MASE", "sMAPE", "WQL", "seasonal naive", "linear", "strength"):
        assert f"<dt>{name}</dt>" in page
    assert "- WQL: Weighted quantile loss" in written(scored, MARKDOWN)


def test_the_bias_of_a_panel_has_no_unit_of_one_series(page: str, scored: Path) -> None:
    text = re.sub(r"<[^>]+>", "", page).replace("\u00a0", " ")
    assert re.search(
        r"On average, the forecasts are (too (high|low), by [\d.]+ % of the mean absolute error|neither)",
        text,
    )
    assert "Mean absolute error, in MASE.\n" in written(scored, MARKDOWN)


def test_values_that_equal_a_quantile_count_by_half() -> None:
    truth = np.array([0.0, 0.0, 1.0, 3.0, np.nan])
    assert _count_below(truth, np.zeros(5)) == 1.0
    assert _count_below(truth, np.full(5, 2.0)) == 3.0


def test_the_outliers_of_all_series_are_counted(page: str, subject: ScoringSubject) -> None:
    assert data_facts(subject.dataset).searched == 2 * 130
    assert "none found in 260 values" in page


def test_the_usual_course_names_its_series_and_needs_two_cycles(page: str, subject: ScoringSubject) -> None:
    found = profiles(subject.dataset, 1)  # 130 days
    assert [(profile.title, profile.series) for profile in found] == [("Weekday", "B")]
    assert np.argmax(found[0].mean) == 2  # the sine of the days is highest on day 1.75
    assert "Usual year" not in page
    assert re.search(r'Mean of <bdi class="name">sales</bdi> · <bdi class="name">[AB]</bdi> by weekday', page)


def test_the_errors_of_the_drawn_windows_are_those_of_evaluate(
    scored: Path, subject: ScoringSubject, sums: WindowSums
) -> None:
    """Forecasts of int8 depend on the batch, so a window that is forecast alone differs."""
    for chart in window_charts(subject, sums):
        names = sums.windows.dataset.series.names
        rows = np.flatnonzero(sums.windows.series == names.index(chart.series))
        ahead = np.isfinite(chart.forecast)
        errors = np.abs(chart.forecast - chart.measured)[ahead].mean()
        scale = sums.divisor[names.index(chart.series), 0]
        assert np.isclose(np.abs(sums.error[rows, :, 0]).mean(axis=1) * scale, errors, rtol=1e-6).any()
        np.testing.assert_allclose(chart.error, errors)


def test_a_warning_about_other_rows_says_so(scored: Path, subject: ScoringSubject, sums: WindowSums) -> None:
    with open_run(scored) as opened:
        facts = collect_facts(opened, subject, load_scores(opened)[0], sums, ())
    plain = replace(facts, warnings=("the networks add nothing on the validation rows",))
    assert "older rows" in encode_report(plain, "html").decode()
    assert "older rows" in encode_report(plain, "md").decode()
    assert replace(plain, split="validation").warnings_note == ""
    assert replace(plain, warnings=("some other",)).warnings_note == ""
    nameless = replace(facts, made=replace(facts.made, data_is_named=False))
    assert "Replace DATA by the data" in encode_report(nameless, "html").decode()
    assert "Replace DATA by the data" in encode_report(nameless, "md").decode()


def test_an_interval_that_holds_too_few_values_is_marked() -> None:
    assert coverage_mark("80", 60.0) == "too narrow: should be near 80 %"
    assert coverage_mark("80", 99.0) == "too wide: should be near 80 %"
    assert coverage_mark("95", 91.0) == ""


def test_several_targets_have_no_error_in_one_unit(
    scored: Path, subject: ScoringSubject, sums: WindowSums
) -> None:
    with open_run(scored) as opened:
        facts = collect_facts(opened, subject, load_scores(opened)[0], sums, ())
    assert "mae" in shown_metrics(facts)
    both = replace(facts, targets=("sales", "returns"))
    assert not {"mae", "rmse"} & shown_metrics(both).keys()
    assert "MAE, scaled" in encode_report(both, "html").decode()


def test_one_series_without_test_rows_has_its_error_in_units(tmp_path: Path) -> None:
    days, rng = np.datetime64("2024-01-01") + np.arange(130), np.random.default_rng(0)
    values = 50 + 20 * np.sin(np.arange(130) * 2 * np.pi / 7) + rng.normal(0, 5, 130)
    rows = [f"{day.item():%d.%m.%Y},{value:.3f}" for day, value in zip(days, values, strict=True)]
    del rows[40:43]
    (tmp_path / "one.csv").write_text("\n".join(["day,sales", *rows]) + "\n")
    run = tmp_path / "run"
    config = PrepareConfig(target=("sales",), horizon=7, lookback=14, test="0", missing="interpolate")
    prepare(str(tmp_path / "one.csv"), run, config, ignore_events)
    train(run, LINEAR, ignore_events)
    page = written(run)
    with open_run(run) as opened:
        subject = scoring_subject(opened, EvaluateConfig(threads=1, split="val"))
        sums = sum_windows(subject, lambda done, total: None)
        facts = collect_facts(opened, subject, load_scores(opened)[0], sums, ())
    np.testing.assert_allclose(facts.scores["model"]["mae"], np.abs(sums.error).mean(), rtol=1e-5)
    assert 'MAE, in <bdi class="name">sales</bdi>' in page
    assert "3 rows from 2024-02-10" in page  # as the other dates of the page, and not as in the file
