"""Containers of data files: compression, ZIP archives, hive folders, and formats that are refused by name."""
