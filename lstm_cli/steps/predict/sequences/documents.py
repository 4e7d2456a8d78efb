"""Documents for `predict`: new ones become tokens of the model's vocabulary."""

from collections.abc import Callable, Sequence
from typing import BinaryIO

import numpy as np

from lstm_cli.config.text import TextSettings
from lstm_cli.data.locations import quote_name
from lstm_cli.data.reading.documents import SEQUENCE, TEXT, Documents, read_documents
from lstm_cli.findings import Finding, in_file
from lstm_cli.rundir import Run
from lstm_cli.sequences.build import RawSequences
from lstm_cli.sequences.dataset import SequenceSchema
from lstm_cli.sequences.store import VOCABULARY
from lstm_cli.steps.shared.sequences.reading import ReadSequences
from lstm_cli.text.vocabulary import UNKNOWN, Vocabulary
from lstm_cli.wording import count_noun

CHARACTERS = "characters"  # kind of tokens of which some can be unknown


def read_new_documents(
    paths: Sequence[str],
    vocabulary: Vocabulary,
    schema: SequenceSchema,
    text: TextSettings,
    *,
    stdin: BinaryIO | None,
    warn: Callable[[Finding], None],
) -> ReadSequences:
    """Return the documents of files as sequences of tokens.

    Args:
        paths: files.
        vocabulary: vocabulary of the model.
        schema: schema of the model.
        text: how text is read.
        stdin: standard input.
        warn: receives a warning about characters that are not in the vocabulary.

    Raises:
        DataError: the documents cannot be read.
    """
    columns = {TEXT: schema.columns[0]}
    if schema.sequence is not None:
        columns[SEQUENCE] = schema.sequence
    read = read_documents(paths, columns, text=text, stdin=stdin, is_new=True)
    return encode_new_documents(read, vocabulary, schema, warn)


def encode_new_documents(
    read: Documents, vocabulary: Vocabulary, schema: SequenceSchema, warn: Callable[[Finding], None]
) -> ReadSequences:
    """Return documents as sequences of tokens.

    Args:
        read: documents.
        vocabulary: vocabulary of the model.
        schema: schema of the model.
        warn: receives a warning about characters that are not in the vocabulary.
    """
    tokens = [vocabulary.encode(document)[:, None] for document in read.texts]
    if vocabulary.kind == CHARACTERS:
        counts = [int((document == UNKNOWN).sum()) for document in tokens]
        _warn_of_unknown(read.source, read.names, np.array(counts), warn)
    return ReadSequences(
        raw=RawSequences(
            columns=schema.columns,
            values=tokens,
            names=tuple(read.names),
            labels=("",) * len(tokens),
        ),
        source=read.source,
        rows=len(tokens),
        findings=read.findings,
        read=read.read,
    )


def _warn_of_unknown(
    source: str, names: Sequence[str], counts: np.ndarray, warn: Callable[[Finding], None]
) -> None:
    """Warn of characters that no training document has. counts: their number in each document."""
    having = np.flatnonzero(counts)
    if len(having):
        text = (
            f"characters outside the vocabulary of the model in {count_noun(len(having), 'document')} "
            f"({int(counts.sum()):,} in all), first in document {quote_name(names[having[0]])}: each is read as unknown"
        )
        warn(Finding.at(in_file(source), "D260", text, count=int(counts.sum())))


def have_same_vocabulary(run: Run) -> bool:
    """Return whether the data and the model of a run have one vocabulary."""
    return bool(run.artifact("data").json(VOCABULARY) == run.artifact("model").json(VOCABULARY))
