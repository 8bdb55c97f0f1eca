"""The front of the scoring server: socket, keys, limits, health, logs, and the workers' lives."""
