"""Work of `prepare` on labelled sequences: read, split, cut, fill and scale them, and store them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, BinaryIO

import numpy as np

from lstm_cli.config.classify import ClassifyPrepareConfig
from lstm_cli.config.split_shares import parse_count, parse_shares
from lstm_cli.errors import DataError, UsageError
from lstm_cli.events import Listener, WarningRaised
from lstm_cli.findings import Finding, in_file
from lstm_cli.rundir import Writer
from lstm_cli.sequences.build import choose_length, fit_scaler, join_tokens
from lstm_cli.sequences.dataset import SPLITS, SequenceData, SequenceScaler, SequenceSchema
from lstm_cli.sequences.splits import find_duplicates, split_by_class, split_by_group
from lstm_cli.sequences.store import VOCABULARY, write_data
from lstm_cli.steps.prepare.documents import encode_documents, read_labelled_documents
from lstm_cli.steps.prepare.report import named_sources
from lstm_cli.steps.shared.report_html import HtmlReport
from lstm_cli.steps.shared.report_json import finding_fields, to_plain
from lstm_cli.steps.shared.sequences.memory import require_sequence_prepare
from lstm_cli.steps.shared.sequences.reading import (
    ReadSequences,
    is_ts,
    read_sequence_table,
    read_ts_files,
    require_filling,
    require_finite_squares,
    scale_read,
)
from lstm_cli.tasks.records import CLASSIFY
from lstm_cli.text.vocabulary import Vocabulary
from lstm_cli.wording import count_noun

MANY_CLASSES = 1_000
TRAIN_FILE, TEST_FILE = "_train.ts", "_test.ts"  # ends of the names of the files of an archive


@dataclass(frozen=True, kw_only=True)
class PrepareSequencesReport(HtmlReport):
    """Facts about labelled sequences."""

    run: str
    task: str
    source: str
    rows: int  # steps in the file
    sequences: dict[str, int]  # in each split
    classes: dict[str, dict[str, int]]  # sequences of each class in each split
    columns: tuple[str, ...]
    lengths: dict[str, float]  # steps of a sequence in the file: shortest, median, longest
    max_length: int
    cut: int  # sequences that are longer than max_length
    filled: int  # missing values
    duplicates: int  # sequences of the validation and test sets that equal one of an earlier split
    split_by: str  # "class", "group" or "files"
    scaler: str
    tokens: str | None = None  # kind of the tokens of documents
    vocabulary: int | None = None  # number of their different tokens
    megabytes: float
    warnings: tuple[str, ...]
    findings: tuple[dict[str, Any], ...] = ()
    up_to_date: bool | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return to_plain(self, absent=("tokens", "vocabulary", "up_to_date"))


def prepare_sequences(
    writer: Writer,
    paths: Sequence[str],
    config: ClassifyPrepareConfig,
    listen: Listener,
    *,
    stdin: BinaryIO | None,
) -> PrepareSequencesReport:
    """Read the files and commit the run's data.

    Args:
        writer: writer of the run.
        paths: data files; `-` is standard input.
        config: settings of the step.
        listen: receives progress events and warnings.
        stdin: standard input; None if it is not read.

    Raises:
        DataError: the sequences cannot be read or split.
        UsageError: a setting is missing or invalid.
    """
    require_sequence_prepare(paths, config)
    read = read_sequences(paths, config, stdin, listen)
    assembled = assemble_sequences(read, config, paths, listen)
    for finding in assembled.findings:
        listen(WarningRaised(finding=finding))
    folder = writer.new("data")
    write_data(folder, assembled.data)
    if assembled.vocabulary is not None:
        folder.write_json(VOCABULARY, assembled.vocabulary.to_json())
    report = PrepareSequencesReport(
        run=str(writer.path),
        task=CLASSIFY.name,
        source=read.source,
        rows=read.rows,
        columns=read.raw.columns,
        scaler=assembled.data.scaler.kind,
        megabytes=round(assembled.data.values.nbytes / 1e6, 2),
        **assembled.facts(),
        **finding_fields(assembled.findings),
    )
    writer.commit(config=asdict(config), reads=_contents(read.read), report=report.to_json())
    return report


@dataclass(frozen=True, kw_only=True)
class AssembledSequences:
    """Sequences as a run stores them, and the facts about them."""

    data: SequenceData
    vocabulary: Vocabulary | None  # of documents
    steps: np.ndarray  # [S] steps of each sequence in the file
    cut: int
    filled: int
    duplicates: int
    split_by: str
    findings: tuple[Finding, ...]

    def facts(self) -> dict[str, Any]:
        """Return the fields that the reports of `prepare` and `check` share."""
        data = self.data
        return {
            "sequences": {name: len(data.indices(name)) for name in SPLITS},
            "classes": {
                label: {name: int((data.labels[data.indices(name)] == index).sum()) for name in SPLITS}
                for index, label in enumerate(data.schema.classes)
            },
            "lengths": length_facts(self.steps),
            "max_length": data.schema.max_length,
            "cut": self.cut,
            "filled": self.filled,
            "duplicates": self.duplicates,
            "split_by": self.split_by,
            "tokens": data.schema.token_kind or None,
            "vocabulary": data.schema.tokens or None,
        }


def length_facts(steps: np.ndarray) -> dict[str, float]:
    """Return the shortest, median and longest of the numbers of steps [S]."""
    return {
        "shortest": int(steps.min()),
        "median": float(np.median(steps)),
        "longest": int(steps.max()),
    }


def assemble_sequences(
    read: ReadSequences, config: ClassifyPrepareConfig, paths: Sequence[str], listen: Listener
) -> AssembledSequences:
    """Return the sequences split, cut, filled and scaled.

    Args:
        read: sequences of the files.
        config: settings of `prepare`.
        paths: data files.
        listen: receives progress events.

    Raises:
        DataError: the sequences cannot be split or scaled.
        UsageError: a setting is invalid.
    """
    if not read.texts:
        require_finite_squares(read)
    classes = _classes(read)
    labels = np.array([classes.index(label) for label in read.raw.labels], dtype=np.int64)
    split, split_by = _split(read, labels, config, paths)
    _require_splits(read, labels, split, split_by, classes)
    vocabulary, raw = None, read.raw
    if read.texts:
        vocabulary, tokens = encode_documents(read.texts, split, config, listen)
        raw = replace(raw, values=tokens)
    lengths = np.array([len(values) for values in raw.values], dtype=np.int64)
    train = np.flatnonzero(split == 0)
    max_length = choose_length(lengths[train], config.max_length)
    if vocabulary is not None:
        scaler, filled = SequenceScaler.of_tokens(), 0
        values, kept = join_tokens(raw.values, max_length=max_length)
    else:
        scaler = fit_scaler(np.concatenate([raw.values[index] for index in train]), config.scaler)
        filled = require_filling(read, config.missing)
        values, kept = scale_read(read, scaler, max_length=max_length, missing=config.missing)
    data = SequenceData(
        schema=SequenceSchema(
            columns=raw.columns,
            classes=classes,
            sequence=config.sequence,
            label=config.label,
            time=config.time,
            max_length=max_length,
            missing=config.missing,
            tokens=0 if vocabulary is None else vocabulary.size,
            token_kind="" if vocabulary is None else vocabulary.kind,
        ),
        scaler=scaler,
        values=values,
        lengths=kept,
        labels=labels,
        names=raw.names,
        split=split,
    )
    pairs = find_duplicates(raw.values, split)
    cut = int((lengths > max_length).sum())
    findings = (*read.findings, *_findings(read, config, data, filled=filled, cut=cut, pairs=pairs))
    return AssembledSequences(
        data=data,
        vocabulary=vocabulary,
        steps=lengths,
        cut=cut,
        filled=filled,
        duplicates=len(pairs),
        split_by=split_by,
        findings=findings,
    )


def _contents(read: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return dict(zip(named_sources(read), read.values(), strict=True))


def read_sequences(
    paths: Sequence[str], config: ClassifyPrepareConfig, stdin: BinaryIO | None, listen: Listener
) -> ReadSequences:
    """Return the sequences of the files.

    Args:
        paths: data files; `-` is standard input.
        config: settings of `prepare`.
        stdin: standard input; None if it is not read.
        listen: receives progress events.

    Raises:
        DataError: the files cannot be read.
        UsageError: a column is not named.
    """
    if config.text is not None:
        return read_labelled_documents(paths, config, stdin, listen)
    if is_ts(paths):
        for flag, name in (
            ("--sequence", config.sequence),
            ("--label", config.label),
            ("--group", config.group),
            ("--value", config.value),
            ("--time", config.time),
        ):
            if name:
                raise UsageError(
                    f"{flag} names a column, and a .ts file has none", hint=f"leave out {flag}", flag=flag
                )
        return read_ts_files(paths, labelled=True)
    for flag, given in (("--sequence", config.sequence), ("--label", config.label)):
        if given is None:
            raise UsageError(
                f"{flag} is missing: labelled sequences need --sequence and --label",
                hint="name both columns: --sequence ID --label COLUMN",
                flag=flag,
            )
    assert config.sequence is not None
    return read_sequence_table(
        paths,
        sequence=config.sequence,
        label=config.label,
        group=config.group,
        values=config.value,
        time=config.time,
        text=config.text_settings,
        stdin=stdin,
        listen=listen,
    )


def _classes(read: ReadSequences) -> tuple[str, ...]:
    """Return the labels in the order of their numbers, or of their text. Raise DataError for one or too many."""
    labels = sorted(set(read.raw.labels), key=_sort_key)
    if len(labels) < 2 or len(labels) > MANY_CLASSES:
        what = f"all sequences have the label '{labels[0]}'" if len(labels) < 2 else f"{len(labels):,} labels"
        raise DataError(
            f"{what}: a classifier needs 2 to {MANY_CLASSES:,} classes",
            hint="name another column with --label",
            rule="D252",
            at=in_file(read.source),
            flags=("--label",),
        )
    return tuple(labels)


def _sort_key(label: str) -> tuple[int, float, str]:
    try:
        return 0, float(label), label
    except ValueError:
        return 1, 0.0, label


def _split(
    read: ReadSequences, labels: np.ndarray, config: ClassifyPrepareConfig, paths: Sequence[str]
) -> tuple[np.ndarray, str]:
    """Return the split [S] of each sequence, and what decided it."""
    raw, count = read.raw, len(labels)
    val, test = parse_shares(config.val, config.test, count, "sequences")
    val_count, test_count = parse_count(config.val), parse_count(config.test)
    names = [str(path).lower() for path in paths]
    of_archive = (
        len(names) == 2
        and {name[-len(TEST_FILE) :] for name in names} > {TEST_FILE}
        and any(name.endswith(TRAIN_FILE) for name in names)
    )
    if of_archive and read.files:
        tested = np.array(read.files) == next(
            number for number, name in enumerate(names) if name.endswith(TEST_FILE)
        )
        if config.test != ClassifyPrepareConfig.test:
            raise UsageError(
                f"--test {config.test} cannot change the test set of two files {TRAIN_FILE} and {TEST_FILE}",
                hint="leave out --test, or give one of the files",
                flag="--test",
            )
        split = np.full(count, SPLITS.index("test"))
        split[~tested] = split_by_class(labels[~tested], val=val, test=0.0, val_count=val_count)
        return split, "files"
    if raw.groups:
        return split_by_group(np.array(raw.groups), val=val, test=test), "group"
    split = split_by_class(labels, val=val, test=test, val_count=val_count, test_count=test_count)
    return split, "class"


def _require_splits(
    read: ReadSequences, labels: np.ndarray, split: np.ndarray, split_by: str, classes: Sequence[str]
) -> None:
    """Raise DataError unless there are training sequences of two classes, and validation sequences.

    Args:
        read: sequences of the files.
        labels: class [S] of each sequence.
        split: split [S] of each sequence.
        split_by: what decided the splits.
        classes: names of the classes.
    """
    trained = Counter(labels[split == 0].tolist())
    if len(trained) < 2 or not (split == 1).any():
        what = "validation sequences" if len(trained) >= 2 else "training sequences of two classes"
        groups = len(set(read.raw.groups))
        few, whole = ("groups", count_noun(groups, "group")) if groups else ("sequences", f"{len(labels)}")
        raise DataError(
            f"too few {few} for the splits: {whole} of {len(classes)} classes leave no {what}",
            hint="name a column with more groups with --group, or leave it out to split by class"
            if groups
            else _sizes_that_fit(labels, split, split_by),
            rule="D650",
            at=in_file(read.source),
            flags=("--val", "--test", "--group"),
        )


def _sizes_that_fit(labels: np.ndarray, split: np.ndarray, split_by: str) -> str:
    """Return a hint with sizes that leave a training sequence of each class.

    Args:
        labels: class [S] of each sequence.
        split: split [S] of each sequence.
        split_by: what decided the splits.
    """
    free = labels[split != SPLITS.index("test")] if split_by == "files" else labels
    spare = len(free) - len(np.unique(free))
    if not spare:
        return "use more sequences: each class needs one for training"
    if split_by == "files":
        return "use --val 1"
    return f"use --val 1 --test {min(1, spare - 1)}, or more sequences"


def _findings(
    read: ReadSequences,
    config: ClassifyPrepareConfig,
    data: SequenceData,
    *,
    filled: int,
    cut: int,
    pairs: list[tuple[int, int]],
) -> list[Finding]:
    """Return the warnings about sequences."""
    place, findings = in_file(read.source), []
    noun, step = ("document", "token") if read.texts else ("sequence", "step")
    if cut:
        text = (
            f"{count_noun(cut, noun)} of {len(data.names):,} are longer than {data.schema.max_length} {step}s, "
            f"the later {step}s are cut (--max-length N reads more)"
        )
        findings.append(Finding.at(place, "D661", text, count=cut, flags=("--max-length",)))
    if pairs:
        index, earlier = pairs[0]
        advice = "keep them in one split with --group"
        if config.group is not None:
            advice = f"delete the copies, or give their groups one name in column '{config.group}'"
        text = (
            f"{count_noun(len(pairs), f'duplicate {noun}')} across splits, which make the scores too good: first "
            f"'{data.names[index]}' ({SPLITS[data.split[index]]}) equals '{data.names[earlier]}' "
            f"({SPLITS[data.split[earlier]]}); {advice}"
        )
        findings.append(Finding.at(place, "D662", text, count=len(pairs), flags=("--group",)))
    absent = _absent_classes(data, "train")
    if absent:
        text = (
            f"{count_noun(len(absent), 'class', 'classes')} without a training {noun}, first '{absent[0]}': "
            "the model cannot learn it (use a smaller --test and --val, or other groups)"
        )
        findings.append(
            Finding.at(place, "D663", text, count=len(absent), flags=("--val", "--test", "--group"))
        )
    for name, title in (("val", "validation"), ("test", "test")):
        unseen = _absent_classes(data, name) if len(data.indices(name)) else []
        if unseen:
            text = (
                f"{count_noun(len(unseen), 'class', 'classes')} without a {title} sequence, first '{unseen[0]}': "
                f"no {title} score shows its errors (use more sequences of the class, or a larger --{name})"
            )
            flags = (f"--{name}", "--group")
            findings.append(Finding.at(place, "D665", text, count=len(unseen), flags=flags))
    if filled:
        text = f"{count_noun(filled, 'missing value')} filled (--missing {config.missing})"
        findings.append(Finding.at(place, "D664", text, count=filled, flags=("--missing",)))
    return findings


def _absent_classes(data: SequenceData, split: str) -> list[str]:
    """Return the classes without a sequence in a split."""
    present = set(data.labels[data.indices(split)].tolist())
    return [label for number, label in enumerate(data.schema.classes) if number not in present]
