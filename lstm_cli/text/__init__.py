"""Text as a run holds it: vocabulary, tokens and splits."""
