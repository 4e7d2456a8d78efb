"""Readers of CSV and Parquet files, with errors exact to the line and column."""
