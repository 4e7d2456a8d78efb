"""Numbers of a file: formats and units, the parser of cells, doubtful numbers, and decimals."""
