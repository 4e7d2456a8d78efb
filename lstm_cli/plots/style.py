"""Colors of all plots, and the cache folder of matplotlib."""

import os

INK, TRUTH, FORECAST, BASELINE = "#8a8f98", "#22262e", "#d1495b", "#5a8fbf"


def use_temporary_cache() -> None:
    """Set a temporary cache folder for matplotlib, so that it writes nothing into the home folder."""
    if "MPLCONFIGDIR" not in os.environ:
        import atexit
        import shutil
        import tempfile

        folder = tempfile.mkdtemp(prefix="lstm-")
        os.environ["MPLCONFIGDIR"] = folder
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
