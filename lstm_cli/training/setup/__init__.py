"""Decisions before the training loop: device, precision, hyperparameters, checkpoint state."""
