"""Columns of a file: their roles, number formats, categories and names."""
