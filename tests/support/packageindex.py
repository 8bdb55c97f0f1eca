"""A private package index on loopback that asks for a name and a password (PEP 503)."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

USER = "purser"


@contextmanager
def package_index(wheels: Path, password: str) -> Iterator[str]:
    """Its address with name and password; it serves the wheels of a folder."""
    wanted = "Basic " + base64.b64encode(f"{USER}:{password}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.headers.get("Authorization") != wanted:
                self.answer(401, b"")
            elif self.path.endswith(".whl"):
                self.answer(200, (wheels / Path(self.path).name).read_bytes())
            else:
                name = self.path.rstrip("/").rpartition("/")[2]
                found = sorted(path.name for path in wheels.glob(f"{name}-*.whl"))
                links = "".join(f'<a href="/files/{one}">{one}</a>' for one in found)
                self.answer(200 if found else 404, f"<html>{links}</html>".encode())

        def do_HEAD(self) -> None:
            self.do_GET()

        def answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            if status == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="harbour"')
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_request(self, code: object = "-", size: object = "-") -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://{USER}:{password}@127.0.0.1:{server.server_port}/simple/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
