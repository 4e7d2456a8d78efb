"""One file per command: its options, and the call of its step."""
