"""The time grid: rows sorted, duplicates merged, and one row per step."""
