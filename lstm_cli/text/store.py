"""Files of a text in a run."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from lstm_cli.rundir import ArtifactFolder, ArtifactReader, Run
from lstm_cli.text.dataset import SPLITS, SplitCounts, TextData
from lstm_cli.text.vocabulary import Vocabulary, load_vocabulary

TOKENS, TEXT, VOCABULARY = "tokens.npy", "text.json", "vocabulary.json"


def write_data(folder: ArtifactFolder, data: TextData) -> None:
    """Write the files of a prepared text."""
    folder.write_array(TOKENS, data.tokens)
    folder.write_json(
        TEXT,
        {
            "splits": {name: asdict(counts) for name, counts in data.counts.items()},
            "unknown": dict(data.unknown),
            "vocabulary": data.vocabulary.to_json(),
        },
    )


def load_data(run: Run) -> TextData:
    """Return the prepared text of a run. Raise MissingArtifact or CorruptArtifact."""
    reader = run.artifact("data")
    tokens, stored = reader.array(TOKENS), reader.json(TEXT)
    with reader.parsing():
        return TextData(
            vocabulary=load_vocabulary(stored["vocabulary"]),
            tokens=tokens,
            counts={name: _counts(stored["splits"][name]) for name in SPLITS},
            unknown={name: str(stored["unknown"][name]) for name in SPLITS},
        )


def write_vocabulary(folder: ArtifactFolder, vocabulary: Vocabulary) -> None:
    """Write the vocabulary of a model, which needs no data then."""
    folder.write_json(VOCABULARY, vocabulary.to_json())


def load_model_vocabulary(reader: ArtifactReader) -> Vocabulary:
    """Return the vocabulary of a model. Raise CorruptArtifact for an invalid file."""
    stored = reader.json(VOCABULARY)
    with reader.parsing():
        return load_vocabulary(stored)


def _counts(stored: Mapping[str, Any]) -> SplitCounts:
    return SplitCounts(**{name: int(stored[name]) for name in ("tokens", "characters", "bytes")})
