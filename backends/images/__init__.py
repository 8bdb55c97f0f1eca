"""Environments and the bundle that a service runs from."""
