"""`pilothouse-control`: asks the supervisor beside it, for a driver that runs containers.

    pilothouse-control [--launch FILE] health            exit code 0: send requests
    pilothouse-control [--launch FILE] watch             statuses, until standard input ends
    pilothouse-control [--launch FILE] '{"op": …}'       one request of the control protocol
    pilothouse-control [--launch FILE] move FROM TO      a file takes another's place at once
    pilothouse-control [--launch FILE] keep FOLDER NAME...   all else in the folder is removed

FILE is by default `/var/pilothouse/launch.json`; relative paths start from its folder.
"""

import json
import os
import select
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LAUNCH = "/var/pilothouse/launch.json"
_START_SECONDS = 20.0
"""How long a supervisor that starts is waited for."""
_ANSWER_SECONDS = 10.0
_PIECE = 65536


def main() -> None:
    """Do what the command line says; ends the process with its exit code."""
    arguments = sys.argv[1:]
    file = LAUNCH
    if len(arguments) >= 2 and arguments[0] == "--launch":
        file, arguments = arguments[1], arguments[2:]
    try:
        sys.exit(_run(Path(file).absolute(), arguments))
    except BrokenPipeError:
        os._exit(0)  # nobody listens: not even the flush at the end is of use
    except (OSError, ValueError) as error:
        sys.exit(f"pilothouse-control: {error}")


def _run(file: Path, arguments: "Sequence[str]") -> int:
    match arguments:
        case ["health"]:
            return _health(json.loads(file.read_bytes()))
        case ["watch"]:
            return _watch(_connect(file, _START_SECONDS))
        case ["move", origin, target]:
            (file.parent / origin).replace(file.parent / target)
            return 0
        case ["keep", folder, *names]:
            _keep(file.parent / folder, names)
            return 0
        case [request]:
            return _ask(_connect(file, 0.0), json.dumps(json.loads(request)))
    sys.stderr.write(f"{__doc__}\n")
    return 2


def _health(launch: "dict[str, object]") -> int:
    """Ask the readiness page on this machine's own address."""
    scheme = "https" if launch.get("tls_certificate") else "http"
    with _call(scheme, int(str(launch.get("port") or 0))) as connection:
        connection.sendall(b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n")
        answer = b""
        while piece := connection.recv(_PIECE):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    sys.stdout.write(body.decode("utf-8", errors="replace")[:4000])
    return 0 if b" 200 " in head.split(b"\r\n", 1)[0] + b" " else 1


def _call(scheme: str, port: int) -> socket.socket:
    plain = socket.create_connection(("127.0.0.1", port), _ANSWER_SECONDS)
    if scheme == "http":
        return plain
    import ssl

    context = ssl.create_default_context()
    context.check_hostname = False  # it is this very machine
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(plain)


def _keep(folder: Path, names: "Sequence[str]") -> None:
    import shutil

    for entry in folder.iterdir() if folder.is_dir() else ():
        if entry.name not in names:
            shutil.rmtree(entry)


def _connect(file: Path, patience: float) -> socket.socket:
    """The supervisor's control socket; one that starts is waited for."""
    deadline = time.monotonic() + patience
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            path = json.loads(file.read_bytes())["control_socket"]
            connection.connect(str(file.parent / path))
        except OSError:
            connection.close()
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.02)
        else:
            return connection


def _ask(connection: socket.socket, request: str) -> int:
    connection.settimeout(_ANSWER_SECONDS)
    with connection, connection.makefile("rwb") as file:
        file.write(request.encode() + b"\n")
        file.flush()
        answer = file.readline().decode()
    sys.stdout.write(answer)
    return 0 if json.loads(answer).get("ok") else 1


def _watch(connection: socket.socket) -> int:
    """Copy statuses until the supervisor ends or whoever asked is gone."""
    with connection:
        connection.sendall(b'{"op":"watch"}\n')
        while True:
            readable, _, _ = select.select([connection.fileno(), 0], [], [])
            if 0 in readable and not os.read(0, _PIECE):
                return 0
            if connection.fileno() in readable:
                piece = connection.recv(_PIECE)
                if not piece:
                    return 0
                sys.stdout.buffer.write(piece)
                sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
