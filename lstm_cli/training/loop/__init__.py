"""The training loop: batches, optimizer steps, validation, early stopping."""
