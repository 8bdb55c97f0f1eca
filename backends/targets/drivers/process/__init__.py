"""Services as processes of this machine: the embedded default target."""

from backends.targets.drivers.process.driver import ProcessDriver

__all__ = ["ProcessDriver"]
