import asyncio
import threading

import pytest

from console.app.shell.threads import Threads


async def test_a_call_runs_elsewhere_and_its_result_comes_back() -> None:
    threads = Threads("test", 1)
    assert await threads.run(threading.get_ident) != threading.get_ident()
    assert await threads.run(max, 1, 2) == 2


async def test_an_error_comes_back() -> None:
    with pytest.raises(ZeroDivisionError):
        await Threads("test", 1).run(lambda: 1 / 0)


async def test_one_thread_keeps_the_order() -> None:
    threads, seen = Threads("test", 1), list[int]()
    await asyncio.gather(*(threads.run(seen.append, number) for number in range(20)))
    assert seen == list(range(20))


async def test_a_call_that_hangs_leaves_the_others_and_the_end_alone() -> None:
    threads, gate = Threads("test", 2), threading.Event()
    stuck = asyncio.create_task(threads.run(gate.wait))
    await asyncio.sleep(0)
    assert await threads.run(lambda: "through") == "through"
    stuck.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stuck
    assert all(t.daemon for t in threading.enumerate() if t.name.startswith("test-"))
    gate.set()
