"""The maker needs scikit-learn, which the project itself does not: skipped where it is missing."""

from pathlib import Path

import pytest

from backends.demo.manifest import FOLDER

pytest.importorskip("sklearn")


def test_two_runs_write_the_same_bytes_and_the_shipped_manifest(tmp_path: Path) -> None:
    from backends.demo.make import main

    main(tmp_path / "one")
    main(tmp_path / "two")
    made = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.*"))
    assert made
    for path in made:
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "two" / path).read_bytes()
    manifest = (tmp_path / "one/manifest.json").read_text(encoding="utf-8")
    assert manifest == (FOLDER / "manifest.json").read_text(encoding="utf-8")
