"""From a file to columns: CSV and Parquet, exact to the line and column."""
