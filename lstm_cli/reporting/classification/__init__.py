"""Report about a classifier of labelled sequences: its facts, the page, and the comment in Markdown."""
