"""The model registry: versioned models as content-addressed blobs and an index in SQLite."""
