"""Export of classifiers: the torch model, its conversion, its metadata, and the sequences as arrays."""
