"""Version of the classifier of a run, loaded once and never changed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lstm_cli.config.text import TextSettings
from lstm_cli.data.reading.source import InMemory
from lstm_cli.errors import CorruptArtifact, DataError, LstmError, MissingArtifact
from lstm_cli.findings import Finding, in_file
from lstm_cli.inference.onnx_format import TRAIN_AGAIN
from lstm_cli.inference.trained_classifier import TrainedClassifier, load_classifier
from lstm_cli.rundir import Run, open_run
from lstm_cli.sequences.dataset import UNKNOWN, SequenceData
from lstm_cli.sequences.store import load_data
from lstm_cli.serving.model.answer import FORMATS, Answer, answer_of
from lstm_cli.serving.model.json_body import BODY, read_json
from lstm_cli.serving.model.media_types import JSON, PARQUET
from lstm_cli.serving.model.public_text import public_errors, public_finding, remove_path
from lstm_cli.serving.model.request import ForecastQuery
from lstm_cli.serving.sequences.description import ClassifierDescription, describe_classifier
from lstm_cli.serving.sequences.instances import (
    FORM,
    find_instances,
    instances_as_documents,
    instances_as_sequences,
)
from lstm_cli.serving.service import CLASSES, etag_of, version_of
from lstm_cli.steps.predict.sequences import (
    ENCODERS,
    Warn,
    load_new_sequences,
    scale_new_sequences,
    stored_text,
)
from lstm_cli.steps.predict.sequences.documents import encode_new_documents, have_same_vocabulary
from lstm_cli.steps.predict.sequences.table import PredictedClasses
from lstm_cli.steps.shared.sequences.reading import ReadSequences

EXAMPLES = 2  # sequences of the run in the description


@dataclass(frozen=True, kw_only=True)
class ReadSequencesOfBody:
    """Sequences of one request, in the scaling of the model."""

    windows: int  # sequences; --max-batch counts them
    findings: tuple[Finding, ...]
    data: SequenceData


class ServedClassifier:
    """Classifier of a run in memory.

    `read` and `write` can run in several threads at once, and next to `forecast`. One thread calls `forecast`.
    Errors of `read`, `forecast` and `write` name no path of the machine and no option. Those of `load` do.
    """

    service = CLASSES

    def __init__(
        self,
        classifier: TrainedClassifier,
        *,
        path: Path,
        version: str,
        etag: str,
        text: TextSettings,
        examples: SequenceData | None,
    ) -> None:
        """Take an opened classifier.

        Args:
            classifier: opened classifier.
            path: absolute path of the run.
            version: number of the model version, shown in each answer.
            etag: changes with the model, the quantized model and the data.
            text: how the text of a body is read.
            examples: some sequences of the run; None if its data are gone.
        """
        self.name, self.version, self.etag = path.resolve().name, version, etag
        self._path, self._classifier, self._text, self._examples = str(path), classifier, text, examples

    @classmethod
    def load(cls, run: Path, *, threads: int | None) -> "ServedClassifier":
        """Return the classifier of a run, after it has classified one sequence.

        Args:
            run: run directory.
            threads: CPU threads; None: all cores.

        Raises:
            LstmError: the run has no model, or a file of it is missing, corrupt, or of another version.
        """
        path = Path(run).absolute()
        try:
            with open_run(path) as opened:
                # A body is UTF-8 from its first line, whatever the file of the run has.
                text = replace(stored_text(opened), encoding=None, skip_rows=0)
                served = cls(
                    load_classifier(opened, threads=threads),
                    path=path,
                    version=version_of(opened),
                    etag=etag_of(opened),
                    text=text,
                    examples=_examples(opened),
                )
            served._try_once()
        except LstmError as error:
            remove_path(error, str(path), str(run))
            raise
        return served

    def read(self, body: bytes, media_type: str, query: ForecastQuery) -> ReadSequencesOfBody:
        """Return the sequences of a body.

        Args:
            body: sequences in the file's units, after decompression.
            media_type: one of MEDIA_TYPES.
            query: query values, which have no effect.

        Raises:
            MalformedBody: the body is not of its media type (400).
            DataError: the sequences do not fit the model (422).
            BodyTooLarge: the table of a Parquet body is too large (413).
        """
        from lstm_cli.serving.model.table_body import records_source, table_source

        findings: list[Finding] = []
        with public_errors(self._path, self.name):
            if media_type == JSON:
                instances = find_instances(body)
                if instances is not None:
                    read = self._read_instances(instances, findings.append)
                    data, _ = scale_new_sequences(read, self._classifier, findings.append)
                    return self._read_body(data, findings)
            self._require_ids()
            if media_type == JSON:
                source: InMemory = records_source(read_json(body))
            else:
                source = table_source(body, is_parquet=media_type == PARQUET)
            data, _ = load_new_sequences(source, self._classifier, self._text, None, findings.append)
        return self._read_body(data, findings)

    def newest(self, query: ForecastQuery) -> ReadSequencesOfBody:
        """Raise MissingArtifact: a classifier has no newest rows, and its route has no GET."""
        raise MissingArtifact(
            "the run has no newest sequence", hint="send the sequences in the body of a POST"
        )

    def forecast(self, rows: Sequence[ReadSequencesOfBody]) -> list[np.ndarray]:
        """Return the probabilities [S, K] of the sequences of each request, from one batch.

        The caller runs each request alone if the batch fails.
        """
        with public_errors(self._path, self.name):
            probabilities, _ = self._classifier.session(_joined([each.data for each in rows]))
        ends = np.cumsum([len(each.data.names) for each in rows])[:-1]
        return np.split(probabilities, ends)

    def write(
        self,
        rows: ReadSequencesOfBody,
        forecast: np.ndarray,
        media_type: str = JSON,
        *,
        key: str = CLASSES.key,
    ) -> Answer:
        """Return the encoded classes and probabilities: the bytes of `lstm predict`, in JSON within an object.

        Args:
            rows: sequences of the request.
            forecast: probabilities [S, K].
            media_type: CSV or JSON.
            key: key of the sequences in a JSON body.
        """
        predicted = PredictedClasses(
            schema=self._classifier.schema, names=rows.data.names, probabilities=forecast
        )
        body = ENCODERS[FORMATS[media_type]](predicted)
        return answer_of(body, media_type, version=self.version, warnings=rows.findings, key=key)

    def newest_row(self) -> float | None:
        """Return None: sequences have no common time."""
        return None

    def warm_up(self) -> None:
        """Load the reader of bodies, for which the first one would wait."""
        import lstm_cli.serving.model.table_body  # noqa: F401

    def describe(self) -> ClassifierDescription:
        """Return the description of the run."""
        return describe_classifier(
            self._classifier.schema,
            self._examples,
            name=self.name,
            version=self.version,
            delimiter=self._text.delimiter or ",",
            vocabulary=self._classifier.vocabulary,
        )

    def _require_ids(self) -> None:
        """Raise DataError if a table cannot hold the sequences, because they have no column with an id.

        A document is one row, and needs no id.
        """
        if self._classifier.schema.sequence is None and self._classifier.vocabulary is None:
            raise DataError(
                "the sequences of this run have no column with an id, so a table cannot hold them",
                hint=FORM,
                rule="D845",
                at=in_file(BODY),
            )

    def _read_instances(self, instances: Any, warn: Warn) -> ReadSequences:
        """Return the sequences or documents of instances. Raise MalformedBody or DataError for invalid ones."""
        classifier = self._classifier
        if classifier.vocabulary is None:
            return instances_as_sequences(instances, classifier.schema.columns)
        documents = instances_as_documents(instances)
        return encode_new_documents(documents, classifier.vocabulary, classifier.schema, warn)

    def _read_body(self, data: SequenceData, findings: list[Finding]) -> ReadSequencesOfBody:
        public = tuple(public_finding(finding, self._path, self.name) for finding in findings)
        return ReadSequencesOfBody(windows=max(1, len(data.names)), findings=public, data=data)

    def _try_once(self) -> None:
        """Classify one sequence, as the first request would. Raise CorruptArtifact if the graph gives no classes."""
        schema = self._classifier.schema
        values = np.zeros((1, schema.max_length, len(schema.columns)), dtype=np.float32)
        made, _ = self._classifier.session.probabilities(values, np.array([schema.max_length]))
        if made.shape != (1, len(schema.classes)) or not np.isfinite(made).all():
            raise CorruptArtifact("the ONNX graph of the model gives no classes", hint=TRAIN_AGAIN)


def _joined(parts: Sequence[SequenceData]) -> SequenceData:
    """Return the sequences of several requests as one."""
    if len(parts) == 1:
        return parts[0]
    lengths = np.concatenate([part.lengths for part in parts])
    return replace(
        parts[0],
        values=np.concatenate([part.values for part in parts]),
        lengths=lengths,
        labels=np.full(len(lengths), UNKNOWN),
        names=tuple(name for part in parts for name in part.names),
        split=np.zeros(len(lengths), dtype=np.int64),
    )


def _examples(run: Run) -> SequenceData | None:
    """Return the first sequences of the run's data in their own scaling; None without data."""
    if not run.has("data"):
        return None
    try:
        data = load_data(run)
        if data.schema.tokens and not have_same_vocabulary(run):
            return None  # the tokens mean other text than those of the model
    except LstmError:
        return None
    return data.select(np.arange(min(EXAMPLES, len(data.names))))
