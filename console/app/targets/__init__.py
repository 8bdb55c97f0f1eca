"""The targets of the workspace."""
