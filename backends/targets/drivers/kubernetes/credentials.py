"""Who we are to the API server: a header for each request, renewed when it runs out.

Exec plugins (`client.authentication.k8s.io`, v1 and v1beta1) run with their standard input closed
and their output captured: what they print would paint over the screen, what they ask nobody sees.
"""

import asyncio
import base64
import contextlib
import json
import os
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from backends.errors import Unauthorized
from backends.targets.drivers.kubernetes.kubeconfig import Access, load_client

PLUGIN_SECONDS = 60.0
_EARLY = 60.0
"""Seconds before its end at which a token is renewed."""


class Credentials:
    """The `Authorization` header of a cluster's requests."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._token = ""
        self._until = 0.0
        self._lock = asyncio.Lock()

    async def headers(self) -> dict[str, str]:
        """For one request.

        Raises:
            Unauthorized: the login program failed.
        """
        access = self._access
        if access.basic:
            return {"Authorization": f"Basic {base64.b64encode(access.basic.encode()).decode()}"}
        token = access.token
        if access.token_file:
            with contextlib.suppress(OSError):
                token = (await asyncio.to_thread(Path(access.token_file).read_text)).strip()
        if access.exec is not None:
            token = await self._executed(access.exec)
        return {"Authorization": f"Bearer {token}"} if token else {}

    def forget(self) -> None:
        """The server refused what we have: ask the login program anew."""
        self._until = 0.0

    async def _executed(self, plugin: Mapping[str, Any]) -> str:
        async with self._lock:
            if time.time() < self._until:
                return self._token
            status = await _run(plugin, self._access)
            certificate, key = status.get("clientCertificateData"), status.get("clientKeyData")
            if certificate and key and self._access.tls is not None:
                pair = str(certificate).encode(), str(key).encode()
                await asyncio.to_thread(load_client, self._access.tls, *pair)
            self._token = str(status.get("token") or "")
            self._until = _expiry(status.get("expirationTimestamp"))
            return self._token


async def _run(plugin: Mapping[str, Any], access: Access) -> Mapping[str, Any]:
    command = [str(plugin.get("command")), *map(str, plugin.get("args") or ())]
    version = str(plugin.get("apiVersion") or "client.authentication.k8s.io/v1")
    told = {"apiVersion": version, "kind": "ExecCredential", "spec": {"interactive": False}}
    extra = {str(one["name"]): str(one["value"]) for one in plugin.get("env") or ()}
    environ = {**os.environ, **extra, "KUBERNETES_EXEC_INFO": json.dumps(told)}
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environ,
            start_new_session=True,
        )
    except OSError as error:
        hint = str(plugin.get("installHint") or "Install it, or log in with another context.")
        raise Unauthorized(
            f"The login program {command[0]} of the context '{access.context}' cannot be run:"
            f" {error.strerror}.",
            fix=hint,
        ) from error
    try:
        async with asyncio.timeout(PLUGIN_SECONDS):
            out, err = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        out, err = b"", f"it did not end within {PLUGIN_SECONDS:g} s".encode()
    try:
        status = json.loads(out)["status"]
        assert isinstance(status, dict)
    except (ValueError, KeyError, TypeError, AssertionError):
        text = err.decode("utf-8", errors="replace").strip()
        raise Unauthorized(
            f"The login program {command[0]} gave no credentials:"
            f" {(text.splitlines() or ['it said nothing'])[-1]}.",
            fix=f"Run `{command[0]}` by hand in a terminal to log in, then try again.",
            detail=text,
        ) from None
    return status


def _expiry(text: object) -> float:
    """When a credential ends, seconds since the epoch; those without an end hold for long."""
    try:
        return datetime.fromisoformat(str(text)).timestamp() - _EARLY
    except ValueError:
        return float("inf") if not text else 0.0
