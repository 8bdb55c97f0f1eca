"""Docker engines: where they are, calls to them, raw streams from them, and ssh in between."""
