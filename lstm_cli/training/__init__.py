"""Training: the loop, its schedule, and windows gathered on the device. Knows no paths."""

import os

# Read by OpenMP when torch loads it, so before any file of this room does. Threads that wait by spinning take a
# busy machine's cores from the work they wait for: training beside other work then takes many times as long, and
# alone it is hardly slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
