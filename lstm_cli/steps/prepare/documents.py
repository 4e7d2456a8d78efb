"""Labelled documents in `prepare`: they are read as texts, and become sequences of tokens."""

from collections.abc import Sequence
from typing import BinaryIO

import numpy as np

from lstm_cli.config.classify import ClassifyPrepareConfig
from lstm_cli.config.extras import require_installed
from lstm_cli.data.reading.documents import GROUP, LABEL, SEQUENCE, TEXT, read_documents
from lstm_cli.errors import UsageError
from lstm_cli.events import Listener, Progressed
from lstm_cli.sequences.build import RawSequences
from lstm_cli.steps.shared.sequences.reading import ReadSequences
from lstm_cli.text.vocabulary import Vocabulary, build_vocabulary

DOCUMENTS_AT_ONCE = 1_000  # documents that are encoded between two progress events


def read_labelled_documents(
    paths: Sequence[str], config: ClassifyPrepareConfig, stdin: BinaryIO | None, listen: Listener
) -> ReadSequences:
    """Return the documents of files as sequences without values.

    Args:
        paths: data files; `-` is standard input.
        config: settings of `prepare`, with the column of the text.
        stdin: standard input; None if it is not read.
        listen: receives progress events.

    Raises:
        DataError: the documents cannot be read.
        UsageError: a setting is missing, or belongs to value columns.
    """
    assert config.text is not None
    if config.label is None:
        raise UsageError(
            "--label is missing: labelled documents need --text and --label",
            hint="lstm prepare DATA RUN --text COLUMN --label COLUMN",
            flag="--label",
        )
    if config.tokens == "bpe":
        require_installed("--tokens bpe", "tokenizers")  # before a large file is read
    named = {TEXT: config.text, LABEL: config.label, GROUP: config.group, SEQUENCE: config.sequence}
    read = read_documents(
        paths,
        {flag: name for flag, name in named.items() if name is not None},
        text=config.text_settings,
        stdin=stdin,
        listen=listen,
    )
    return ReadSequences(
        raw=RawSequences(
            columns=(config.text,),
            values=[],
            names=tuple(read.names),
            labels=tuple(read.labels),
            groups=tuple(read.groups),
        ),
        source=read.source,
        rows=len(read.texts),
        findings=read.findings,
        read=read.read,
        texts=tuple(read.texts),
    )


def encode_documents(
    texts: Sequence[str], split: np.ndarray, config: ClassifyPrepareConfig, listen: Listener
) -> tuple[Vocabulary, list[np.ndarray]]:
    """Return the vocabulary of the training documents, and the tokens [L, 1] of each document.

    Args:
        texts: documents.
        split: split [S] of each; 0 is the training set.
        config: settings of `prepare`.
        listen: receives progress events.
    """
    training = (text for text, number in zip(texts, split, strict=True) if number == 0)
    vocabulary = build_vocabulary(training, kind=config.tokens, size=config.vocabulary_size)
    return vocabulary, encode_texts(texts, vocabulary, listen)


def encode_texts(texts: Sequence[str], vocabulary: Vocabulary, listen: Listener) -> list[np.ndarray]:
    """Return the tokens [L, 1] of each document.

    Args:
        texts: documents.
        vocabulary: vocabulary.
        listen: receives progress events.
    """
    encoded = []
    for begin in range(0, len(texts), DOCUMENTS_AT_ONCE):
        listen(Progressed(stage="encoding", done=begin, total=len(texts), unit="documents"))
        encoded += [vocabulary.encode(text)[:, None] for text in texts[begin : begin + DOCUMENTS_AT_ONCE]]
    return encoded
