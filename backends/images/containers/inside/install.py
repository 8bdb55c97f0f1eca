"""Installs an environment's packages into a base image; says at the end which Python has them.

Reads `job.json` beside this package; a line that begins with `RESULT` is for the caller.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from .pythons import Python, find_conda, find_pythons, version_of
from .run import variables

HERE = Path(__file__).parent.parent
CACHE = "/run/pilothouse-cache"
"""A volume that builds keep."""
ENVIRONMENT = "/opt/environment"
"""Where an environment of its own is made, when no Python of the base is to be used."""
RESULT = "pilothouse-result "
NO_PYTHON, NO_CONDA = 64, 65
"""Exit codes: the Python that is asked for is not to be had; conda failed."""


def main() -> None:
    """Do the job."""
    job = json.loads((HERE / "job.json").read_text())
    add_user(job["user_id"])
    python = choose(job)
    if job["requirements"]:
        install(python, job)
    result = {
        "interpreter": python.path,
        "version": python.version,
        "packages": packages(python),
        "folder": f"{ENVIRONMENT}/bin" if python.path.startswith(ENVIRONMENT) else "",
    }
    (HERE / "result.json").write_text(json.dumps(result))
    say(RESULT + json.dumps(result))


def choose(job: dict[str, Any]) -> Python:
    """The Python that gets the packages."""
    pythons = find_pythons()
    if job["interpreter"]:
        return user_managed(job["interpreter"], pythons)
    wanted = job["python"]
    fitting = [python for python in pythons if not wanted or python.minor == wanted]
    conda = find_conda()
    if conda and job["conda"] and (job["needs_conda"] or not fitting):
        return with_conda(conda, job)
    if job["needs_conda"]:
        say(f"without conda, these are left out: {', '.join(job['needs_conda'])}")
    if fitting:
        say(f"Python {fitting[0].version} of the base image: {fitting[0].path}")
        return fitting[0]
    own = job["own_python"]
    if version_of(own).startswith(f"{wanted}." if wanted else "3"):
        say(f"the base image has no Python {wanted or 'at all'}: the server's own is used")
        return environment_of(own, job)
    return fetched(wanted, pythons, job)


def user_managed(name: str, pythons: list[Python]) -> Python:
    """The interpreter that the user names, or the one that `python` means."""
    for python in pythons:
        if name in {python.path, Path(python.path).name, "python"}:
            return python
    if version := version_of(name):
        return Python(name, version)
    has = ", ".join(f"{python.path} ({python.version})" for python in pythons) or "no Python"
    say(f"error: the base image has no '{name}'; it has {has}")
    sys.exit(NO_PYTHON)


def environment_of(python: str, job: dict[str, Any]) -> Python:
    """A virtual environment of its own."""
    run([job["uv"], "venv", "--no-project", "--python", python, ENVIRONMENT])
    path = f"{ENVIRONMENT}/bin/python"
    return Python(path, version_of(path))


def fetched(wanted: str, pythons: list[Python], job: dict[str, Any]) -> Python:
    """A Python that uv brings, for a base that has another one only."""
    say(f"the base image has no Python {wanted}: asking uv to fetch it")
    target = ["--install-dir", "/opt/python", "--no-bin"]
    code = subprocess.run(
        [job["uv"], "python", "install", *target, wanted], env=environment(), check=False
    ).returncode
    found = [python for python in find_pythons() if python.minor == wanted]
    if code == 0 and found:
        return environment_of(found[0].path, job)
    has = ", ".join(sorted({python.minor for python in pythons})) or "no Python"
    say(f"error: Python {wanted} is not in the base image (it has {has}) and was not fetched")
    sys.exit(NO_PYTHON)


def with_conda(conda: str, job: dict[str, Any]) -> Python:
    """The conda file as it is, with the base's own conda."""
    say(f"conda of the base image: {conda}")
    command = [conda, "env", "create", "-p", ENVIRONMENT, "-f", str(HERE / "conda.yml")]
    if Path(conda).name == "micromamba":
        command = [conda, "create", "-y", "-p", ENVIRONMENT, "-f", str(HERE / "conda.yml")]
    environ = environment()
    if subprocess.run(command, env=environ, check=False).returncode:
        say("error: conda could not create the environment")
        sys.exit(NO_CONDA)
    job["requirements"] = False
    path = f"{ENVIRONMENT}/bin/python"
    return Python(path, version_of(path))


def install(python: Python, job: dict[str, Any]) -> None:
    """Install the requirements with uv."""
    command = [job["uv"], "pip", "install", "--python", python.path, "--break-system-packages"]
    if int(python.minor.partition(".")[2]) >= 7:  # uv's compiler needs it
        command.append("--compile-bytecode")
    run([*command, "-r", str(HERE / "requirements.txt"), *job["flags"]])


def packages(python: Python) -> list[str]:
    """`name==version` of all that the Python has."""
    job = json.loads((HERE / "job.json").read_text())
    answer = subprocess.run(
        [job["uv"], "pip", "list", "--python", python.path, "--format", "json"],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        return [f"{item['name']}=={item['version']}" for item in json.loads(answer.stdout)]
    except ValueError:
        return []


def run(command: list[str]) -> None:
    """Run it; its failure is ours."""
    code = subprocess.run(command, env=environment(), check=False).returncode
    if code:
        sys.exit(code)


def environment() -> dict[str, str]:
    """What uv and conda are run with."""
    return {**variables(HERE), "UV_CACHE_DIR": f"{CACHE}/uv", "CONDA_PKGS_DIRS": f"{CACHE}/conda"}


def add_user(number: int) -> None:
    """A name for the user that the server runs as: libraries ask for it."""
    users = Path("/etc/passwd")
    known = users.read_text() if users.exists() else "root:x:0:0:root:/root:/bin/sh\n"
    if f":x:{number}:" not in known:
        users.parent.mkdir(exist_ok=True)
        line = f"pilothouse:x:{number}:{number}:Pilothouse:/tmp:/sbin/nologin\n"
        users.write_text(known.rstrip("\n") + "\n" + line)


def say(text: str) -> None:
    """One line, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
