"""Services as containers of a Docker engine: near, over TLS or over ssh; Podman's as well."""

from backends.targets.drivers.docker.driver import DockerDriver

__all__ = ["DockerDriver"]
