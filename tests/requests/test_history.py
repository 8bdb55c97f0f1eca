"""What is kept of requests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.database import Database
from backends.requests.history import KEPT, KEPT_BODY, History
from backends.requests.recipe import as_command, as_curl
from backends.requests.records import Answer, Request, Timing


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    database = Database(tmp_path / "workspace.db")
    yield History(database)
    database.close()


def _answer(body: bytes = b"[]", at: float = 1.0) -> Answer:
    return Answer(
        status=200,
        reason="OK",
        headers=(("a", "b"),),
        body=body,
        timing=Timing(total=2.5, run=1.0),
        request_id="7f3a",
        at=at,
    )


def test_exchanges_come_back_newest_first(history: History) -> None:
    """Whole, but for secrets."""
    for number in range(3):
        request = Request(service="s", url="http://x/score", body=str(number))
        history.add(request, _answer(at=number))
    recent = history.recent("s", 2)
    assert [exchange.request.body for exchange in recent] == ["2", "1"]
    assert recent[0].answer == _answer(at=2)
    assert history.recent("other") == ()


def test_secrets_are_never_kept(history: History, tmp_path: Path) -> None:
    """Not in the history, not in saved requests, nowhere in the file."""
    headers = {"Authorization": "Bearer s3cret", "X-API-Key": "s3cret", "Accept": "a/b"}
    request = Request(service="s", url="http://x", body="", headers=headers)
    history.add(request, _answer())
    history.save("mine", request)
    assert history.recent("s")[0].request.headers == {"Accept": "a/b"}
    stored = b"".join(p.read_bytes() for p in tmp_path.iterdir())
    assert b"s3cret" not in stored


def test_only_so_many_and_so_much_is_kept(history: History) -> None:
    """A console that is left open does not fill the disk."""
    request = Request(service="s", url="http://x", body="")
    for number in range(KEPT + 5):
        history.add(request, _answer(at=number))
    history.add(request, _answer(body=b"x" * (KEPT_BODY + 1), at=999))
    kept = history.recent("s", KEPT * 2)
    assert len(kept) == KEPT
    assert len(kept[0].answer.body) == KEPT_BODY


def test_saved_requests_are_found_by_service(history: History) -> None:
    """Saving again under the same name replaces."""
    history.save("b", Request(service="s", url="http://x", body="1"))
    history.save("a", Request(service="s", url="http://x", body="2"))
    history.save("b", Request(service="s", url="http://x", body="3"))
    assert [(name, r.body) for name, r in history.saved("s")] == [("a", "2"), ("b", "3")]


def test_recipes_quote_the_body_and_hide_the_key() -> None:
    """What is copied can be pasted into a shell."""
    request = Request(service="s", url="http://127.0.0.1:1/score", body='{"it\'s": 1}')
    curl = as_curl(request, auth=True)
    assert "$KEY" in curl
    assert """'{"it'"'"'s": 1}'""" in curl
    assert as_command(request, "default").startswith("pilothouse service run -n s -d ")
    assert as_command(request, "w2").endswith("-w w2")
