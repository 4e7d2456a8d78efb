"""Reporters of progress: stderr, TensorBoard, and Weights & Biases."""
