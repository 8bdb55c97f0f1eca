"""Scripts that pull the ground from under their own worker: later requests are answered."""

from collections.abc import Callable, Iterator

import pytest

from tests.support.scoring_server import Server

Serve = Callable[..., Server]

SCRIPT = """
import builtins, gc, json, logging, os, resource, signal, socket, sys, threading, time, warnings
def init(): pass
def forget():
    for module in [name for name in sys.modules if name not in ("sys", "builtins")]:
        del sys.modules[module]
def fork():
    os.fork()
def fork_and_raise():
    if not os.fork(): raise ValueError("in the child")
def fork_and_stay():
    if not os.fork(): time.sleep(600)
def recursion():
    sys.setrecursionlimit(10 ** 9)
    nested = []
    for _ in range(10 ** 6): nested = [nested]
    return repr(nested)
def no_memory():
    limit = 400 * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    try: return len(bytearray(2 ** 31))
    except MemoryError: raise
def forever():
    threading.Thread(target=time.sleep, args=(600,)).start()
def patched():
    json.dumps = time.sleep = socket.socket = os.write = None
ORDERS = {
    "close everything": lambda: os.closerange(0, 1000),
    "close the streams": lambda: (os.close(1), os.close(2), print("lost"))[:2],
    "no stdout": lambda: setattr(sys, "stdout", None),
    "closed stdout": lambda: sys.stdout.close(),
    "no files": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3)),
    "no environment": lambda: os.environ.clear(),
    "elsewhere": lambda: os.chdir("/"),
    "no modules": forget,
    "no builtins": lambda: builtins.__dict__.pop("print") and None,
    "fork": fork,
    "fork and raise": fork_and_raise,
    "fork and stay": fork_and_stay,
    "recursion": recursion,
    "no memory": no_memory,
    "thread": forever,
    "patched": patched,
    "signals": lambda: [signal.signal(n, signal.SIG_IGN) for n in (15, 2, 17, 13)] and None,
    "stop": lambda: os.kill(os.getpid(), signal.SIGTERM),
    "pipe": lambda: os.kill(os.getpid(), signal.SIGPIPE),
    "alarm": lambda: signal.alarm(1) and None,
    "warnings": lambda: warnings.simplefilter("error"),
    "logging": lambda: logging.disable(logging.CRITICAL),
    "group": lambda: os.setpgid(0, 0) if os.getpgrp() != os.getpid() else None,
    "priority": lambda: os.nice(19) and None,
    "trace": lambda: sys.settrace(lambda *_: 1 / 0),
    "collector": lambda: gc.disable(),
    "exit": lambda: sys.exit(0),
    "exit in a thread": lambda: threading.Thread(target=sys.exit).start(),
    "lock": lambda: logging._acquireLock() if hasattr(logging, "_acquireLock") else None,
}
def run(data):
    order = data if data in ORDERS else None
    if order is not None: ORDERS[order]()
    return "done"
"""
ORDERS = [
    line.strip().split('"')[1]
    for line in SCRIPT.partition("ORDERS = {")[2].splitlines()
    if line.startswith('    "')
]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {"queue_wait_ms": 20_000, "scoring_timeout_ms": 10_000}
    server = Server(tmp_path_factory.mktemp("misuse"), SCRIPT, **settings).start()
    server.wait("Healthy")
    yield server
    assert server.stop() == 0
    server.close()


@pytest.mark.parametrize("order", ORDERS)
def test_the_next_requests_are_answered(shared: Server, order: str) -> None:
    first = shared.score(order.encode())
    assert first.status_code in (200, 500, 502, 504)
    after = [shared.score(b"fine").status_code for _ in range(6)]
    assert after.count(200) >= 4, after
    assert after[-1] == 200
    assert len(shared.status()["workers"]) == 1
