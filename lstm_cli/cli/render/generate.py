"""Reports of text as tables: `prepare` and `train`."""

from typing import Any

from lstm_cli.cli.render.page import Page
from lstm_cli.rundir import command
from lstm_cli.wording import count_noun

KINDS = {"characters": "characters", "bytes": "bytes", "bpe": "byte pairs"}


def text_table(report: Any, page: Page) -> None:
    """Print the facts of a text, its tokens and its splits."""
    characters, tokens = sum(report.characters.values()), sum(report.tokens.values())
    per_token = "" if report.kind == "characters" else f", {characters / tokens:.2f} characters each"
    repeated = [
        f"{100 * found['share']:.1f} % of the {title} text"
        for title, found in (("validation", report.repeats["val"]), ("test", report.repeats["test"]))
        if found["passages"]
    ]
    page.facts(
        [
            ("task", "generate text"),
            ("data", f"{report.source}: {characters:,} characters, {count_noun(report.lines, 'line')}"),
            ("tokens", f"{KINDS[report.kind]}, {report.vocabulary_size:,} different{per_token}"),
            (
                "repeats",
                f"{' and '.join(repeated) or 'nothing'} in passages of {report.passage} characters or more "
                "of the training text",
            ),
        ]
    )
    page.blank()
    names = {"train": "train", "val": "validation", "test": "test"}
    page.table(
        ("split", "characters", "tokens"),
        [
            (title, f"{report.characters[name]:,}", f"{report.tokens[name]:,}")
            for name, title in names.items()
        ],
    )
    page.blank()
    page.line(f"wrote {report.run} ({report.megabytes:.1f} MB)")
    page.line(f"next: {command('train', report.run)}")
