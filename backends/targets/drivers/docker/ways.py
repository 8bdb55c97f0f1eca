"""The roads to a Docker engine, for the form that attaches one."""

from collections.abc import Mapping

from backends.engines.addresses import SETTINGS, contexts, resolve
from backends.errors import InvalidInput
from backends.targets.ways import Setting, Way

_CA = Setting(name="ca", help="PEM file of the authority that signed its certificate", path=True)
_CERTIFICATE = Setting(
    name="certificate", help="PEM file with which this machine shows who it is", path=True
)
_KEY = Setting(name="key", help="PEM file of that certificate's private key", path=True)
_FORCED = Setting(
    name="forced",
    help="Plain HTTP to another machine: whoever sees or reaches it is root there",
    choices=("false", "true"),
)


_USUAL = Way(
    name="usual",
    title="as docker does",
    help="DOCKER_HOST, the current context or this machine's socket: what `docker` uses.",
)
_SOCKET = Way(
    name="socket",
    title="socket",
    help="An engine of this machine, Docker or Podman, by its socket.",
    settings=(
        Setting(
            name="url",
            help="Path of the socket",
            required=True,
            example="/var/run/docker.sock",
            path=True,
        ),
    ),
)
_TCP = Way(
    name="tcp",
    title="TCP with TLS",
    help="An engine of another machine that speaks TLS.",
    settings=(
        Setting(
            name="url",
            help="Its address; 2376 is the usual port",
            required=True,
            example="tcp://edge-gw:2376",
        ),
        _CA,
        _CERTIFICATE,
        _KEY,
        _FORCED,
    ),
)
_SSH = Way(
    name="ssh",
    title="ssh",
    help="An engine of another machine through this machine's ssh, its agent and hosts.",
    settings=(
        Setting(name="url", help="User and host", required=True, example="ssh://ops@edge-gw"),
        Setting(name="ssh_config", help="A file in the place of ~/.ssh/config", path=True),
    ),
)


def ways() -> tuple[Way, ...]:
    """All roads; contexts only where this machine has some."""
    known = tuple(context.name for context in contexts())
    return (_USUAL, _SOCKET, *((_by_context(known),) if known else ()), _TCP, _SSH)


def check(settings: Mapping[str, str]) -> None:
    """See whether they can name an engine; nothing is connected.

    Raises:
        InvalidInput: a setting is not known or cannot be used.
        NotFound: there is no such context.
        Refused: it is plain HTTP to another machine and that was not forced.
    """
    for name in settings:
        if name not in SETTINGS:
            raise InvalidInput(
                f"A Docker engine has no setting '{name}'.",
                fix=f"Settings: {', '.join(SETTINGS)}.",
            )
    resolve(settings)


def _by_context(known: tuple[str, ...]) -> Way:
    return Way(
        name="context",
        title="Docker context",
        help="An engine that the Docker command line knows by name.",
        settings=(
            Setting(
                name="context", help="As `docker context ls` names it", required=True, choices=known
            ),
        ),
    )
