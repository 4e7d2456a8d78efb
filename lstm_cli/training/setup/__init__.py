"""What is settled before the training loop: device, precision, hyperparameters, checkpoint state."""
