"""Stands here so that tests in every folder can import `small_data`."""
