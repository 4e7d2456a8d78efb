"""Training: the loop, its schedule, and windows gathered on the device. Knows no paths."""
