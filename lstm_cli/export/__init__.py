"""Torch models as files for other programs, and the check that these files say the same."""

import os

# As training does, for the same reason: threads of OpenMP that wait by spinning take a busy machine's cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
