"""Tests of `predict` on text, with a model whose next token depends on the last one only."""

import io
import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_text_run import make_text_run, pair_scores

import lstm_cli
from lstm_cli.config import PredictConfig
from lstm_cli.config.predict import TextSampling
from lstm_cli.errors import DataError, Interrupted, MissingArtifact, UsageError
from lstm_cli.events import WarningRaised, ignore_events
from lstm_cli.inference.text_session import TextSession
from lstm_cli.rundir import open_run
from lstm_cli.steps.predict import predict
from lstm_cli.steps.predict.text import PredictTextReport, continue_text
from lstm_cli.text.store import load_data

GREEDY = TextSampling(prompt="The", length=40, temperature=0)


def write(run: Path, sampling: TextSampling, new: str | None = None, **settings: Any) -> str:
    """Return what `predict` writes to standard output."""
    out = io.BytesIO()
    stdin = io.BytesIO(settings.pop("stdin", b""))
    config = PredictConfig(**settings)
    predict(run, new, config, ignore_events, stdin=stdin, stdout=out, sampling=sampling)
    return out.getvalue().decode()


def most_probable(run: Path, prompt: str, length: int) -> str:
    """Return the text in which each character is the most probable one after the last."""
    with open_run(run) as opened:
        data = load_data(opened)
    scores = pair_scores(data)
    scores[:, 0] = -np.inf
    token, text = int(data.vocabulary.encode(prompt)[-1]), ""
    for _ in range(length):
        token = int(scores[token].argmax())
        text += data.vocabulary.decode([token])
    return text


def test_temperature_zero_writes_the_most_probable_characters(text_run: Path) -> None:
    expected = most_probable(text_run, "The", 40)
    assert write(text_run, GREEDY) == f"The{expected}".removesuffix("\n") + "\n"
    assert write(text_run, replace(GREEDY, temperature=1.0, top_k=1)) == write(text_run, GREEDY)
    assert write(text_run, replace(GREEDY, temperature=1.0, top_p=1e-6)) == write(text_run, GREEDY)


def test_without_a_prompt_the_text_begins_like_a_line(text_run: Path) -> None:
    assert write(text_run, replace(GREEDY, prompt=None)).startswith(most_probable(text_run, "\n", 39))
    assert write(text_run, replace(GREEDY, prompt="")) == write(text_run, replace(GREEDY, prompt=None))


def test_the_same_seed_writes_the_same_text(text_run: Path) -> None:
    sampling = replace(GREEDY, temperature=1.0)
    texts = {seed: write(text_run, sampling, seed=seed) for seed in (0, 1)}
    assert texts[0] != texts[1]
    assert write(text_run, sampling, seed=0) == texts[0] == write(text_run, sampling)


def test_samples_have_a_line_with_their_number(text_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sampling = replace(GREEDY, temperature=1.0)
    text = write(text_run, sampling, samples=3)
    parts = text.split("--- sample ")
    assert parts[0] == ""
    assert [part.split(" ---\n")[0] for part in parts[1:]] == ["1 of 3", "2 of 3", "3 of 3"]
    bodies = [part.split(" ---\n")[1] for part in parts[1:]]
    assert all(body.startswith("The") and len(body.removesuffix("\n")) in (42, 43) for body in bodies)
    assert bodies[0] == write(text_run, sampling)  # more samples do not change the first
    assert len(set(bodies)) == 3
    monkeypatch.setattr(continue_text, "SAMPLES_AT_ONCE", 2)
    assert write(text_run, sampling, samples=3) == text


def test_json_has_the_prompt_and_the_text_of_each_sample(text_run: Path) -> None:
    output = text_run.parent / "texts.json"
    config = PredictConfig(samples=2, output=str(output))
    report = predict(text_run, None, config, ignore_events, sampling=GREEDY)
    assert isinstance(report, PredictTextReport)
    text = most_probable(text_run, "The", 40)
    assert json.loads(output.read_text()) == [
        {"sample": number, "prompt": "The", "text": text} for number in (1, 2)
    ]
    assert (report.characters, report.tokens, report.samples) == (80, 80, 2)
    assert write(text_run, GREEDY, samples=2, format="json") == output.read_text()


def test_python_returns_the_texts(text_run: Path) -> None:
    text = most_probable(text_run, "The", 40)
    run = lstm_cli.Run(text_run)
    assert run.predict(prompt="The", length=40, temperature=0, samples=2) == [f"The{text}"] * 2
    with pytest.raises(UsageError, match="horizon"):
        run.predict(horizon=3)
    with pytest.raises(UsageError, match="unknown setting 'lenght'"):
        run.predict(lenght=3)


def test_a_file_and_standard_input_can_hold_the_prompt(text_run: Path) -> None:
    sampling = replace(GREEDY, prompt=None)
    path = text_run.parent / "prompt.txt"
    path.write_bytes(b"The old\r\nThe\r\n")  # the last line end does not count
    assert write(text_run, sampling, new=str(path)).startswith(
        "The old\nThe" + most_probable(text_run, "The", 39)
    )
    assert write(text_run, sampling, new="-", stdin=b"The") == write(text_run, GREEDY)
    with pytest.raises(UsageError, match="NEW and --prompt"):
        write(text_run, GREEDY, new=str(path))


def test_characters_of_several_bytes_are_whole(tmp_path: Path) -> None:
    run = make_text_run(tmp_path, tokens="bytes", lines=200)
    text = write(run, TextSampling(prompt="Zo", length=300, temperature=0.5))
    assert len(text.removesuffix("\n")) in (301, 302)
    assert "ë" in text


def test_an_unknown_character_is_a_warning_and_a_prompt_without_a_known_one_an_error(text_run: Path) -> None:
    events: list[Any] = []
    out = io.BytesIO()
    sampling = replace(GREEDY, prompt="The\t€")
    report = predict(text_run, None, PredictConfig(), events.append, stdout=out, sampling=sampling)
    assert out.getvalue().decode().startswith("The\t€" + most_probable(text_run, "The", 39))
    warnings = [event.finding for event in events if isinstance(event, WarningRaised)]
    assert [warning.rule for warning in warnings] == ["D847"]
    assert "'U+0009', '€'" in warnings[0].text
    assert report.findings[0]["count"] == 2
    with pytest.raises(DataError, match="knows no character of the prompt: '€'"):
        write(text_run, replace(GREEDY, prompt="€€"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"horizon": 3}, "--horizon is an option of the task forecast"),
        ({"delimiter": ";"}, "--delimiter is an option of the task"),
        ({"format": "csv"}, "--format csv is for tables"),
        ({"output": "missing/text.txt"}, "folder not found"),
    ],
)
def test_wrong_options_are_refused(text_run: Path, settings: dict, message: str) -> None:
    with pytest.raises(Exception, match=message) as caught:
        write(text_run, GREEDY, **settings)
    assert caught.value.exit_code == (4 if "output" in settings else 2)  # type: ignore[attr-defined]


def test_options_of_text_are_refused_in_a_forecast(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match="--prompt is an option of the task generate, but this run is a forecast"
    ):
        predict(tmp_path / "new", None, PredictConfig(), ignore_events, sampling=TextSampling(prompt="The"))


def test_a_precision_that_the_run_does_not_have_is_an_error(text_run: Path) -> None:
    with pytest.raises(MissingArtifact, match="no int8 model"):
        write(text_run, GREEDY, precision="int8")


def test_an_interrupted_text_ends_its_line(text_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = TextSession.step
    calls = iter(range(10))

    def interrupted(*args: Any) -> Any:
        if next(calls) == 9:
            raise Interrupted(signal.SIGINT)
        return step(*args)

    monkeypatch.setattr(TextSession, "step", interrupted)
    out = io.BytesIO()
    with pytest.raises(Interrupted):
        predict(text_run, None, PredictConfig(), ignore_events, stdout=out, sampling=GREEDY)
    written = out.getvalue().decode()
    assert written.endswith("\n")
    assert f"The{most_probable(text_run, 'The', 40)}".startswith(written.removesuffix("\n"))
    assert len(written) > 5
    output = text_run.parent / "text.txt"
    calls = iter(range(10))
    with pytest.raises(Interrupted):
        predict(text_run, None, PredictConfig(output=str(output)), ignore_events, sampling=GREEDY)
    assert not output.exists()


def test_a_closed_pipe_ends_an_endless_text_without_a_message_and_without_torch(text_run: Path) -> None:
    code = (
        "import sys; from lstm_cli.cli.main import run; code = run(sys.argv[1:]); "
        "print(code, 'torch' in sys.modules, file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, "predict", str(text_run), "--length", "100000000", "-q"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert len(process.stdout.read(100)) == 100  # it comes before the text is complete
        process.stdout.close()
        assert process.stderr.read().decode() == "141 False\n"
