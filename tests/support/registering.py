"""Registering from processes of their own: several at once, or one that is killed."""

import sys
from pathlib import Path

from backends.database import Database
from backends.registry.records import Registration
from backends.registry.registry import Registry


def open_registry(root: Path) -> Registry:
    """The registry of a workspace's folder."""
    return Registry(root, Database(root / "workspace.db"))


def stored_blobs(root: Path) -> set[str]:
    """Digests of the files in the store."""
    return {path.name for path in (root / "blobs" / "sha256").glob("??/*")}


def staged(root: Path) -> list[Path]:
    """What lies in the stage."""
    return list((root / "stage").iterdir())


def main(root: Path, name: str, model: Path, count: int) -> None:
    """Register `model` `count` times, saying each version as soon as it is there."""
    registry = open_registry(root)
    print("ready", flush=True)
    for _ in range(count):
        version = registry.register(Registration(name=name, path=str(model), tags={"by": "child"}))
        print(version.version, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
