"""The verbs: each reads these artifacts, writes those, and returns a report. No step calls another."""
