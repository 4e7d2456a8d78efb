"""Times in text: their formats, the parser, joined columns and whole numbers."""
