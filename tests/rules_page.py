"""docs/reference/data-rules.md, made from the table of rules: `python tests/rules_page.py` writes it anew."""

from pathlib import Path

from lstm_cli.rules import RULES

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "data-rules.md"
ABOUT = """# Rules

Each rule has an id, which stands in its messages: `warning[D516]: ...`. An id never changes its meaning.

- An *error* refuses the data (exit code 3; D901: 7). The hint below the message tells how to mend them.
- A *warning* is a guess, a repair or a doubt. The data are read. The message names the option that decides
  otherwise, where there is one.
- A *note* is printed by `lstm check` alone.

`--ignore D516` does not print a warning or a note; it may be given several times, or as `--ignore D516,D705`,
`LSTM_IGNORE=D516,D705`, or `ignore = ["D516", "D705"]` in the file of `--config`. An error cannot be ignored. `--json`
has ignored findings too: `warnings` holds the sentences, `findings` the same as data.

Ids that begin with D1 are about files, D2 columns, D3 numbers, D4 times, D5 the time grid, D6 splits and scaling, D7
the quality of the data, D8 forecasts from new data, D9 memory, and M models.

| id | severity | meaning |
| --- | --- | --- |
"""


def page() -> str:
    """Return the page as it has to be."""
    rows = (f"| {rule} | {about.severity} | {about.meaning} |" for rule, about in RULES.items())
    return ABOUT + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
