"""Scores of text models."""
