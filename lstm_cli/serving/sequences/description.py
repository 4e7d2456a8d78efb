"""Description of a served classifier for the OpenAPI document and the page, with sequences that can be sent."""

import csv
import io
from dataclasses import dataclass
from typing import Any

from lstm_cli.sequences.dataset import SequenceData, SequenceSchema
from lstm_cli.steps.predict.sequences.table import header_of

DIGITS = 6  # significant digits of the values of an example


@dataclass(frozen=True, kw_only=True)
class ClassifierDescription:
    """Description of the served classifier."""

    name: str  # name of the run directory, without its path
    version: str
    sequence: str | None  # column with the id of a sequence; None: only `instances` are read
    time: tuple[str, ...]  # columns that order the steps
    columns: tuple[str, ...]  # value columns
    classes: tuple[str, ...]
    max_length: int  # steps that the model reads
    delimiter: str  # of CSV bodies
    answer_columns: tuple[str, ...]  # header of a CSV answer
    # Sequences of the run's own data; empty if the data are gone, or their steps have a time column.
    example_records: tuple[dict[str, Any], ...] = ()
    example_csv: str = ""
    example_instances: tuple[tuple[tuple[float, ...], ...], ...] = ()


def describe_classifier(
    schema: SequenceSchema,
    examples: SequenceData | None,
    *,
    name: str,
    version: str,
    delimiter: str,
) -> ClassifierDescription:
    """Return the description of a classifier.

    Args:
        schema: schema of the model.
        examples: sequences of the run's data; None without data.
        name: name of the run.
        version: version of the model.
        delimiter: delimiter of CSV bodies.
    """
    instances = (
        _instances(examples) if examples is not None and examples.schema.columns == schema.columns else ()
    )
    records = []
    if schema.sequence is not None and not schema.time and examples is not None:
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
    )


def _instances(examples: SequenceData) -> tuple[tuple[tuple[float, ...], ...], ...]:
    """Return the values of the sequences in the units of the file."""
    values = examples.values * examples.scaler.scale + examples.scaler.center
    ends = examples.offsets + examples.lengths
    return tuple(
        tuple(tuple(float(f"{cell:.{DIGITS}g}") for cell in step) for step in values[begin:end].tolist())
        for begin, end in zip(examples.offsets, ends, strict=True)
    )
