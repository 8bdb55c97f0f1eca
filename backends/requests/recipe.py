"""A request as a command line that sends the same."""

import shlex

from backends.requests.records import Request


def as_curl(request: Request, *, auth: bool) -> str:
    """`curl …`; the key stands as `$KEY`, to be filled in by who runs it."""
    words = ["curl", "-sS", "-X", request.method, request.url]
    for name, value in {"Content-Type": "application/json", **request.headers}.items():
        words += ["-H", f"{name}: {value}"]
    line = shlex.join([*words, "--data-binary", request.body])
    return f'{line} -H "Authorization: Bearer $KEY"' if auth else line


def as_command(request: Request, workspace: str) -> str:
    """`pilothouse service run …`, which finds address and key by itself."""
    words = ["pilothouse", "service", "run", "-n", request.service, "-d", request.body]
    return shlex.join([*words, "-w", workspace] if workspace != "default" else words)
