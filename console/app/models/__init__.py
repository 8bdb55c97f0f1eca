"""The models of the workspace."""
