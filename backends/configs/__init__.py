"""The users' config files: parse, validate, explain, emit."""
