"""Work of `predict` on text: the continuation of a prompt, written while it is made. It needs no torch."""

import io
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from lstm_cli.config import PredictConfig
from lstm_cli.config.predict import TextSampling
from lstm_cli.data.locations import quote_names
from lstm_cli.errors import DataError
from lstm_cli.events import Listener, WarningRaised
from lstm_cli.findings import MODEL, Finding, in_file
from lstm_cli.inference.trained_text import TrainedText, load_text_model
from lstm_cli.rundir import open_run, stale_sources
from lstm_cli.steps.predict.text.continue_text import TextWriter, start_tokens
from lstm_cli.steps.predict.text.output import check_text_output, text_output
from lstm_cli.steps.shared.report_json import finding_fields, to_plain
from lstm_cli.tasks.records import GENERATE
from lstm_cli.tasks.settle import require_own_options
from lstm_cli.text.vocabulary import UNKNOWN, CharacterVocabulary
from lstm_cli.wording import count_noun


@dataclass(frozen=True, kw_only=True)
class PredictTextReport:
    """Report of `predict` on text."""

    run: str
    task: str
    output: str
    format: str
    precision: str
    prompt: str
    samples: int
    characters: int  # of all samples, without the prompt
    tokens: int  # of all samples
    temperature: float
    top_k: int | None
    top_p: float | None
    seed: int
    seconds: dict[str, float]  # by stage: read, model
    warnings: tuple[str, ...]
    findings: tuple[dict[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return to_plain(self)


def predict_text(
    run: Path,
    new: str | None,
    config: PredictConfig,
    sampling: TextSampling,
    listen: Listener,
    *,
    stdin: BinaryIO | None = None,
    stdout: BinaryIO | None = None,
) -> PredictTextReport:
    """Write text after a prompt to config.output.

    Args:
        run: run directory.
        new: file whose text is the prompt, `-` for standard input; None for that of `sampling`.
        config: settings of `predict`; output `-` is standard output.
        sampling: prompt, length, and how tokens are chosen.
        listen: receives events.
        stdin: stream behind `-`.
        stdout: stream for output `-`.

    Raises:
        MissingArtifact: the run has no model.
        DataError: the file of the prompt cannot be read, or the model knows none of its characters.
        OutputError, UsageError: the output cannot be written, or an option belongs to another task.
    """
    began = time.perf_counter()
    require_own_options(GENERATE, "predict", config, sampling)
    format = check_text_output(run, new, config, sampling)
    findings: list[Finding] = []

    def warn(finding: Finding) -> None:
        findings.append(finding)
        listen(WarningRaised(finding=finding))

    with open_run(run) as opened:
        model = load_text_model(opened, precision=config.precision, threads=config.threads or 1)
        if opened.has("data") and stale_sources(opened, "model"):
            text = f"the model of {run} is out of date: the data changed after training ('lstm train' trains it again)"
            warn(Finding(rule="M102", kind=MODEL, text=text))
    prompt, tokens = _prompt(new, config, sampling, model, stdin, warn)
    writer = TextWriter(
        model=model,
        prompt=tokens,
        settings=sampling,
        samples=config.samples or 1,
        seed=config.seed or 0,
    )
    ready = time.perf_counter()
    characters = 0
    with text_output(config.output, format, prompt, writer.samples, stdout) as show:

        def count(number: int, text: str) -> None:
            nonlocal characters
            characters += len(text)
            show(number, text)

        writer.write(count)
    return PredictTextReport(
        run=str(run),
        task=GENERATE.name,
        output=config.output,
        format=format,
        precision=model.precision,
        prompt=prompt,
        samples=writer.samples,
        characters=characters,
        tokens=writer.tokens,
        temperature=sampling.temperature,
        top_k=sampling.top_k,
        top_p=sampling.top_p,
        seed=writer.seed,
        seconds={
            "read": round(ready - began, 4),
            "model": round(time.perf_counter() - ready, 4),
        },
        **finding_fields(findings),
    )


def receive_texts(
    run: Path,
    new: str | None,
    config: PredictConfig,
    sampling: TextSampling,
    listen: Listener,
    receive: Callable[[Any], None],
) -> PredictTextReport:
    """Give the texts to a function, in place of a file.

    Args:
        run: run directory.
        new: file whose text is the prompt; None for that of `sampling`.
        config: settings of `predict`.
        sampling: prompt, length, and how tokens are chosen.
        listen: receives events.
        receive: gets the list of texts, each with the prompt in front.
    """
    stream = io.BytesIO()
    settings = replace(config, output="-", format="json")
    report = predict_text(run, new, settings, sampling, listen, stdout=stream)
    receive([written["prompt"] + written["text"] for written in json.loads(stream.getvalue())])
    return report


def _prompt(
    new: str | None,
    config: PredictConfig,
    sampling: TextSampling,
    model: TrainedText,
    stdin: BinaryIO | None,
    warn: Callable[[Finding], None],
) -> tuple[str, np.ndarray]:
    """Return the prompt, and the tokens [T] that the model reads, without characters that it does not know.

    Args:
        new: file with the prompt; None for that of `sampling`.
        config: settings of `predict`.
        sampling: settings of the text.
        model: text model.
        stdin: stream behind `-`.
        warn: receives findings.

    Raises:
        DataError: the file cannot be read, or the model knows no character of the prompt.
    """
    if new is None:
        prompt, at = sampling.prompt or "", in_file("--prompt")
    else:
        from lstm_cli.steps.prepare.text import read_text  # the reader of files takes long to load

        read = read_text([new], config.encoding, stdin=stdin)
        prompt, at = read.text.removesuffix("\n"), in_file(read.source)
    if not prompt:
        return "", start_tokens(model)
    tokens = model.vocabulary.encode(prompt)
    if not isinstance(model.vocabulary, CharacterVocabulary) or tokens.all():
        return prompt, tokens
    unknown = [character for character, token in zip(prompt, tokens, strict=True) if token == UNKNOWN]
    # Quotes would hide a blank or a control character.
    shown = (character if character.strip() else f"U+{ord(character):04X}" for character in unknown)
    names = quote_names(list(dict.fromkeys(shown)))
    if len(unknown) == len(prompt):
        raise DataError(
            f"the model knows no character of the prompt: {names}",
            hint="use characters of the training text, or prepare with --tokens bytes",
            rule="D846",
            at=at,
            flags=("--prompt",),
        )
    text = (
        f"{count_noun(len(unknown), 'character')} of the prompt not in the vocabulary, and not read by the model: "
        f"{names} ('lstm prepare --tokens bytes' knows all)"
    )
    warn(Finding.at(at, "D847", text, count=len(unknown), flags=("--prompt",)))
    return prompt, tokens[tokens != UNKNOWN]
