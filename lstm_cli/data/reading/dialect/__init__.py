"""Dialect of a text file: skipped lines, names of the columns, blanks as delimiter, and its last row."""
