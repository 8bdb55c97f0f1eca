"""What happened in the workspace."""
