"""From a dataset to a forecast: the inputs, new data, bounds, and the output file."""
