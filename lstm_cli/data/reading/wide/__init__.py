"""Wide files: the series stand side by side, in columns or in rows, and become rows of a long table."""
