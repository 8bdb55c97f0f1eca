"""The way out has a deadline, whatever hangs."""

import subprocess
import sys

from console.app.shell.leaving import PATIENCE_SECONDS

STUCK = """
import signal, threading, time
from console.app.shell import leaving
gate = threading.Event()
threading.Thread(target=gate.wait).start()   # not a daemon: it would hold the interpreter
with leaving.orderly(lambda code: None) as hurry:
    print("ready", flush=True)
    {how}
    time.sleep(60)
"""


def ended(how: str) -> int:
    """Exit code of a process that is asked to end while it hangs."""
    done = subprocess.run(
        [sys.executable, "-c", STUCK.format(how=how)], capture_output=True, timeout=30, check=False
    )
    assert done.stdout == b"ready\n"
    return done.returncode


def test_an_end_from_inside_does_not_wait_for_what_hangs() -> None:
    assert PATIENCE_SECONDS < 1
    assert ended("hurry(0)") == 0


def test_signals_end_what_hangs_with_their_exit_code() -> None:
    assert ended("signal.raise_signal(signal.SIGTERM)") == 128 + 15
    assert ended("signal.raise_signal(signal.SIGHUP)") == 128 + 1


def test_what_ends_in_time_is_left_alone() -> None:
    code = STUCK.replace("threading.Thread", "# ").replace("time.sleep(60)", "")
    done = subprocess.run(
        [sys.executable, "-c", code.format(how="hurry(7)") + "\ntime.sleep(1.2)\nprint('after')"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "ready\nafter\n")
