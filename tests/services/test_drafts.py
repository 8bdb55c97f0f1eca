import stat
from pathlib import Path

import pytest
from msgspec.structs import replace

from backends.errors import Unavailable
from backends.services.drafts import Draft, Drafts

DRAFT = Draft(subject="digits:2", step="target", values={"entry_script": "score.py"}, saved=5.0)


def test_a_kept_draft_is_found_again_as_it_was(tmp_path: Path) -> None:
    Drafts(tmp_path).keep(DRAFT)
    assert Drafts(tmp_path).find("digits:2") == DRAFT
    assert Drafts(tmp_path).find("digits:1") is None


def test_keeping_again_replaces(tmp_path: Path) -> None:
    drafts = Drafts(tmp_path)
    drafts.keep(DRAFT)
    drafts.keep(replace(DRAFT, step="review"))
    assert [draft.step for draft in drafts.list()] == ["review"]


def test_drafts_are_listed_newest_first_and_a_discarded_one_is_gone(tmp_path: Path) -> None:
    drafts = Drafts(tmp_path)
    drafts.keep(DRAFT)
    drafts.keep(replace(DRAFT, subject="", saved=9.0))
    assert [draft.subject for draft in drafts.list()] == ["", "digits:2"]
    drafts.discard("")
    drafts.discard("")
    assert [draft.subject for draft in drafts.list()] == ["digits:2"]


@pytest.mark.parametrize("name", ["primary_key", "secondary_key", "registry_password"])
def test_a_secret_never_reaches_the_disk(tmp_path: Path, name: str) -> None:
    Drafts(tmp_path).keep(replace(DRAFT, values={name: "hunter2", "port": "80"}))
    (file,) = (tmp_path / "drafts").iterdir()
    assert "hunter2" not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    found = Drafts(tmp_path).find("digits:2")
    assert found is not None
    assert found.values == {"port": "80"}


@pytest.mark.parametrize("content", ["", "{", "[]", '{"values": 3}', '{"subject": "x"}', "\udcff"])
def test_a_broken_file_is_no_draft(tmp_path: Path, content: str) -> None:
    drafts = Drafts(tmp_path)
    drafts.keep(DRAFT)
    (file,) = (tmp_path / "drafts").iterdir()
    file.write_bytes(content.encode(errors="surrogateescape"))
    assert drafts.find("digits:2") is None
    assert drafts.list() == ()


def test_a_disk_that_does_not_take_it_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "drafts").write_text("in the way")
    with pytest.raises(Unavailable, match="could not be kept"):
        Drafts(tmp_path).keep(DRAFT)


def test_a_hostile_subject_stays_inside_the_folder(tmp_path: Path) -> None:
    Drafts(tmp_path / "root").keep(replace(DRAFT, subject="../../escape\0"))
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.parent for path in files] == [tmp_path / "root" / "drafts"]
