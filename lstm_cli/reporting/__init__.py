"""Report pages: facts and arrays of a run in, one HTML page or one Markdown comment out."""
