"""The scoring server inside every deployment: a supervisor and its workers; ships alone."""

VERSION = "0.1.0"
"""The project's version; stated here because reading package metadata slows the start."""
