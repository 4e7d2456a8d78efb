"""ONNX graphs of the networks, one file per file of `models/`, each function beside the `forward` that it repeats.

A graph has only what a forecast needs: no dropout and no initial weights. Windows become rows [B, C, L] in `segment`
and steps [L, B, F] in the LSTMs, because ONNX has the time first.
"""
