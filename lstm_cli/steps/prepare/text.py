"""Work of `prepare` on text: read, split and encode it, find what the splits have in common, and store it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

from lstm_cli.config.generate import GeneratePrepareConfig
from lstm_cli.config.split_shares import parse_shares
from lstm_cli.data.locations import FileLines, LocationFormatter, dataset_name
from lstm_cli.data.reading.source import open_source
from lstm_cli.data.reading.text_format import codec_name, decode_error, nul_error
from lstm_cli.errors import DataError
from lstm_cli.events import Listener, Progressed, WarningRaised
from lstm_cli.findings import Finding, at_line, in_file
from lstm_cli.rundir import Writer
from lstm_cli.steps.prepare.report import named_sources
from lstm_cli.steps.shared.report_html import HtmlReport
from lstm_cli.steps.shared.report_json import finding_fields, to_plain
from lstm_cli.tasks.records import GENERATE
from lstm_cli.text.dataset import SPLITS, TextData, encode_splits
from lstm_cli.text.repeats import PASSAGE, Repeats, find_repeats
from lstm_cli.text.store import write_data
from lstm_cli.text.vocabulary import build_vocabulary
from lstm_cli.wording import count_noun

LEAST_TRAIN, LEAST_OTHER = 1_000, 100  # tokens of the training split, and of each other split
MANY_REPEATED = 0.01  # share of the characters in repeated passages, from which a warning is worth it
TITLES = {"train": "training", "val": "validation", "test": "test"}


@dataclass(frozen=True, kw_only=True)
class PrepareTextReport(HtmlReport):
    """Facts about a text."""

    run: str
    task: str
    source: str
    lines: int
    characters: dict[str, int]  # in each split
    bytes: dict[str, int]  # of UTF-8 in each split
    tokens: dict[str, int]  # in each split
    kind: str  # "characters", "bytes" or "bpe"
    vocabulary_size: int
    unknown: dict[str, int]  # tokens of each split that are not in the vocabulary
    repeats: dict[
        str, dict[str, float]
    ]  # of "val" and "test": passages that the training text has too, their share
    passage: int  # characters of the shortest passage that counts
    megabytes: float
    warnings: tuple[str, ...]
    findings: tuple[dict[str, Any], ...] = ()
    up_to_date: bool | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return to_plain(self, absent=("up_to_date",))


@dataclass(frozen=True, kw_only=True)
class ReadText:
    """Text of one or several files, one after the other."""

    text: str  # each line ends with "\n"
    source: str  # name of the files in messages
    files: FileLines
    read: Mapping[str, dict[str, Any]]  # sha256 and size of each file

    @property
    def locate(self) -> LocationFormatter:
        """Return the formatter of line numbers."""
        return LocationFormatter(source=self.source, files=self.files)


def prepare_text(
    writer: Writer,
    paths: Sequence[str],
    config: GeneratePrepareConfig,
    listen: Listener,
    *,
    stdin: BinaryIO | None,
) -> PrepareTextReport:
    """Read the files and commit the run's data.

    Args:
        writer: writer of the run.
        paths: text files; `-` is standard input.
        config: settings of the step.
        listen: receives progress events and warnings.
        stdin: standard input; None if it is not read.

    Raises:
        DataError: a file cannot be read, or the text is too short.
        UsageError: a setting is invalid, or a package is not installed.
    """
    read = read_text(paths, config.encoding, stdin=stdin)
    texts = split_text(read, config)
    listen(Progressed(stage="encoding", done=0, total=1, unit="texts"))
    vocabulary = build_vocabulary([texts["train"]], kind=config.tokens, size=config.vocabulary_size)
    data = encode_splits(vocabulary, texts)
    listen(Progressed(stage="encoding", done=1, total=1, unit="texts"))
    _require_tokens(read, data)
    repeats = {name: find_repeats(texts["train"], texts[name]) for name in SPLITS[1:]}
    unknown = {name: len(characters) for name, characters in data.unknown.items()}
    findings = _findings(read, texts, repeats, unknown)
    for finding in findings:
        listen(WarningRaised(finding=finding))
    folder = writer.new("data")
    write_data(folder, data)
    counts = data.counts
    report = PrepareTextReport(
        run=str(writer.path),
        task=GENERATE.name,
        source=read.source,
        lines=read.text.count("\n"),
        characters={name: counts[name].characters for name in SPLITS},
        bytes={name: counts[name].bytes for name in SPLITS},
        tokens={name: counts[name].tokens for name in SPLITS},
        kind=vocabulary.kind,
        vocabulary_size=vocabulary.size,
        unknown=unknown,
        repeats={
            name: {"passages": found.passages, "share": _share(found, texts[name])}
            for name, found in repeats.items()
        },
        passage=PASSAGE,
        megabytes=round(data.tokens.nbytes / 1e6, 2),
        **finding_fields(findings),
    )
    contents = dict(zip(named_sources(read.read), read.read.values(), strict=True))
    writer.commit(config=asdict(config), reads=contents, report=report.to_json())
    return report


def read_text(paths: Sequence[str], encoding: str | None, *, stdin: BinaryIO | None) -> ReadText:
    """Return the text of files. Line ends become a line feed, and the last line of a file gets one.

    Args:
        paths: text files; `-` is standard input.
        encoding: encoding of the files; None: UTF-8 or UTF-16.
        stdin: standard input; None if it is not read.

    Raises:
        DataError: a file cannot be read as text. The error has the line.
        UsageError: the encoding is unknown.
    """
    names: list[str] = []
    parts: list[str] = []
    read: dict[str, dict[str, Any]] = {}
    for path in paths:
        with open_source(path, stdin) as opened:
            if opened.parquet:
                raise DataError(
                    f"{opened.name} is a Parquet file, not a text",
                    hint="give a text file, or leave out --task generate",
                    rule="D101",
                    flags=("--task",),
                )
            codec = codec_name(opened, encoding)
            text = _decode(b"".join(opened.blocks), opened.name, codec)
            if opened.path is not None or opened.content is not None:
                read[path] = opened.reader.checksum_and_size()
        names.append(opened.name)
        parts.append(text if text.endswith("\n") else text + "\n")
    begins, lines = [], 0
    for part in parts:
        begins.append(lines)
        lines += part.count("\n")
    return ReadText(
        text="".join(parts),
        source=dataset_name(names),
        files=FileLines(names=tuple(names), begins=tuple(begins)),
        read=read,
    )


def _decode(content: bytes, name: str, codec: str) -> str:
    """Return the text of a file. Raise DataError for bytes that are not in the encoding, and for NUL."""
    try:
        text = content.decode(codec)
    except UnicodeError as error:
        raise decode_error(error, name, codec, 1) from None
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text:
        raise nul_error(at_line(name, text.split("\0", 1)[0].count("\n") + 1))
    return text


def split_text(read: ReadText, config: GeneratePrepareConfig) -> dict[str, str]:
    """Return the text of each split, one after the other. Raise UsageError for sizes that leave nothing."""
    text = read.text
    val, test = parse_shares(config.val, config.test, len(text), "characters")
    tested = round(test * len(text))
    validated = len(text) - tested - round(val * len(text))
    return {
        "train": text[:validated],
        "val": text[validated : len(text) - tested],
        "test": text[len(text) - tested :],
    }


def _require_tokens(read: ReadText, data: TextData) -> None:
    """Raise DataError if a split has too few tokens."""
    least = {name: LEAST_TRAIN if name == "train" else LEAST_OTHER for name in SPLITS}
    counts = {name: split.tokens for name, split in data.counts.items() if split.tokens or name != "test"}
    short = next((name for name, count in counts.items() if count < least[name]), None)
    if short is None:
        return
    needed = max(len(read.text) * least[name] // max(1, count) + 1 for name, count in counts.items())
    raise DataError(
        f"the text is too short: {count_noun(len(read.text), 'character')} give the {TITLES[short]} split "
        f"{count_noun(counts[short], 'token')}, and it needs {least[short]:,}",
        hint=f"use a text of at least {needed:,} characters, or other sizes with --val and --test",
        rule="D670",
        at=in_file(read.source),
        flags=("--val", "--test"),
    )


def _findings(
    read: ReadText, texts: Mapping[str, str], repeats: Mapping[str, Repeats], unknown: Mapping[str, int]
) -> tuple[Finding, ...]:
    """Return the warnings about a text.

    Args:
        read: text of the files.
        texts: text of each split.
        repeats: passages of each split that the training text has too.
        unknown: tokens of each split that are not in the vocabulary.
    """
    findings = []
    for name, found in repeats.items():
        share = _share(found, texts[name])
        if found.first is None or share < MANY_REPEATED:
            continue
        before = len(texts["train"]) + (len(texts["val"]) if name == "test" else 0) + found.first
        text = (
            f"the training text has {count_noun(found.passages, 'passage')} of the {TITLES[name]} text too "
            f"({100 * share:.1f} % of its characters), which makes the scores too good: first here (at least {PASSAGE} "
            "characters each; leave out one of the copies)"
        )
        at = read.locate.at(read.text.count("\n", 0, before) + 1)
        findings.append(Finding.at(at, "D671", text, count=found.passages))
    if any(unknown.values()):
        parts = ", ".join(f"{count:,} {TITLES[name]}" for name, count in unknown.items() if count)
        text = (
            f"{count_noun(sum(unknown.values()), 'character')} not in the vocabulary, which has the characters of the "
            f"training text ({parts}): they count as unknown (--tokens bytes knows all)"
        )
        findings.append(
            Finding.at(
                in_file(read.source),
                "D672",
                text,
                count=sum(unknown.values()),
                flags=("--tokens", "--vocabulary-size"),
            )
        )
    return tuple(findings)


def _share(found: Repeats, text: str) -> float:
    return round(found.characters / max(1, len(text)), 4)
