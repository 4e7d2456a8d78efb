"""What `check` looks for in a data file: gaps, outliers, leakage, seasonality, missing values."""
