"""Data quality checks: gaps, outliers, leakage, seasonality, missing values."""
