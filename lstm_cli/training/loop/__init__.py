"""Training loop: batches, optimizer steps, validation, early stopping."""
