"""The scoring server inside every deployment: a supervisor and its workers; ships alone."""
