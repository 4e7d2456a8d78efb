"""Python API: the verbs as functions and methods. `lstm_cli/__init__.py` has its public names."""
