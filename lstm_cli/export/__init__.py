"""Torch models as files for other programs, and the check that these files say the same."""
