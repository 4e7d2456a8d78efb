"""Description of a served classifier for the OpenAPI document and the page, with sequences that can be sent."""

import csv
import io
from dataclasses import dataclass
from typing import Any

from lstm_cli.sequences.dataset import SequenceData, SequenceSchema
from lstm_cli.steps.predict.sequences.table import header_of
from lstm_cli.text.vocabulary import Vocabulary

DIGITS = 6  # significant digits of the values of an example


@dataclass(frozen=True, kw_only=True)
class ClassifierDescription:
    """Description of the served classifier."""

    name: str  # name of the run directory, without its path
    version: str
    sequence: str | None  # column with the id of a sequence; without one, a table can hold documents only
    time: tuple[str, ...]  # columns that order the steps
    columns: tuple[str, ...]  # value columns, or the column of the text
    classes: tuple[str, ...]
    max_length: int  # steps or tokens that the model reads
    delimiter: str  # of CSV bodies
    answer_columns: tuple[str, ...]  # header of a CSV answer
    # Sequences of the run's own data; empty if the data are gone, or their steps have a time column.
    example_records: tuple[dict[str, Any], ...] = ()
    example_csv: str = ""
    example_instances: tuple[Any, ...] = ()  # values of each step, or texts
    of_documents: bool = False  # one row per document, whose steps are tokens

    @property
    def noun(self) -> str:
        """Return the noun for a sequence."""
        return "document" if self.of_documents else "sequence"

    @property
    def step(self) -> str:
        """Return the noun for a step of a sequence."""
        return "token" if self.of_documents else "step"

    @property
    def reads_tables(self) -> bool:
        """Return whether a table can hold the sequences."""
        return self.of_documents or self.sequence is not None


def describe_classifier(
    schema: SequenceSchema,
    examples: SequenceData | None,
    *,
    name: str,
    version: str,
    delimiter: str,
    vocabulary: Vocabulary | None = None,
) -> ClassifierDescription:
    """Return the description of a classifier.

    Args:
        schema: schema of the model.
        examples: sequences of the run's data; None without data.
        name: name of the run.
        version: version of the model.
        delimiter: delimiter of CSV bodies.
        vocabulary: vocabulary of a model of documents.
    """
    instances: tuple[Any, ...] = ()
    if examples is not None and examples.schema.columns == schema.columns:
        instances = _instances(examples) if vocabulary is None else _texts(examples, vocabulary)
    records: list[dict[str, Any]] = []
    if examples is not None and vocabulary is not None:
        ids = [{} if schema.sequence is None else {schema.sequence: name} for name in examples.names]
        records = [{**id_, schema.columns[0]: text} for id_, text in zip(ids, instances, strict=False)]
    elif schema.sequence is not None and not schema.time and examples is not None:
        records = [
            {schema.sequence: id_, **dict(zip(schema.columns, step, strict=True))}
            for id_, steps in zip(examples.names, instances, strict=False)
            for step in steps
        ]
    text = io.StringIO()
    if records:
        writer = csv.DictWriter(text, list(records[0]), lineterminator="\n", delimiter=delimiter)
        writer.writeheader()
        writer.writerows(records)
    return ClassifierDescription(
        name=name,
        version=version,
        sequence=schema.sequence,
        time=schema.time,
        columns=schema.columns,
        classes=schema.classes,
        max_length=schema.max_length,
        delimiter=delimiter,
        answer_columns=tuple(header_of(schema)),
        example_records=tuple(records),
        example_csv=text.getvalue(),
        example_instances=instances,
        of_documents=vocabulary is not None,
    )


def _texts(examples: SequenceData, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Return the texts of documents, up to the last token that the model reads."""
    ends = examples.offsets + examples.lengths
    return tuple(
        vocabulary.decode(examples.values[begin:end, 0])
        for begin, end in zip(examples.offsets, ends, strict=True)
    )


def _instances(examples: SequenceData) -> tuple[tuple[tuple[float, ...], ...], ...]:
    """Return the values of the sequences in the units of the file."""
    values = examples.values * examples.scaler.scale + examples.scaler.center
    ends = examples.offsets + examples.lengths
    return tuple(
        tuple(tuple(float(f"{cell:.{DIGITS}g}") for cell in step) for step in values[begin:end].tolist())
        for begin, end in zip(examples.offsets, ends, strict=True)
    )
