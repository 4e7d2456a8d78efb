"""Accuracy after training: recorded forecasts, what came true, a test for lost accuracy, and drift of the inputs."""
