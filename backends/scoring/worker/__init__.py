"""What runs a model in the user's interpreter: the standard library alone, CPython 3.6 or newer."""
