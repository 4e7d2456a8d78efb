"""Training of a language model on a text."""
