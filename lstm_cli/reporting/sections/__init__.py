"""Sections of the page, in the order of the page."""
