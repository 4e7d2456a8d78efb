"""Arrays in, PNG out. The only place that loads matplotlib."""
