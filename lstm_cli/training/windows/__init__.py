"""Training on windows: their batches and loss on a device, and validation losses."""
