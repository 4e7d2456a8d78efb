"""Tests of help, version and completion, and of the modules that they import."""

import json
import re
import subprocess
import sys
from functools import cache
from importlib import import_module

import fake_steps
import pytest

from lstm_cli import __version__
from lstm_cli.cli.verbs import VERBS

HEAVY = (
    "torch",
    "pandas",
    "sklearn",
    "scipy",
    "numpy",
    "rich",
    "onnx",
    "onnxruntime",
    "matplotlib",
    "pyarrow",
)
WATCH = """
import atexit, json, sys
atexit.register(lambda: sys.stderr.write("\\n" + json.dumps(sorted(sys.modules))))
from lstm_cli.cli.main import main
main(sys.argv[1:])
"""


@cache
def loaded_by(*argv, **environ):
    """Return the modules imported by a new process, its exit code and its stdout."""
    ended = subprocess.run(
        [sys.executable, "-c", WATCH, *argv],
        env=fake_steps.environment(**environ),
        capture_output=True,
        text=True,
        check=False,
    )
    return set(json.loads(ended.stderr.splitlines()[-1])), ended.returncode, ended.stdout


@pytest.mark.parametrize(
    "argv",
    [["--help"], ["--version"], *[[verb, "--help"] for verb in VERBS]],
    ids=lambda argv: " ".join(argv),
)
def test_help_imports_no_heavy_module(argv):
    modules, code, out = loaded_by(*argv)
    assert code == 0
    assert "lstm" in out
    assert not modules & set(HEAVY)


def test_list_of_verbs_imports_no_verb():
    modules, _, _ = loaded_by("--help")
    assert not {f"lstm_cli.cli.commands.{verb}" for verb in VERBS} & modules


@pytest.mark.parametrize("verb", ["train", "predict"])
def test_a_wrong_option_imports_no_heavy_module(verb):
    modules, code, _ = loaded_by(verb, "run", "--precison", "int8")
    assert code == 2
    assert not modules & set(HEAVY)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("lstm ", set(VERBS)),
        ("lstm pre", {"prepare", "predict"}),
        ("lstm train run --lo", {"--loss", "--log-transform", "--lock-wait", "--log-format"}),
        ("lstm train run --model ", {"segment", "stacked"}),
        ("lstm quantize run --to f", {"fp16"}),
        ("lstm train ru", {""}),  # a path: the shell's own completion
    ],
)
def test_completion(typed, expected):
    words = typed.split()
    place = len(words) - (not typed.endswith(" "))
    modules, code, out = loaded_by(_LSTM_COMPLETE="complete_bash", COMP_WORDS=typed, COMP_CWORD=str(place))
    assert code == 0
    assert set(out.rstrip("\n").split("\n")) == expected
    assert not modules & (set(HEAVY) - {"rich"})


@pytest.mark.parametrize("verb", VERBS)
def test_completion_knows_every_option(lstm, monkeypatch, verb):
    _, shown, _ = lstm(verb, "--help")
    monkeypatch.setenv("_LSTM_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", f"lstm {verb} --")
    monkeypatch.setenv("COMP_CWORD", "2")
    _, out, _ = lstm()
    options = set(re.findall(r"^ +(?:-\w, )?(--[\w-]+)", shown, re.M))
    assert {"--help", "--json"} <= options <= set(out.split())


@pytest.mark.parametrize(
    ("shell", "sign"),
    [("bash", "complete -o"), ("zsh", "#compdef lstm"), ("fish", "complete --command lstm")],
)
def test_show_completion_of_a_named_shell(shell, sign):
    modules, code, out = loaded_by("--show-completion", shell)
    assert code == 0
    assert shell != "zsh" or loaded_by(f"--show-completion={shell}")[2] == out
    assert "_LSTM_COMPLETE" in out
    assert sign in out
    assert not modules & (set(HEAVY) - {"rich"})


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--show-completion", "tcsh"], "--show-completion 'tcsh' is invalid: use one of bash, zsh, fish"),
        (["--show-completion", "zsh", "x"], "--show-completion 'zsh x' is invalid: use one of"),
        (["--install-completion", "zsh"], "--install-completion takes no value"),
    ],
)
def test_an_unknown_shell_is_refused(lstm, argv, message):
    code, out, err = lstm(*argv)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {message}")


def test_show_completion_of_the_current_shell():
    code, out = loaded_by("--show-completion", SHELL="/bin/bash")[1:]
    if code == 0:  # the current shell was detected
        assert "_LSTM_COMPLETE" in out


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_each_verb_has_examples(lstm, verb):
    module = import_module(f"lstm_cli.cli.commands.{verb}")
    code, out, err = lstm(verb, "--help")
    assert (code, err) == (0, "")
    assert VERBS[verb] in out
    assert getattr(module, verb).__doc__.splitlines()[0] == VERBS[verb]
    assert module.EXAMPLES
    assert [line.strip() for line in out.split("Examples:\n")[1].splitlines()] == list(module.EXAMPLES)
    assert "\x1b" not in out


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_each_option_has_its_default(lstm, verb):
    _, out, _ = lstm(verb, "--help")
    options = out.split("Arguments:\n")[1].split("\n\n", 1)[1].split("Examples:")[0]
    # An entry is indented by two spaces, its text may be on the next lines, and a group has a title.
    entries = [entry for group in options.split("\n\n") for entry in re.split(r"\n  (?=-)", group)[1:]]
    assert len(entries) > 5
    for entry in entries:
        text = " ".join(entry.split())
        assert re.search(r"[A-Za-z0-9)][.?]", text), text
        switch = re.match(
            r"-\w, --help|--json|--force|--config|--past|--future|--fail-if|--reuse|--show|--tensorboard|--wandb"
            r"|--record|--always|--accept-changes|--from-scratch|--wide|--no-header|--units|--na-value|--static|--holidays"
            r"|--bidirectional|--batch-norm|--layer-norm|--forget-bias|--find-lr|--fresh|--toml|-q, --quiet"
            r"|-v, --verbose|--dry-run|--clean|--delete|--md|--no-auth",
            text.strip(),
        )
        assert switch or "[default: " in text, text


@pytest.mark.parametrize("verb", VERBS)
def test_common_options_are_the_last_group(lstm, verb):
    _, out, _ = lstm(verb, "--help")
    titles = re.findall(r"^(\w.*):$", out, re.M)
    assert titles[0] == "Arguments"
    assert titles[-1] == "Common options"
    assert len(set(titles)) == len(titles)
    common = set(re.findall(r"--[\w-]+", out.split("Common options:\n")[1].split("Examples:")[0]))
    assert {"--quiet", "--verbose", "--log-format", "--json", "--config", "--dry-run", "--help"} <= common


def test_options_of_one_model_are_grouped(lstm):
    """Groups named after a model have the options that the config refuses with another model."""
    _, out, _ = lstm("train", "--help")
    groups = {title: set(re.findall(r"^  (--[\w-]+)", text, re.M)) for title, text in _groups(out)}
    assert groups["Model segment"] == {"--effort", "--parts", "--segment"}
    stacked = {"--bidirectional", "--batch-norm", "--layer-norm", "--head", "--init", "--forget-bias"}
    assert groups["Model stacked"] == stacked


def _groups(out):
    return re.findall(r"^(\w.*):\n((?:  .*\n)+)", out, re.M)


@pytest.mark.parametrize("verb", VERBS)
def test_help_explains_a_verb(lstm, verb):
    assert lstm("help", verb) == lstm(verb, "--help")


def test_help_without_a_verb(lstm):
    assert lstm("help") == lstm("help", "help") == lstm("--help")
    code, _, err = lstm("help", "tran")
    assert (code, err) == (2, "error: unknown command 'tran'\nhint: did you mean 'train'?\n")
    assert lstm("help", "train", "tune")[0] == 2


@pytest.mark.parametrize("columns", ["60", "80", "200"])
def test_list_of_verbs_is_not_truncated(lstm, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    _, out, _ = lstm("--help")
    listed = " ".join(out.split("Commands:\n")[1].split())
    assert all(f"{verb} {line}" in listed for verb, line in VERBS.items())
    assert max(map(len, out.splitlines())) <= max(80, int(columns))


def test_each_verb_is_listed(lstm):
    code, out, _ = lstm("--help")
    assert code == 0
    assert re.findall(r"^  ([a-z]+)  +(.*)$", out.split("Commands:\n")[1], re.M)[: len(VERBS)] == list(
        VERBS.items()
    )


def test_the_version(lstm):
    assert lstm("--version") == (0, f"lstm {__version__}\n", "")


def test_no_command_shows_the_help_as_an_error(lstm):
    code, out, err = lstm()
    assert (code, out) == (2, "")
    assert "Commands:" in err
    assert err.endswith("error: missing command\nhint: start with 'lstm prepare DATA RUN'\n")
