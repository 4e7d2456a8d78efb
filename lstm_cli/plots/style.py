"""Colours of all plots, and the folder of matplotlib's cache."""

import os

INK, TRUTH, FORECAST, BASELINE = "#8a8f98", "#22262e", "#d1495b", "#5a8fbf"


def use_temporary_cache() -> None:
    """matplotlib keeps a cache beside its settings: in a temporary folder, so that nothing is left elsewhere."""
    if "MPLCONFIGDIR" not in os.environ:
        import atexit
        import shutil
        import tempfile

        folder = tempfile.mkdtemp(prefix="lstm-")
        os.environ["MPLCONFIGDIR"] = folder
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
