"""The router: one address in front of a service's replicas."""
