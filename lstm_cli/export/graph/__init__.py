"""ONNX graphs of the networks: a file for each file of `models/`, with a function for each `forward`.

A graph has only what a forecast needs: no dropout and no initial weights. Names and order of the calculations are those
of the networks. In an LSTM the time is the first axis, [T, B, D], because the operator of ONNX reads it so.
"""
