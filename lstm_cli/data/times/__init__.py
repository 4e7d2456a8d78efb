"""Times: parsing, formats, frequency, and calendar features."""
