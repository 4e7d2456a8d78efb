"""Progress on stderr, and the same events for TensorBoard and Weights & Biases."""
