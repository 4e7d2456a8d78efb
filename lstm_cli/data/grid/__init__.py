"""Time grid: rows sorted, duplicate rows merged, and one row per step."""
