"""Tasks of a run: a record of each, and the functions that settle and check the task."""
