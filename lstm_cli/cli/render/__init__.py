"""Reports as text on stdout: one file per command, and what they share."""
