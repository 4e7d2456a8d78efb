"""Training on labelled sequences: their batches and loss on a device, the network and the simple model."""
