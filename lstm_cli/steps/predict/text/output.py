"""Output of generated text: as it is written, or as one file; text or JSON."""

import io
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import BinaryIO

from lstm_cli.config import PredictConfig
from lstm_cli.config.predict import TextSampling
from lstm_cli.errors import LstmError, UsageError
from lstm_cli.rundir import check_output, replace_file

FORMATS = ("text", "json")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # characters but tab and line feed
SHOWN_EVERY = 0.05  # seconds; a person does not see the difference, and each flush costs time

Show = Callable[[int, str], None]  # receives the number of a sample, from 0, and its next characters


def check_text_output(run: Path, new: str | None, config: PredictConfig, sampling: TextSampling) -> str:
    """Return the format of the output: `text`, or `json`.

    Args:
        run: run directory.
        new: file with the prompt, which must not be overwritten.
        config: settings of `predict`.
        sampling: settings of the text.

    Raises:
        OutputError, UsageError: the output cannot be written, or two options give the prompt.
    """
    if new is not None and sampling.prompt is not None:
        raise UsageError(
            "NEW and --prompt both give the prompt",
            hint="leave out one of them",
            flag="--prompt",
        )
    if config.output != "-":
        check_output(config.output, run=run, sources=(new,))
    format = config.format or ("json" if PurePath(config.output).suffix.lower() == ".json" else "text")
    if format not in FORMATS:
        raise UsageError(
            f"--format {format} is for tables, but this run writes text",
            hint="leave out --format, or use --format json",
            flag="--format",
        )
    return format


@contextmanager
def text_output(
    output: str, format: str, prompt: str, samples: int, stdout: BinaryIO | None
) -> Iterator[Show]:
    """Open the output of samples. The block gets a function that receives their text in order.

    Standard output gets the text while it is made. A file is replaced at the end, if there was no error.

    Args:
        output: path of the file; `-` is standard output.
        format: `text` or `json`.
        prompt: prompt, which begins each sample in the format `text`.
        samples: number of samples.
        stdout: stream for the output `-`.
    """
    file = io.BytesIO() if output != "-" else None
    stream = file or stdout
    assert stream is not None
    if format == "json":
        texts = [""] * samples

        def collect(number: int, text: str) -> None:
            texts[number] += text

        yield collect
        objects = [{"sample": number, "prompt": prompt, "text": text} for number, text in enumerate(texts, 1)]
        stream.write((json.dumps(objects, ensure_ascii=False) + "\n").encode())
    else:
        writing = _TextStream(stream, prompt, samples)
        try:
            yield writing.show
        except LstmError:  # stopped by a signal
            writing.end()
            raise
        writing.end()
    stream.flush()
    if file is not None:
        replace_file(output, [file.getvalue()])


class _TextStream:
    """Samples as text, one after the other. Several samples have a line with their number in front."""

    def __init__(self, stream: BinaryIO, prompt: str, samples: int) -> None:
        self._stream, self._prompt, self._samples = stream, prompt, samples
        self._terminal = stream.isatty()
        self._waiting: list[str] = []
        self._shown = 0.0  # time of the last flush
        self._number = -1  # of the current sample
        self._last = "\n"  # character

    def show(self, number: int, text: str) -> None:
        """Write the next characters of a sample."""
        if number != self._number:
            self._begin(number)
        self._waiting.append(text)
        if time.perf_counter() - self._shown > SHOWN_EVERY:
            self._flush()

    def end(self) -> None:
        """Write what is left, and end the last line."""
        self._flush()
        if self._last != "\n":
            self._waiting.append("\n")
            self._flush()

    def _begin(self, number: int) -> None:
        if self._number >= 0:
            self.end()
        if self._samples > 1:
            self._waiting.append(f"--- sample {number + 1} of {self._samples} ---\n")
        self._waiting.append(self._prompt)
        self._number = number

    def _flush(self) -> None:
        text = "".join(self._waiting)
        self._waiting.clear()
        if text:
            self._last = text[-1]
            if self._terminal:  # escape codes in a text must not control the terminal
                text = CONTROL.sub("\ufffd", text)
            self._stream.write(text.encode(errors="replace"))
            self._stream.flush()
        self._shown = time.perf_counter()
