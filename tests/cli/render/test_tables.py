"""Tests of the printed reports in a pipe."""

import re

import fake_steps
import pytest
from fake_steps import (
    check_report,
    evaluate_report,
    export_report,
    predict_report,
    prepare_report,
    quantize_report,
    score_report,
    scores,
    train_report,
    tune_report,
)
from log_lines import untimed

from lstm_cli.cli.commands.export import export_table
from lstm_cli.cli.render import check as checking
from lstm_cli.cli.render import evaluate as evaluation
from lstm_cli.cli.render.page import Page
from lstm_cli.cli.render.prepare import prepare_table
from lstm_cli.cli.render.quantize import quantize_table
from lstm_cli.cli.render.score import score_table
from lstm_cli.cli.render.summary import print_summary
from lstm_cli.cli.render.train import find_lr_table, train_table
from lstm_cli.cli.render.tune import tune_table
from lstm_cli.cli.stdio import configure_stderr
from lstm_cli.evaluation import score_text as shown


@pytest.fixture(autouse=True)
def _in_a_pipe(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")


def drawn(draw, report):
    page = Page()
    if draw is train_table:
        draw(report, page, stages={"starting": 1.0, "training": 40.0, "exporting": 0.001})
    else:
        draw(report, page)
    return page.text()


def test_no_escapes_and_no_trailing_spaces():
    pages = [
        drawn(checking.check_table, check_report()),
        drawn(prepare_table, prepare_report()),
        drawn(train_table, train_report()),
        drawn(evaluation.evaluate_table, evaluate_report()),
        drawn(tune_table, tune_report()),
        drawn(quantize_table, quantize_report()),
        drawn(score_table, score_report()),
    ]
    for page in pages:
        assert "\x1b" not in page
        assert all(line == line.rstrip() for line in page.splitlines())


def test_numbers_are_aligned():
    lines = drawn(evaluation.evaluate_table, evaluate_report()).splitlines()
    rows = [line for line in lines if re.match(r"(model|linear|seasonal naive|naive) ", line)]
    assert len(rows) == 4
    names = [re.match(r"[a-z ]+(\(168\))?", row).end() for row in rows]
    ends = {
        tuple(match.end() for match in re.finditer(r"[\d.]+", row) if match.start() >= name)
        for row, name in zip(rows, names, strict=True)
    }
    assert len(ends) == 1


def test_interval_table_only_with_intervals():
    page = drawn(evaluation.evaluate_table, evaluate_report())
    assert re.search(r"^80 % +81\.20 +1\.700 +0\.6000$", page, re.M)
    assert re.search(r"^95 % +95\.40 +3\.100 +1\.100$", page, re.M)
    without = {"coverage": {}, "width": {}, "width_scaled": {}, "wql": None}
    assert "coverage %" not in drawn(evaluation.evaluate_table, evaluate_report(**without))


def test_weighted_quantile_loss_of_the_model_beside_the_baselines():
    baselines = {"linear": scores(1.001) | {"wql": 0.1}, "naive": scores(1.9) | {"wql": None}}
    page = drawn(evaluation.evaluate_table, evaluate_report(baselines=baselines))
    assert re.search(r"^forecast .* WQL$", page, re.M)
    assert re.search(r"^model .* 0\.1230$", page, re.M)
    assert re.search(r"^anchored .* -$", page, re.M)
    assert re.search(r"^linear .* 0\.1000 \*$", page, re.M)
    assert re.search(r"^naive .* -$", page, re.M)
    older = {"naive": scores(1.9), "linear": scores(1.001)}  # release 0.1.0 had no quantiles of baselines
    page = drawn(evaluation.evaluate_table, evaluate_report(baselines=older))
    assert re.search(r"^model .* 0\.1230 \*$", page, re.M)
    assert re.search(r"^naive .* -$", page, re.M)
    assert "WQL" not in drawn(evaluation.evaluate_table, evaluate_report(baselines=older, wql=None))


def test_folder_of_copies_is_printed():
    assert "copies: scores\n" in drawn(evaluation.evaluate_table, evaluate_report(output="scores"))
    assert "copies" not in drawn(evaluation.evaluate_table, evaluate_report())


def test_the_lowest_error_of_each_metric_is_marked():
    better = scores(0.9) | {"mase": 2.0}
    page = drawn(evaluation.evaluate_table, evaluate_report(baselines={"linear": better, "naive": scores(2)}))
    assert re.search(r"^model +0\.5000 +0\.7000 +12\.30 +0\.9000 \* ", page, re.M)
    assert re.search(r"^linear +0\.4500 \* ", page, re.M)


def test_undefined_number_is_a_dash():
    undefined = scores(1) | {"mase": None, "smape": float("nan")}
    baselines = {"naive": undefined | {"mae": 0.9}, "linear": undefined}
    page = drawn(evaluation.evaluate_table, evaluate_report(metrics=undefined, baselines=baselines))
    assert re.search(r"^model +0\.5000 \* +0\.7000 \* +- +- ", page, re.M)
    assert "nan" not in page


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (
            {"linear": (4.8, 2.0, 7.6), "seasonal_naive": (23.0, 18.0, 28.0), "naive": (50, 40, 60)},
            "By MASE, the model beats the linear forecast by 4.8 % (90 % interval 2.0 to 7.6 %) and seasonal "
            "naive (168) by 23 % (90 % interval 18 to 28 %).",
        ),
        (
            {"linear": (2.1, -3.0, 6.9), "seasonal_naive": (23.0, 18.0, 28.0)},
            "By MASE, no clear difference from the linear forecast: 2.1 % lower (90 % interval -3.0 to 6.9 %). The "
            "model beats seasonal naive (168) by",
        ),
        (
            {"linear": (-1.1, -2.9, 0.7)},
            "By MASE, no clear difference from the linear forecast: 1.1 % higher (90 % interval -0.7 to 2.9 %).",
        ),
        (
            {"linear": (-11.0, -15.0, -7.0), "seasonal_naive": (23.0, 18.0, 28.0)},
            "By MASE, the linear forecast beats the model, whose error is 11 % higher (90 % interval 7.0 to 15 %). The",
        ),
        (
            {"naive": (5.0, 1.0, 9.0), "linear": (10.0, 5.0, 15.0), "seasonal_naive": (23.0, 18.0, 28.0)},
            "By MASE, the model beats naive by 5.0 % (90 % interval 1.0 to 9.0 %) and the linear forecast by 10 %",
        ),
        (
            {},
            "By MASE, the model's error is 4.8 % lower than that of the linear forecast. The model's error is 23 % "
            "lower than that of seasonal naive (168). Too few windows for a 90 % interval.",
        ),
    ],
)
def test_verdict(found, sentence):
    baselines = {"naive": scores(2), "linear": scores(1.05), "seasonal_naive": scores(1.30)}
    changes = fake_steps.comparison_keys(found)
    page = drawn(evaluation.evaluate_table, evaluate_report(baselines=baselines, **changes))
    assert sentence in page
    trained = train_report(val=scores(1), val_baselines=baselines, **changes)
    assert drawn(train_table, trained).count(sentence) == 1


def test_verdict_of_an_older_report_has_no_intervals():
    older = train_report(comparison=None, comparisons=None, baseline_season=None, chosen_on=None)
    page = drawn(train_table, older)
    assert (
        "By MASE, the model's error is 2.2 % lower than that of the linear forecast. The model's error is 14 % lower "
        "than that of seasonal naive." in page
    )
    assert "selected on" not in page


def test_validation_rows_that_selected_the_model_are_printed():
    page = drawn(train_table, train_report())
    assert "selected on 178 validation windows, 2024-02-28T20:00:00 to 2024-03-08T04:00:00\n" in page
    assert "\nselected on 3 validation windows\n" in drawn(tune_table, tune_report())


def test_diagnosis_names_the_flag_to_try():
    finding = {"part": "free", "name": "over-fitting", "sign": "it rose", "advice": "--dropout 0.4"}
    page = drawn(train_table, train_report(diagnosis=(finding,)))
    assert "over-fitting: it rose (try --dropout 0.4)\n" in page
    twice = train_report().trainings * 2
    page = drawn(train_table, train_report(diagnosis=(finding,), trainings=twice))
    assert "over-fitting of free: it rose (try --dropout 0.4)\n" in page


def test_no_suggestion_if_no_learning_rate_reduces_the_loss():
    flat = fake_steps.find_lr_report().parts[0] | {"suggestion": None, "fall": 0.01}
    page = drawn(find_lr_table, fake_steps.find_lr_report(suggestion=None, parts=[flat]))
    assert "try:" not in page
    assert "no learning rate reduces the loss" in page
    assert re.search(r"^free +0\.03 +1\.0 +-$", page.replace("0.03000", "0.03"), re.M)


def test_error_reduction_is_relative_to_the_baseline():
    """Error 1 is 20 % lower than 1.25 and 25 % higher than 0.8."""
    assert shown.error_reduction({"mae_scaled": 1.0}, {"mae_scaled": 1.25}) == pytest.approx(0.2)
    assert shown.error_reduction({"mae_scaled": 1.0}, {"mae_scaled": 0.8}) == pytest.approx(-0.25)


def test_verdict_without_baselines():
    page = drawn(
        evaluation.evaluate_table,
        evaluate_report(
            metrics={"mae": None}, baselines={"naive": {"mae": None}}, **fake_steps.comparison_keys({})
        ),
    )
    assert "No baseline to compare with" in page


def test_target_table_only_with_several_targets():
    assert "target" not in drawn(evaluation.evaluate_table, evaluate_report())
    targets = {f"[red]{n}": scores(n) for n in range(1, 31)}
    page = drawn(evaluation.evaluate_table, evaluate_report(per_target=targets))
    assert "[red]12 " in page  # names are not markup
    assert "[red]13 " not in page
    assert "and 18 more, see --json" in page


def test_train_report_lists_parts_weights_and_choices():
    page = drawn(train_table, train_report())
    assert re.search(r"^linear +ridge 0.90, smoothing 0.10 \(57 regressions\)$", page, re.M)
    assert re.search(r"^model +segment, 139,166 parameters, lookback 336, reads 1,008 rows$", page, re.M)
    assert page.count("1,008") == 1
    assert re.search(
        r"^anchored +best epoch 7 of 11 \(stopped early\), 2,013 steps, learning rate 0.001$", page, re.M
    )
    assert re.search(r"^log transform +off \(set by --log-transform\)$", page, re.M)
    assert re.search(r"^weight in quarter +1 +2 +3 +4$", page, re.M)
    assert re.search(r"^anchored +0.75 +0.70 +0.65 +0.60$", page, re.M)
    assert re.search(r"^refit +on training and validation rows$", page, re.M)
    assert "\nvalidation, before the refit\n" in page
    plain = drawn(train_table, train_report(refitted=False, weights={"linear": [1.0]}))
    assert "\nvalidation\n" in plain
    assert "weight in quarter" not in plain


def test_networks_are_listed_between_model_and_baselines():
    page = drawn(evaluation.evaluate_table, evaluate_report())
    names = re.findall(r"^(model|anchored|linear|seasonal naive \(168\)|naive) ", page, re.M)
    assert names == ["model", "anchored", "linear", "seasonal naive (168)", "naive"]
    alone = drawn(evaluation.evaluate_table, evaluate_report(parts={"anchored": scores(1)}))
    assert not re.search(r"^anchored ", alone, re.M)  # it is the model itself


def panel_report(**changes):
    worst = {"series": "Ulm", "mase": 1.8, "mae": 40.0, "baseline": "seasonal_naive"}
    return evaluate_report(
        per_series={f"shop {n}": scores(n) for n in range(30)},
        worst=[
            {**worst, "series": "[b]Köln", "baseline_mase": 0.0, "ratio": None},
            {**worst, "baseline_mase": 1.2, "ratio": 1.5},
        ],
        **changes,
    )


def test_worst_series_are_listed():
    page = drawn(evaluation.evaluate_table, panel_report())
    assert "worst series compared with seasonal naive (168)\n" in page
    assert re.search(
        r"^\[b\]Köln +1\.800 +0\.000 +- +40\.00\nUlm +1\.800 +1\.200 +1\.500 +40\.00$", page, re.M
    )
    assert "and 28 more, see --json and per_series.csv" in page
    assert "worst series" not in drawn(evaluation.evaluate_table, evaluate_report())


def test_panel_verdict_uses_mase():
    """Errors in the units of the file show the opposite, because the largest series dominate."""
    baselines = {"linear": scores(1) | {"mase": 1.2, "mae": 0.1, "mae_scaled": 0.1}, "naive": scores(2)}
    page = drawn(evaluation.evaluate_table, panel_report(baselines=baselines))
    assert "By the mean MASE of the series, " in page
    titles = re.findall(r"MASE|sMAPE %|MAE scaled|MSE scaled|MAE|RMSE", page.splitlines()[2])
    assert titles == ["MASE", "sMAPE %", "MAE scaled", "MSE scaled", "MAE", "RMSE"]
    alone = drawn(evaluation.evaluate_table, evaluate_report(baselines=baselines))
    assert alone.splitlines()[2].split()[1] == "MAE"


def test_steps_ahead_include_first_and_last():
    page = drawn(evaluation.evaluate_table, evaluate_report())
    steps = re.findall(r"^(\d+) ", page.split("step ahead")[1], re.M)
    assert len(steps) == evaluation.MAX_ROWS
    assert (steps[0], steps[-1]) == ("1", "24")


def test_check_tables_fit_80_columns():
    page = drawn(checking.check_table, check_report(picture="check.png"))
    tables_only = [
        line for line in page.splitlines() if not re.match(r"[a-z]+(\[\w+\])?:? ", line) or "  " in line[16:]
    ]
    assert max(map(len, tables_only)) <= 80
    assert re.search(r"^OT +target +number +3 +-4\.080 +46\.01$", page, re.M)
    assert re.search(r"^OT +24 +0\.29 +0\.98$", page, re.M)
    assert (
        "6 missing rows after lines 120, 400 (longest gap: 5 rows, 2016-07-05 23:00 to 2016-07-06 03:00)"
        in page
    )
    assert "1 row with a duplicate timestamp: line 77" in page
    assert "1 row of a repeated hour in autumn: line 77" in page
    assert "estimate for lstm train: 26 s to 2 min, 900 MB of memory" in page
    assert page.endswith("values before and after\nplot: check.png\n")


def test_check_wraps_sentences_and_escapes_names(monkeypatch):
    monkeypatch.setattr("lstm_cli.cli.render.page.is_interactive", lambda stream: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    evil = "\x1b[31mred\x1b[0m" + "long" * 10
    columns = [column | {"name": evil} for column in check_report().columns]
    finding = check_report().findings[0] | {"text": f"load.csv, line 9, column '{evil}': " + "a word " * 30}
    strength = [{"column": evil, "season": None, "season_strength": None, "trend_strength": 0.5}]
    page = drawn(checking.check_table, check_report(columns=columns, findings=[finding], strength=strength))
    bare = re.sub(r"\x1b\[[\d;]*m", "", page)
    assert "\x1b[31m" not in page
    assert "\x1b" not in bare
    assert max(map(len, bare.split("warning[D705]: ")[1].splitlines())) <= 80
    assert len(bare.split("warning[D705]: ")[1].splitlines()) > 3


def test_check_without_problems_or_facts():
    assert "no problems found" in drawn(checking.check_table, check_report(findings=[]))
    names = "series time freq holes doubles daylight_saving seasons windows split_rows expected"
    unknown = dict.fromkeys(names.split())
    page = drawn(checking.check_table, check_report(**unknown, strength=[], outliers=[]))
    assert not re.search(r"^(time|gaps|duplicates|outliers|season|lookback)", page, re.M)


def test_prepare_omits_empty_facts():
    page = drawn(
        prepare_table,
        prepare_report(season=None, seasons=(), season_reason="", filled=0, time_start=None),
    )
    assert re.search(r"^season +none$", page, re.M)
    assert not re.search(r"^(past|future|filled)", page, re.M)
    assert "1 series\n" in page
    assert re.search(r"^test +3,484 +3,461$", page, re.M)


def test_all_seasons_are_listed():
    page = drawn(prepare_table, prepare_report(season_reason="given by --season"))
    assert "season     24 and 168 (given by --season)\n" in page


def test_next_command_is_printed():
    assert drawn(prepare_table, prepare_report()).endswith("next: lstm train runs/load\n")
    assert drawn(train_table, train_report()).endswith("next: lstm evaluate runs/load\n")


def test_quantize_compares_both_models():
    page = drawn(quantize_table, quantize_report())
    assert re.search(r"^size, KB +280\.0 +70\.0$", page, re.M)
    assert re.search(r"^weighted quantile loss +0\.03120 +0\.03130$", page, re.M)
    assert re.search(r"^coverage of the 80 % interval, % +81\.20 +81\.10$", page, re.M)
    assert re.search(r"^coverage of the 95 % interval, % +95\.40 +-$", page, re.M)
    for without in ({}, None):  # no intervals, and a report of an older release
        assert "quantile" not in drawn(quantize_table, quantize_report(wql=without, coverage=without))
    assert "int8 has 25% of the size, and the error grew by 0.06% (--max-loss 1.00%)" in page
    assert "the error fell by 2.00%" in drawn(quantize_table, quantize_report(loss=-0.02))
    assert "slower" not in page
    slow = quantize_report(latency_ms={"fp32": 0.7, "quantized": 1.2})
    assert "int8 is slower than fp32 on this machine: 1.20 ms instead of 0.70 ms" in drawn(
        quantize_table, slow
    )


def test_several_series_are_counted(capsys):
    configure_stderr(quiet=False, log_format="text")
    print_summary("predict", predict_report(output="f.csv", series=3, rows=72))
    assert untimed(capsys.readouterr().err).startswith("predict runs/load: 72 rows for 3 series to f.csv, ")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.000"),
        (0.5, "0.5000"),
        (12.3, "12.30"),
        (999.96, "1,000"),
        (12345.6, "12,346"),
        (1e-5, "1.000e-05"),
        (1e12, "1.000e+12"),
        (-3.0, "-3.000"),
        (None, "-"),
        (float("inf"), "-"),
    ],
)
def test_number_format(value, text):
    assert shown.format_number(value) == text


@pytest.mark.parametrize("verb", [verb for verb in fake_steps.VERBS if verb != "predict"])
def test_every_verb_prints_its_report(lstm, verb):
    code, out, _ = lstm(*fake_steps.arguments(verb))
    assert code == 0
    assert len(out.splitlines()) > 3


def test_trials_are_sorted_by_score():
    page = drawn(tune_table, tune_report())
    rows = re.findall(r"^(\d) +(done|failed) +(\S+) +(\S+) +(\S+) +(\S+)$", page, re.M)
    assert rows == [
        ("2", "done", "0.8100", "48", "huber", "5.0"),
        ("0", "done", "0.9000", "200", "mae", "4.0"),
        ("1", "failed", "-", "99", "mae", "0.1"),
    ]
    assert "trial 1 failed: training diverged at epoch 1" in page
    assert re.search(r"^hidden +62 % +-0\.50$", page, re.M)
    assert not re.search(r"^loss +", page, re.M)  # its importance is undefined
    assert "best: trial 2, MASE 0.8100: hidden 48, loss huber" in page
    assert "By MASE, the model beats the linear forecast by 10 % (90 % interval 4.0 to 16 %)." in page


def test_unfinished_search_prints_how_to_resume():
    page = drawn(tune_table, tune_report(finished=False, val=None, val_baselines=None, picture=None))
    assert "search not finished (run lstm tune runs/load with the same options to resume)" in page
    page = drawn(tune_table, tune_report(finished=False, best=None, metric=None, trials=[]))
    assert page.endswith("no trial has a score yet\n")


def test_export_report_lists_shapes_and_missing_bounds():
    page = drawn(export_table, export_report())
    assert re.search(r"^wrote +runs/load/exports/model\.onnx \(1\.3 MB\)$", page, re.M)
    assert re.search(r"^past +batch x 336 x 7$", page, re.M)
    assert not re.search(r"^(difference|bounds)", page, re.M)
    page = drawn(
        export_table,
        export_report(to="pt2", size=800, difference=2e-7, compared=64, bounds="the file has no graph"),
    )
    assert "(0.8 KB)" in page
    assert re.search(r"^difference +at most 2\.0e-07 \(scaled\) .* on 64 validation windows$", page, re.M)
    assert re.search(r"^bounds +not in the file: the file has no graph$", page, re.M)


def test_an_alarm_is_named_with_its_days_and_its_columns():
    alarm = {"day": "2018-06-22", "since": "2018-06-12", "ratio": 1.5}
    test = score_report().test | {"alarm": True, "alarms": [alarm], "alarms_of_model": 1}
    drift = [{"column": "OT", "statistic": 0.31, "limit": 0.2, "drifted": True}]
    page = drawn(score_table, score_report(test=test, drift=drift))
    assert "ALARM of 2018-06-22: the error was 50 % above the promise since 2018-06-12." in page
    assert "column 'OT': drifted (distance 0.3100, limit 0.2000)" in page
    assert "promised by evaluate" in page


def test_a_test_without_a_limit_says_so():
    page = drawn(score_table, score_report(test=score_report().test | {"limit": None}))
    assert "Test for lost accuracy: not available (30 nights)." in page
