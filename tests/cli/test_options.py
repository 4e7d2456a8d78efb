"""Tests that each option of each verb reaches its step, from a flag, the environment and a file."""

import inspect
from dataclasses import MISSING, fields
from importlib import import_module
from pathlib import Path
from typing import get_type_hints

import fake_steps
import pytest

from lstm_cli import config
from lstm_cli.config.predict import Shard, TextSampling
from lstm_cli.config.tasks import TrainOfTasks

CONFIGS = {
    "check": config.PrepareConfig,
    "prepare": config.PrepareConfig,
    "train": config.TrainConfig,
    "tune": config.TuneConfig,
    "evaluate": config.EvaluateConfig,
    "quantize": config.QuantizeConfig,
    "score": config.ScoreConfig,
    "predict": config.PredictConfig,
    "refresh": config.RefreshConfig,
    "export": config.ExportConfig,
}
# For each field a value other than its default: as text, and as the step gets it.
TEXT_VALUES = {
    "encoding": ("latin-1", "latin-1"),
    "delimiter": ("\t", "\t"),
    "no_header": (None, True),
    "names": ("t,y", ("t", "y")),
    "skip_rows": ("2", 2),
    "decimal": (",", ","),
    "thousands": (",", ","),
    "units": (None, True),
    "na_value": ("?", ("?",)),
    "time_format": ("%Y", "%Y"),
    "dayfirst": (None, True),
}
OTHER_VALUES = {
    "prepare": {
        "target": ("A,B", ("A,B",)),
        "past": ("P", ("P",)),
        "future": ("F", ("F",)),
        "calendar": (None, True),
        "time": ("t", ("t",)),
        "series": ("s", ("s",)),
        "wide": (None, True),
        "static": ("shop_type", ("shop_type",)),
        "holidays": ("DE", ("DE",)),
        "freq": ("h", "h"),
        "tz": ("Europe/Berlin", "Europe/Berlin"),
        "resample": ("mean", "mean"),
        "gaps": ("skip", "skip"),
        "duplicates": ("last", "last"),
        "lookback": ("96", 96),
        "horizon": ("12", 12),
        "season": ("24,168", (24, 168)),
        "val": ("0.2", "0.2"),
        "test": ("2018-01-01", "2018-01-01"),
        "start": ("row:5", "row:5"),
        "end": ("2018-05-01", "2018-05-01"),
        "scaler": ("robust", "robust"),
        "missing": ("refuse", "refuse"),
        "outliers": ("drop", "drop"),
        "pad": (None, True),
        **TEXT_VALUES,
    },
    "train": {
        "model": ("stacked", "stacked"),
        "effort": ("fast", "fast"),
        "parts": ("free", ("free",)),
        "refit": (None, True),
        "log_transform": ("on", "on"),
        "segment": ("6", 6),
        "hidden": ("64", (64,)),
        "dropout": ("10%", 0.1),
        "bidirectional": (None, True),
        "batch_norm": (None, True),
        "layer_norm": (None, True),
        "attention": ("4", 4),
        "head": ("mean", "mean"),
        "init": ("he", "he"),
        "forget_bias": (None, True),
        "epochs": ("3", 3),
        "patience": ("4", 4),
        "min_delta": ("0.1", 0.1),
        "batch_size": ("16", 16),
        "optimizer": ("sgd", "sgd"),
        "lr": ("1e-2", 0.01),
        "weight_decay": ("0", 0.0),
        "max_norm": ("3", 3.0),
        "schedule": ("plateau", "plateau"),
        "clip_norm": ("0", 0.0),
        "clip_value": ("2", 2.0),
        "loss": ("huber", "huber"),
        "seed": ("9", 9),
        "device": ("cuda:1", "cuda:1"),
        "precision": ("fp32", "fp32"),
        "threads": ("1", 1),
        "min": ("-5", -5.0),
        "max": ("7", 7.0),
    },
    "tune": {
        "method": ("grid", "grid"),
        "trials": ("5", 5),
        "time": ("10m", 600.0),
        "jobs": ("2", 2),
        "space": ("lr=1e-4..1e-2:log", ("lr=1e-4..1e-2:log",)),
        "dask": ("localhost:8786", "localhost:8786"),
        "storage": ("sqlite:///a.db", "sqlite:///a.db"),
    },
    "evaluate": {
        "split": ("val", "val"),
        "precision": ("int8", "int8"),
        "fail_if": ("mae>1", ("mae>1",)),
        "forecasts": ("F", "F"),
        "stride": ("24", 24),
        "backtest": ("3", 3),
        "reuse": (None, True),
        "jobs": ("2", 2),
        "threads": ("1", 1),
        "output": ("OUT", "OUT"),
        "plot": ("a.png", "a.png"),
    },
    "quantize": {"to": ("fp16", "fp16"), "max_loss": ("2%", 0.02)},
    "predict": {
        "horizon": ("9", 9),
        "origin": ("2024-01-01", "2024-01-01"),
        "future_data": ("F", "F"),
        "only": ("A,B", ("A,B",)),
        "shard": ("3/16", Shard(number=3, count=16)),
        "output": ("OUT", "OUT"),
        "plot": ("a.png", "a.png"),
        "format": ("json", "json"),
        "precision": ("fp32", "fp32"),
        "ended": ("include", "include"),
        "intervals": (None, True),
        "level": ("90,99.5", (90.0, 99.5)),
        "quantiles": ("0.1,0.5", (0.1, 0.5)),
        "samples": ("50", 50),
        "seed": ("7", 7),
        "record": (None, True),
        "keep_days": ("30", 30),
        **TEXT_VALUES,
        "threads": ("1", 1),
    },
    "score": {
        "fail_if": ("alarms>0", ("alarms>0",)),
        "false_alarms": ("0.5", 0.5),
        **TEXT_VALUES,
    },
    "refresh": {
        "output": ("OUT", "OUT"),
        "accept_changes": (None, True),
        "always": (None, True),
        "new_rows": ("48", 48),
        "max_age": ("7", 7.0),
        "margin": ("2%", 0.02),
        "from_scratch": (None, True),
        "budget": ("10m", 600.0),
        "fail_if": ("mase>=1", ("mase>=1",)),
        "keep_days": ("30", 30),
        **TEXT_VALUES,
    },
    "export": {"to": ("pt2", "pt2"), "output": ("OUT", "OUT"), "precision": ("fp16", "fp16")},
}
OTHER_VALUES["check"] = OTHER_VALUES["prepare"]
# Options that need another option.
STACKED_ONLY = ("bidirectional", "batch_norm", "layer_norm", "head", "init", "forget_bias")
REQUIRED = {
    ("prepare", "resample"): {"freq": "h"},
    ("check", "resample"): {"freq": "h"},
    ("prepare", "static"): {"series": ("s",)},
    ("check", "static"): {"series": ("s",)},
    ("tune", "storage"): {"method": "bayes"},
    ("evaluate", "reuse"): {"backtest": 4},
    ("evaluate", "jobs"): {"backtest": 4},
    ("evaluate", "stride"): {"forecasts": "F"},
} | {("train", name): {"model": "stacked"} for name in STACKED_ONLY}
ALL_OPTIONS = [(verb, name) for verb, others in OTHER_VALUES.items() for name in others]


pytestmark = pytest.mark.usefixtures("in_a_folder")


def required_flags(verb, name):
    """Return the flags that an option needs."""
    return [
        text
        for other, value in REQUIRED.get((verb, name), {}).items()
        for item in (value if isinstance(value, tuple) else (value,))
        for text in (f"--{other}", str(item))
    ]


@pytest.mark.parametrize("verb", CONFIGS)
def test_every_field_of_the_config_is_an_option(verb):
    assert set(OTHER_VALUES[verb]) == {field.name for field in fields(CONFIGS[verb])}
    function = getattr(import_module(f"lstm_cli.cli.commands.{verb}"), verb)
    parameters = inspect.signature(function).parameters
    for field in fields(CONFIGS[verb]):
        default = parameters[field.name].default
        assert (() if default is None and field.default == () else default) == field.default
        assert field.default is not MISSING
        assert (
            get_type_hints(function, include_extras=True)[field.name]
            .__metadata__[0]
            .help.endswith((".", "?"))
        )


@pytest.mark.parametrize("verb", CONFIGS)
def test_without_options_a_step_gets_the_defaults(lstm, verb):
    code, _, _ = lstm(*fake_steps.arguments(verb))
    assert code == 0
    assert fake_steps.calls[-1]["config"] == CONFIGS[verb]()
    assert fake_steps.calls[-1].get("run", Path("run")) == Path("run")


@pytest.mark.parametrize(("verb", "name"), ALL_OPTIONS)
def test_an_option_by_its_flag(lstm, verb, name):
    text, value = OTHER_VALUES[verb][name]
    flag = f"--{name.replace('_', '-')}"
    code, _, err = lstm(
        *fake_steps.arguments(verb), flag, *([] if text is None else [text]), *required_flags(verb, name)
    )
    assert code == 0, err
    assert fake_steps.calls[-1]["config"] == CONFIGS[verb](**{name: value}, **REQUIRED.get((verb, name), {}))


@pytest.mark.parametrize(("verb", "name"), ALL_OPTIONS)
def test_an_option_by_the_environment(lstm, monkeypatch, verb, name):
    text, value = OTHER_VALUES[verb][name]
    monkeypatch.setenv(f"LSTM_{verb}_{name}".upper(), "1" if text is None else text)
    code, _, err = lstm(*fake_steps.arguments(verb), *required_flags(verb, name))
    assert code == 0, err
    assert fake_steps.calls[-1]["config"] == CONFIGS[verb](**{name: value}, **REQUIRED.get((verb, name), {}))


@pytest.mark.parametrize(("verb", "name"), ALL_OPTIONS)
def test_an_option_by_a_file(lstm, verb, name):
    text, value = OTHER_VALUES[verb][name]
    written = "true" if text is None else f'"{text}"'.replace("\t", "\\t")
    Path("lstm.toml").write_text(f"[{verb}]\n{name} = {written}\n")
    code, _, err = lstm(*fake_steps.arguments(verb), "--config", "lstm.toml", *required_flags(verb, name))
    assert code == 0, err
    assert fake_steps.calls[-1]["config"] == CONFIGS[verb](**{name: value}, **REQUIRED.get((verb, name), {}))


def test_priority_of_flag_environment_and_file(lstm, monkeypatch):
    Path("lstm.toml").write_text("[train]\nepochs = 5\nseed = 5\nlr = 0.5\n")
    monkeypatch.setenv("LSTM_TRAIN_EPOCHS", "6")
    monkeypatch.setenv("LSTM_TRAIN_SEED", "6")
    lstm("train", "run", "--config", "lstm.toml", "--epochs", "7")
    given = fake_steps.calls[-1]["config"]
    assert (given.epochs, given.seed, given.lr) == (7, 6, 0.5)


def test_flags_replace_a_list_of_the_environment(lstm, monkeypatch):
    monkeypatch.setenv("LSTM_PREPARE_TARGET", '["A", "B"]')
    lstm("prepare", "data.csv", "run", "--target", "C", "--target", "D,E")
    assert fake_steps.calls[-1]["config"].target == ("C", "D,E")


def test_lists_of_numbers_are_split_at_commas_and_repeated(lstm, monkeypatch):
    lstm("predict", "run", "--level", "90", "--level", "50,60", "--quantiles", "0.5", "--quantiles", "0.1")
    given = fake_steps.calls[-1]["config"]
    assert (given.level, given.quantiles) == ((90, 50, 60), (0.5, 0.1))
    Path("lstm.toml").write_text("[predict]\nlevel = [90, 99.5]\nquantiles = 0.1\n")
    lstm("predict", "run", "--config", "lstm.toml")
    given = fake_steps.calls[-1]["config"]
    assert (given.level, given.quantiles) == ((90, 99.5), (0.1,))
    monkeypatch.setenv("LSTM_PREDICT_LEVEL", "[70, 80]")
    lstm("predict", "run", "--config", "lstm.toml")
    assert fake_steps.calls[-1]["config"].level == (70, 80)


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (("--quantiles", "1.5"), "--quantiles 1.5 is out of range: it must be above 0 and below 1", "0.015"),
        (("--quantiles", "90"), "--quantiles 90 is out of range", "write --quantiles 0.9 for 90 %"),
        (("--quantiles", "0"), "--quantiles 0 is out of range", "--quantiles 0.1,0.5,0.9"),
        (("--quantiles", "1e-15"), "--quantiles 1e-15 is out of range", "--quantiles 0.1,0.5,0.9"),
        (("--quantiles", "abc"), "--quantiles 'abc' is not a list of numbers", "--quantiles 0.1,0.5,0.9"),
        (("--quantiles", "0.1,,0.9"), "--quantiles '0.1,,0.9' is not a list", "--quantiles 0.1,0.5,0.9"),
        (("--level", "0"), "--level 0 is out of range: it must be above 0 and below 100", "--level 90"),
        (("--level", "100"), "--level 100 is out of range", "--level 90"),
        (("--no-intervals", "--level", "80"), "--level and --no-intervals cannot", "leave out --no-interv"),
    ],
)
def test_levels_and_quantiles_that_cannot_be_are_refused(lstm, words, message, hint):
    code, out, err = lstm("predict", "run", *words)
    assert (code, out) == (2, "")
    error, advice, *rest = err.splitlines()
    assert error.startswith(f"error: {message}")
    assert hint in advice.removeprefix("hint: ")
    assert not rest


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        ("--samples 9 --level 90", "--samples and --level cannot be combined", "leave out --level"),
        ("--samples 9 --quantiles 0.1", "--samples and --quantiles cannot be combined", "leave out --quant"),
        ("--samples 9 --no-intervals", "--samples and --no-intervals cannot", "leave out --no-intervals"),
        ("--samples 10001", "--samples 10001 is out of range: it must be at most 10000", "10000 or less"),
        ("--samples 0", "--samples 0 is too small: it must be at least 1", "--help"),
        ("--samples 1.5", "--samples '1.5' is not a whole number", "--samples 24"),
        ("--samples 9 --seed -1", "--seed -1 is too small: it must be at least 0", "--help"),
        ("--temperature -1", "--temperature -1 is too small: it must be at least 0", "--help"),
        ("--length 0", "--length 0 is too small: it must be at least 1", "--help"),
        ("--top-k 0", "--top-k 0 is too small: it must be at least 1", "--help"),
        ("--top-p 0", "--top-p 0 is too small: it must be above 0", "--help"),
        ("--top-p 90", "--top-p 90 is too large: it must be at most 1", "--top-p 0.9 for 90 %"),
    ],
)
def test_samples_that_cannot_be_are_refused(lstm, words, message, hint):
    code, out, err = lstm("predict", "run", *words.split())
    assert (code, out) == (2, "")
    error, advice, *rest = err.splitlines()
    assert error.startswith(f"error: {message}")
    assert hint in advice.removeprefix("hint: ")
    assert not rest


def test_settings_of_text_reach_the_step(lstm, monkeypatch):
    monkeypatch.setenv("LSTM_PREDICT_TOP_K", "5")
    Path("lstm.toml").write_text("[predict]\nlength = 9\nprompt = 'It'\n")
    words = ("--config", "lstm.toml", "--temperature", "0.5", "--top-p", "0.9", "--prompt", "It was")
    code, _, err = lstm("predict", "run", *words)
    assert code == 0, err
    expected = TextSampling(prompt="It was", length=9, temperature=0.5, top_k=5, top_p=0.9)
    assert fake_steps.calls[-1]["sampling"] == expected


def test_samples_come_from_the_environment_and_the_file_too(lstm, monkeypatch):
    Path("lstm.toml").write_text("[predict]\nsamples = 20\nseed = 5\n")
    monkeypatch.setenv("LSTM_PREDICT_SEED", "6")
    lstm("predict", "run", "--config", "lstm.toml")
    given = fake_steps.calls[-1]["config"]
    assert (given.samples, given.seed) == (20, 6)


def test_a_switch_can_be_reverted(lstm, monkeypatch):
    monkeypatch.setenv("LSTM_PREPARE_CALENDAR", "1")
    lstm("prepare", "data.csv", "run", "--no-calendar")
    assert fake_steps.calls[-1]["config"].calendar is False


def test_a_switch_that_is_on_can_be_turned_off_everywhere(lstm, monkeypatch):
    lstm("predict", "run", "--no-intervals")
    assert fake_steps.calls[-1]["config"].intervals is False
    Path("lstm.toml").write_text("[predict]\nintervals = false\n")
    lstm("predict", "run", "--config", "lstm.toml")
    assert fake_steps.calls[-1]["config"].intervals is False
    monkeypatch.setenv("LSTM_PREDICT_INTERVALS", "0")
    lstm("predict", "run")
    assert fake_steps.calls[-1]["config"].intervals is False


def test_options_outside_the_config(lstm, monkeypatch):
    monkeypatch.setenv("LSTM_PREPARE_LOCK_WAIT", "1.5")
    monkeypatch.setenv("LSTM_PREPARE_JSON", "1")
    code, out, _ = lstm("prepare", "data.csv", "run", "--force")
    assert (code, out[0]) == (0, "{")
    assert fake_steps.calls[-1]["force"] is True
    assert fake_steps.calls[-1]["lock_wait"] == 1.5


def test_an_invalid_value_names_its_origin(lstm, monkeypatch):
    monkeypatch.setenv("LSTM_TRAIN_EPOCHS", "many")
    assert lstm("train", "run")[2].startswith(
        "error: --epochs 'many' is not a whole number (set by LSTM_TRAIN_EPOCHS)\nhint: "
    )
    monkeypatch.delenv("LSTM_TRAIN_EPOCHS")
    Path("lstm.toml").write_text('[train]\nmodel = "gru"\n')
    code, out, err = lstm("train", "run", "--config", "lstm.toml")
    assert (code, out) == (2, "")
    assert (
        "--model 'gru' is invalid: use one of segment, stacked (set by '[train] model' in lstm.toml)" in err
    )


def test_a_conflict_names_the_origin_of_the_other_option(lstm, monkeypatch):
    monkeypatch.setenv("LSTM_SERVE_UDS", "lstm.sock")
    assert lstm("serve", "run", "--port", "8000")[2].startswith(
        "error: --uds and --port cannot be combined (--uds is set by LSTM_SERVE_UDS)\n"
    )


def test_quiet_does_not_hide_a_port_that_was_chosen(lstm):
    assert "serving run" in lstm("serve", "run", "--port", "0", "--quiet")[2]
    assert "serving run" not in lstm("serve", "run", "--port", "8000", "--quiet")[2]


def test_help_reads_neither_environment_nor_file(lstm, monkeypatch):
    monkeypatch.setenv("LSTM_TRAIN_EPOCHS", "plenty")
    code, out, _ = lstm("train", "--help")
    assert code == 0
    assert "plenty" not in out


def test_repeated_parts_and_no_refit(lstm):
    assert lstm("train", "run", "--parts", "free", "--parts", "linear", "--no-refit")[0] == 0
    given = fake_steps.calls[-1]["config"]
    assert (given.parts, given.refit) == (("free", "linear"), False)
    code, _, err = lstm("train", "run", "--model", "stacked", "--parts", "free")
    assert (code, err.startswith("error: --parts works only with --model segment")) == (2, True)


@pytest.mark.parametrize(
    ("given", "message", "hint"),
    [
        (
            "--bidirectional",
            "--bidirectional works only with --model stacked, not with segment",
            "--model stacked",
        ),
        ("--head mean", "--head works only with --model stacked, not with segment", "--model stacked"),
        ("--model stacked --segment 4", "--segment works only with --model segment, not", "--model segment"),
        ("--model stacked --batch-norm --layer-norm", "cannot be combined", "choose one"),
        (
            "--model stacked --head first",
            "--head 'first' is invalid: use one of last, mean, attention, seq2seq",
            "",
        ),
        ("--model stacked --init zeros", "--init 'zeros' is invalid: use one of xavier, he, orthogonal", ""),
        ("--attention 7", "--attention 7 does not divide the 128 outputs of the LSTM", "--attention 8"),
        (
            "--model stacked --hidden 16,6 --bidirectional --attention 5",
            "--attention 5 does not divide the 12 outputs of the LSTM (both directions)",
            "--attention 4",
        ),
        ("--max-norm 0", "--max-norm 0 is too small: it must be above 0", ""),
        (
            "--lr 1e39",
            "--lr 1e+39 is too large: the maximum is 1e+30",
            "usual learning rates are 1e-4 to 1e-2",
        ),
        ("--batch-size none", "--batch-size 'none' is not a whole number or auto", ""),
        ("--checkpoint-every 0", "--checkpoint-every 0 is too small: it must be at least 1", ""),
    ],
)
def test_settings_that_do_not_fit_the_model_are_refused(lstm, given, message, hint):
    code, out, err = lstm("train", "run", *given.split())
    assert (code, out) == (2, "")
    assert message in err.splitlines()[0]
    assert hint in err.partition("hint: ")[2]


def test_checkpoint_options_reach_the_step(lstm):
    assert lstm("train", "run")[0] == 0
    assert lstm("train", "run", "--fresh", "--checkpoint-every", "3", "--batch-size", "auto")[0] == 0
    assert [(call["fresh"], call["checkpoint_every"]) for call in fake_steps.calls] == [
        (False, None),
        (True, 3),
    ]
    assert fake_steps.calls[1]["config"] == config.TrainConfig(batch_size="auto")


def test_find_lr_does_not_train(lstm, monkeypatch):
    given = []

    def look(run, config, output, listen, *, start, should_stop, network):
        given.append((run, config, output, start, network))
        return fake_steps.find_lr_report()

    monkeypatch.setattr("lstm_cli.steps.train.find_lr.find_lr", look)
    code, out, _ = lstm("train", "run", "--find-lr", "--model", "stacked", "-o", "rates.png")
    assert code == 0
    assert given == [(Path("run"), config.TrainConfig(model="stacked"), "rates.png", None, TrainOfTasks())]
    assert fake_steps.calls == []
    assert "try: lstm train runs/load --lr 0.003\n" in out
    assert "plot: rates.png\n" in out
    code, out, err = lstm("train", "run", "-o", "rates.png")
    assert (code, out, err.splitlines()[0]) == (2, "", "error: --output needs --find-lr")
