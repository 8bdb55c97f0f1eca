"""WebSockets to the API server, whose first byte of each frame is a channel."""

from typing import TYPE_CHECKING

from backends.errors import PilothouseError, Unauthorized, Unavailable
from backends.targets.drivers.kubernetes.api import Api
from backends.targets.drivers.kubernetes.failures import refused

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

CHANNELS = "v4.channel.k8s.io"
_OPEN_SECONDS = 10.0


async def connect(api: Api, what: str, path: str) -> "ClientConnection":
    """An open socket.

    Args:
        api: The cluster.
        what: Completes "The cluster could not …".
        path: With its query.

    Raises:
        PilothouseError: the server refused or could not be reached.
    """
    from websockets.asyncio.client import connect as open_socket
    from websockets.exceptions import InvalidStatus, WebSocketException

    access = await api.access()
    try:
        return await open_socket(
            f"ws{access.server.removeprefix('http')}{path}",
            ssl=access.tls,
            server_hostname=access.server_name or None,
            subprotocols=[CHANNELS],  # type: ignore[list-item]  # a NewType of str
            additional_headers=await api.headers(),
            proxy=access.proxy or None,
            open_timeout=_OPEN_SECONDS,
            max_size=None,
        )
    except InvalidStatus as error:
        answer = error.response
        raise _said(what, answer.status_code, bytes(answer.body or b""), access.context) from error
    except (OSError, WebSocketException, TimeoutError) as error:
        raise Unavailable(
            f"The cluster {access.context} could not {what}: {error or type(error).__name__}.",
            fix="Check that the cluster runs, and that proxies in between let WebSockets through.",
        ) from error


def _said(what: str, status: int, body: bytes, context: str) -> PilothouseError:
    found = refused(what, status, body, context)
    if status == 403 and not body:
        return Unauthorized(found.what, fix="Ask for get and create on pods/portforward and exec.")
    return found
