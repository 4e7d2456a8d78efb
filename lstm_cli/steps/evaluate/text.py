"""Work of `evaluate` on text: bits per character of the model and the baselines on a split."""

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from math import log
from pathlib import Path
from typing import Any

import numpy as np

from lstm_cli.config import EvaluateConfig
from lstm_cli.config.extras import require_installed
from lstm_cli.errors import DataError
from lstm_cli.events import Listener, Progressed, WarningRaised
from lstm_cli.findings import Finding, Location, in_file
from lstm_cli.inference.trained_text import load_text_model
from lstm_cli.rundir import Run, Writer
from lstm_cli.steps.evaluate.evaluate_task import evaluate_task
from lstm_cli.steps.evaluate.read_digests import digests_of_scoring
from lstm_cli.steps.shared.report_html import HtmlReport
from lstm_cli.steps.shared.report_json import finding_fields, to_plain
from lstm_cli.steps.shared.text_scores import ScoredText, score_text
from lstm_cli.tasks.records import GENERATE
from lstm_cli.text.store import load_data
from lstm_cli.text.vocabulary import unknown_nats
from lstm_cli.wording import count_noun

LOSSES, PICTURE = "losses.csv", "losses.png"
COLUMNS = ("position", "characters", "model", "n_gram")  # of losses.csv; the last two are bits per character
MANY_UNKNOWN = 0.001  # share of unknown characters from which a warning is worth it
TITLES = {"val": "validation", "test": "test"}


@dataclass(frozen=True, kw_only=True)
class EvaluateTextReport(HtmlReport):
    """Scores of a text model on a split."""

    run: str
    task: str
    model: str
    precision: str
    split: str
    characters: int
    bytes: int
    tokens: int
    passages: int
    metrics: dict[str, float | None]
    intervals: dict[str, list[float | None]]  # 95 % interval of each metric; empty for a short text
    baselines: dict[str, dict[str, float | None]]
    baseline_intervals: dict[str, dict[str, list[float | None]]]
    comparisons: dict[str, dict[str, Any]]  # with each baseline: difference in bits per character, interval
    gates: list[dict[str, Any]]
    picture: str
    output: str | None = None
    plot: str | None = None
    warnings: tuple[str, ...] = ()
    findings: tuple[dict[str, Any], ...] = ()
    up_to_date: bool | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return to_plain(self, absent=("output", "plot", "up_to_date"))


Check = Callable[[EvaluateTextReport], EvaluateTextReport]


def evaluate_text(
    run: Path,
    config: EvaluateConfig,
    listen: Listener,
    *,
    force: bool = False,
    lock_wait: float = 0.0,
    sources: Mapping[str, str] | None = None,
) -> EvaluateTextReport:
    """Score the run's text model, and write the losses along the text and a plot.

    Args:
        run: path of the run directory.
        config: settings of the step.
        listen: receives progress events.
        force: score even if the scores are up to date.
        lock_wait: seconds to wait for the lock of the run.
        sources: origin of each setting, for the manifest.

    Raises:
        GateFailed: a condition failed. All files are written, and the attribute `report` holds the report.
        StaleArtifact: the model was made from other data.
        DataError: the split has no text.
        UsageError: an option belongs to another task, or a condition is invalid.
    """
    return evaluate_task(
        *(run, config, GENERATE, EvaluateTextReport, partial(_score, config, listen), _draw_stored),
        force=force,
        lock_wait=lock_wait,
        sources=sources,
    )


def _score(config: EvaluateConfig, listen: Listener, writer: Writer, check: Check) -> EvaluateTextReport:
    require_installed("lstm evaluate", "matplotlib")
    assert writer.run is not None
    run = writer.run
    data = load_data(run)
    if not data.counts[config.split].tokens:
        raise DataError(
            f"there is no {TITLES[config.split]} text",
            hint="use --split val, or prepare again with a larger --test",
            rule="D621",
            at=in_file(str(run.path)),
            flags=("--split",),
        )
    model = load_text_model(run, precision=config.precision, threads=config.threads)
    listen(Progressed(stage="scoring", done=0))
    scored = score_text(data, config.split, model.session)
    listen(Progressed(stage="scoring the baselines", done=0))
    folder = writer.new("scores")
    findings = _findings(scored, in_file(str(run.path)))
    for finding in findings:
        listen(WarningRaised(finding=finding))
    report = check(_report(writer, config, scored, model.precision, str(folder.folder / PICTURE), findings))
    table = _losses(scored)
    folder.write_bytes(LOSSES, _csv(table))
    folder.write_bytes(PICTURE, _draw(table, report, "png"))
    stored = report.to_json()
    fields = ("task", "model", "precision", "split", "characters", "bytes", "tokens", "passages")
    more = ("metrics", "intervals", "baselines", "baseline_intervals", "comparisons")
    folder.write_json("scores.json", {name: stored[name] for name in (*fields, *more)})
    reads = digests_of_scoring(run, precision=model.precision, follows_quantized=config.precision == "auto")
    writer.commit(config=asdict(config), reads=reads, report=stored)
    return report


def _report(
    writer: Writer,
    config: EvaluateConfig,
    scored: ScoredText,
    precision: str,
    picture: str,
    findings: tuple[Finding, ...],
) -> EvaluateTextReport:
    assert writer.run is not None
    size = scored.passages.size
    return EvaluateTextReport(
        run=str(writer.path),
        task=GENERATE.name,
        model=str(writer.run.report("train").get("model")),
        precision=precision,
        split=config.split,
        characters=size.characters,
        bytes=size.bytes,
        tokens=size.tokens,
        passages=len(scored.passages.tokens),
        metrics=scored.model.metrics(),
        intervals=scored.model.intervals(),
        baselines=scored.baselines(),
        baseline_intervals={"n_gram": scored.n_gram.intervals()},
        comparisons=scored.comparisons(),
        gates=[],
        picture=picture,
        **finding_fields(findings),
    )


def _findings(scored: ScoredText, at: Location) -> tuple[Finding, ...]:
    """Return a warning if many characters of the split are not in the vocabulary."""
    count, size = len(scored.data.unknown[scored.split]), scored.passages.size
    if count <= MANY_UNKNOWN * size.characters:
        return ()
    bits = unknown_nats(scored.data.vocabulary) / log(2)
    text = (
        f"{count_noun(count, 'character')} of the {TITLES[scored.split]} text ({100 * count / size.characters:.2g} %) "
        f"not in the vocabulary, each of which costs {bits:.1f} bits more than its token "
        "('lstm prepare --tokens bytes' knows all)"
    )
    return (Finding.at(at, "D673", text, count=count, flags=("--tokens", "--vocabulary-size")),)


def _losses(scored: ScoredText) -> np.ndarray:
    """Return the table [P, 4] of `losses.csv`."""
    passages = scored.passages
    characters = np.maximum(passages.characters, 1)
    bits = [side.sums / log(2) / characters for side in (scored.model, scored.n_gram)]
    return np.column_stack([passages.starts, passages.characters, *bits])


def _csv(table: np.ndarray) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(
        (int(row[0]), int(row[1]), *(f"{value:.6f}" for value in row[2:])) for row in table.tolist()
    )
    return text.getvalue().encode()


def _draw_stored(run: Run, report: EvaluateTextReport, format: str) -> bytes:
    """Return the plot of the stored losses."""
    reader = run.artifact("scores")
    content = reader.bytes(LOSSES)
    with reader.parsing(LOSSES):
        table = np.loadtxt(io.BytesIO(content), delimiter=",", skiprows=1, ndmin=2)
        if table.shape[1] != len(COLUMNS) or not len(table):
            raise ValueError("it has other columns")
    return _draw(table, report, format)


def _draw(table: np.ndarray, report: EvaluateTextReport, format: str) -> bytes:
    from lstm_cli.plots.text_losses import draw_text_losses

    position, characters, model, n_gram = table.T
    xz = report.baselines["xz"]["bpc"]
    return draw_text_losses(
        position,
        characters,
        {"model": model * characters, "5-gram": n_gram * characters},
        {} if xz is None else {"xz": xz},
        title=f"{report.run}: {TITLES[report.split]} text",
        format=format,
    )
