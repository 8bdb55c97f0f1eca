"""Requests to services: a payload from the schema, a timed answer, the history."""
