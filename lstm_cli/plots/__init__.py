"""Plots from arrays to PNG; the only package that loads matplotlib."""
