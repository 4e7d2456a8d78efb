"""Media types of request bodies and answers."""

CSV, JSON, PARQUET = MEDIA_TYPES = ("text/csv", "application/json", "application/vnd.apache.parquet")
