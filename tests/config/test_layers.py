"""Tests of settings from the environment and from a file."""

import pytest

from lstm_cli.config.layers import find_settings, settings_from_run
from lstm_cli.errors import UsageError

VERBS = ("prepare", "train", "evaluate")
KINDS = {"epochs": "value", "batch_size": "value", "hidden": "value", "target": "repeated", "pad": "switch"}
KINDS |= {"space": "pairs", "level": "numbers", "diff": "pair"}


def settings(tmp_path, text=None, **environ):
    file = None
    if text is not None:
        file = str(tmp_path / "lstm.toml")
        (tmp_path / "lstm.toml").write_text(text)
    result = find_settings("train", KINDS, file=file, environ=environ, verbs=VERBS)
    return {name: setting.value for name, setting in result.items()}


def test_the_environment_overrides_the_file(tmp_path):
    result = settings(tmp_path, "[train]\nepochs = 5\nbatch-size = 32\n", LSTM_TRAIN_EPOCHS="7")
    assert result == {"epochs": "7", "batch_size": "32"}


def test_origin_names_the_source(tmp_path):
    (tmp_path / "lstm.toml").write_text("[train]\nbatch-size = 32\n")
    environ = {"LSTM_TRAIN_EPOCHS": "7"}
    file = str(tmp_path / "lstm.toml")
    result = find_settings("train", KINDS, file=file, environ=environ, verbs=VERBS)
    assert result["epochs"].origin == "LSTM_TRAIN_EPOCHS"
    assert result["batch_size"].origin == f"'[train] batch-size' in {file}"


def test_the_file_may_be_named_by_the_environment(tmp_path):
    (tmp_path / "a.toml").write_text("[train]\nepochs = 5\n")
    assert settings(tmp_path, LSTM_TRAIN_CONFIG=str(tmp_path / "a.toml")) == {"epochs": "5"}


def test_other_verbs_and_empty_variables_are_ignored(tmp_path):
    environ = {
        "LSTM_TRAIN_EPOCHS": "",
        "LSTM_EVALUATE_SPLIT": "val",
        "LSTM_DEBUG": "1",
        "_LSTM_COMPLETE": "x",
    }
    assert settings(tmp_path, "[evaluate]\nsplit = 'val'\n", **environ) == {}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("A,B  C", ["A,B  C"]),  # one name, never split
        ('["A", "B,C"]', ["A", "B,C"]),
        ("[]", []),
    ],
)
def test_a_repeated_option_in_the_environment(tmp_path, text, values):
    assert settings(tmp_path, LSTM_TRAIN_TARGET=text) == {"target": values}


@pytest.mark.parametrize(
    ("text", "values"),
    [("90", ["90"]), ("80,90", ["80,90"]), ("[80, 99.5]", ["80", "99.5"]), ('["80"]', ["80"])],
)
def test_numbers_in_the_environment(tmp_path, text, values):
    assert settings(tmp_path, LSTM_TRAIN_LEVEL=text) == {"level": values}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("epochs = 5", "5"),
        ("epochs = 1e-3", "0.001"),
        ("epochs = 'auto'", "auto"),
        ("epochs = 2017-01-01", "2017-01-01"),
        ("epochs = 2017-01-01 10:00:00", "2017-01-01 10:00:00"),
        ("hidden = [64, 32]", "64,32"),
        ("target = 'A,B'", ["A,B"]),
        ("target = ['A', 'B']", ["A", "B"]),
        ("level = 90", ["90"]),
        ("level = '80,90'", ["80,90"]),
        ("level = [80, '90', 99.5]", ["80", "90", "99.5"]),
        ("pad = true", True),
        ("pad = false", False),
    ],
)
def test_values_of_a_file(tmp_path, line, value):
    assert list(settings(tmp_path, f"[train]\n{line}\n").values()) == [value]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (
            "[train.space]\nlr = '1e-4..1e-2:log'\nloss = ['mae', 'huber']\n",
            ["lr=1e-4..1e-2:log", "loss=mae|huber"],
        ),
        ("[train.space]\nhidden = [[64, 32], [8]]\nepochs = [1, 2]\n", ["hidden=64,32|8", "epochs=1|2"]),
        ("[train.space]\nbidirectional = [true, false]\nseed = 3\n", ["bidirectional=on|off", "seed=3"]),
        ("[train]\nspace = ['lr=1..2', 'loss=mae|mse']\n", ["lr=1..2", "loss=mae|mse"]),
        ("[train]\nspace = 'lr=1..2'\n", ["lr=1..2"]),
    ],
)
def test_a_subtable_of_the_verb(tmp_path, text, values):
    assert settings(tmp_path, text) == {"space": values}


def test_pairs_of_the_environment_override_the_table(tmp_path):
    result = settings(
        tmp_path, "[train.space]\nlr = '1..2'\n", LSTM_TRAIN_SPACE='["loss=mae|mse", "lr=3..4"]'
    )
    assert result == {"space": ["loss=mae|mse", "lr=3..4"]}


def test_stored_settings_of_a_run():
    stored = {"epochs": 3, "hidden": [64, 32], "target": ["A,B"], "pad": True, "batch_size": None, "gone": 1}
    result = settings_from_run(stored, KINDS, origin="the winner")
    assert {name: setting.value for name, setting in result.items()} == {
        "epochs": "3",
        "hidden": "64,32",
        "target": ["A,B"],
        "pad": True,
    }
    assert {setting.origin for setting in result.values()} == {"the winner"}


@pytest.mark.parametrize(("text", "value"), [("1", True), ("On", True), ("no", False), ("0", False)])
def test_switches_of_the_environment(tmp_path, text, value):
    assert settings(tmp_path, LSTM_TRAIN_PAD=text) == {"pad": value}


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[train]\nepoch = 5\n", "unknown setting 'epoch' in '[train]'", "did you mean 'epochs'?"),
        ("[train]\nbatch-sise = 5\n", "'batch-sise' in '[train]'", "did you mean 'batch-size'?"),
        ("[trian]\nepochs = 5\n", "unknown table '[trian]'", "did you mean 'train'?"),
        ("epochs = 5\n", "'epochs' is outside a table", "[train]"),
        ("[train]\nbatch-size = 5\nbatch_size = 6\n", "duplicate setting", "keep one"),
        ("[train]\nepochs = true\n", "is not a single value", "number"),
        ("[train]\nepochs = [true]\n", "is not a single value", "number"),
        ("[train]\npad = 'yes'\n", "is not true or false", "without quotes"),
        ("[train]\ntarget = [1]\n", "not a list of strings", '["A", "B"]'),
        ("[train]\nlevel = [80, true]\n", "not a list of numbers", "[1, 2]"),
        ("[train.space]\n", "'[train] space'", "is empty"),
        ("[train]\nspace = 3\n", "is not a table", 'lr = "1e-4..1e-2:log"'),
        ("[train.space]\nlr = {}\n", "'lr' has values other than strings and numbers", '["A", "B"]'),
        ("[train\n", "is not valid TOML", "line 1"),
        ("[train]\ndevice = cpu\n", "is not valid TOML", "line 2"),
    ],
)
def test_an_invalid_file_is_refused(tmp_path, text, message, hint):
    with pytest.raises(UsageError) as refused:
        settings(tmp_path, text)
    assert message in refused.value.message
    assert hint in refused.value.hint + refused.value.message
    assert "lstm.toml" in refused.value.message


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("LSTM_TRAIN_EPOCH", "5", "unknown environment variable LSTM_TRAIN_EPOCH"),
        ("LSTM_TRAIN_PAD", "maybe", "is invalid: use 1 or 0"),
        ("LSTM_TRAIN_TARGET", '["A"', "not a JSON list"),
        ("LSTM_TRAIN_TARGET", "[1]", "not a JSON list"),
        ("LSTM_TRAIN_LEVEL", "[80", "not a JSON list of numbers"),
        ("LSTM_TRAIN_CONFIG", "/dev/zero", "/dev/zero is not a regular file"),
        ("LSTM_TRAIN_CONFIG", "/nowhere/lstm.toml", "file '/nowhere/lstm.toml' not found"),
        ("LSTM_TRAIN_CONFIG", "/", "cannot read /"),
    ],
)
def test_an_invalid_environment_is_refused(tmp_path, name, text, message):
    with pytest.raises(UsageError, match=r".") as refused:
        settings(tmp_path, **{name: text})
    assert message in refused.value.message


def test_the_most_similar_variable_is_suggested(tmp_path):
    with pytest.raises(UsageError) as refused:
        settings(tmp_path, LSTM_TRAIN_EPOCH="5")
    assert refused.value.hint == "did you mean 'LSTM_TRAIN_EPOCHS'?"


def test_a_file_in_another_encoding_is_refused(tmp_path):
    (tmp_path / "a.toml").write_bytes("[train]\nepochs = 'ä'\n".encode("latin-1"))
    with pytest.raises(UsageError, match="is not valid UTF-8"):
        find_settings("train", KINDS, file=str(tmp_path / "a.toml"), environ={}, verbs=VERBS)


@pytest.mark.parametrize("text", ["a b", "'a'  b", '["a", "b"]'])
def test_two_values_in_the_environment(tmp_path, text):
    assert settings(tmp_path, LSTM_TRAIN_DIFF=text) == {"diff": ["a", "b"]}


@pytest.mark.parametrize("text", ["a", "a b c", "'a b", '["a"]', '["a", "b", "c"]'])
def test_one_or_three_values_in_the_environment_are_refused(tmp_path, text):
    with pytest.raises(UsageError, match=r"LSTM_TRAIN_DIFF .* is not two values"):
        settings(tmp_path, LSTM_TRAIN_DIFF=text)


def test_two_values_in_a_file(tmp_path):
    assert settings(tmp_path, "[train]\ndiff = ['a', 'b c']\n") == {"diff": ["a", "b c"]}
    with pytest.raises(UsageError, match="is not a list of two strings"):
        settings(tmp_path, "[train]\ndiff = ['a']\n")
