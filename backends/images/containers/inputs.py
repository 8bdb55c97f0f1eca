"""What a build is given and must not keep: index addresses, authorities, local packages.

It lies in a volume that only the build's containers mount, and that is removed when they end.
"""

import contextlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from urllib.parse import urlsplit

from backends.errors import InvalidInput
from backends.images.containers import names
from backends.images.containers.tars import Entry, folder_entries
from backends.images.environment import EnvironmentPlan
from backends.images.indexes import uv_environment

_FOR_PIP = {
    "UV_DEFAULT_INDEX": "PIP_INDEX_URL",
    "UV_INDEX_URL": "PIP_INDEX_URL",
    "UV_INDEX": "PIP_EXTRA_INDEX_URL",
    "UV_EXTRA_INDEX_URL": "PIP_EXTRA_INDEX_URL",
    "UV_INSECURE_HOST": "PIP_TRUSTED_HOST",
    "UV_NO_INDEX": "PIP_NO_INDEX",
    "UV_INDEX_STRATEGY": "",
    "UV_HTTP_TIMEOUT": "",
}
"""uv's variables that are passed on, and pip's for the same."""

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")
_AUTHORITIES = (
    "SSL_CERT_FILE",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "CONDA_SSL_VERIFY",
)
_QUIET = {
    "DEBIAN_FRONTEND": "noninteractive",
    "NO_COLOR": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_CACHE_DIR": "1",
    "PIP_PROGRESS_BAR": "off",
    "PIP_ROOT_USER_ACTION": "ignore",
    "UV_LINK_MODE": "copy",
    "UV_NO_PROGRESS": "1",
}
_PROGRAMS = ("__init__.py", "assemble.py", "finish.py", "install.py", "pythons.py", "run.py")
_START = b"""import runpy, sys
runpy.run_module("inside." + sys.argv.pop(1), run_name="__main__")
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Everything that is passed; its repr shows none of it."""

    variables: Mapping[str, str]
    authorities: bytes
    notes: tuple[str, ...]
    """What cannot be passed on, a sentence each."""

    def __repr__(self) -> str:
        """Addresses may hold passwords."""
        return "Inputs(••••)"

    @property
    def network(self) -> str:
        """The engine's own network where an index is named by a loopback address."""
        for value in self.variables.values():
            for word in re.split(r"[\s,]+", value):
                if _host(word) in {"localhost", "127.0.0.1", "::1"}:
                    return "host"
        return ""


def build_inputs(environ: Mapping[str, str] | None = None) -> Inputs:
    """This machine's settings for package indexes, proxies and authorities."""
    environ = os.environ if environ is None else environ
    known = uv_environment(environ)
    variables, notes = dict(_QUIET), []
    for name, pip_name in _FOR_PIP.items():
        here, passed = _split(known.get(name, ""))
        notes += [f"The package index {url} is a folder of this machine: not used." for url in here]
        if passed:
            variables[name] = passed
            variables |= {pip_name: passed} if pip_name else {}
    for name in _PROXIES:
        if value := environ.get(name) or environ.get(name.lower()):
            variables |= {name: value, name.lower(): value}
    authorities = _authorities(known)
    if authorities:
        variables |= dict.fromkeys(_AUTHORITIES, f"{names.INPUTS}/authorities.pem")
        variables["UV_SYSTEM_CERTS"] = "1"
    return Inputs(variables=variables, authorities=authorities, notes=tuple(notes))


def input_entries(inputs: Inputs, plan: EnvironmentPlan | None = None) -> Iterator[Entry]:
    """The members of the volume; without a plan those that any build has."""
    yield Entry(name="variables.json", data=json.dumps(dict(inputs.variables)).encode(), mode=0o444)
    if inputs.authorities:
        yield Entry(name="authorities.pem", data=inputs.authorities, mode=0o444)
    programs = resources.files("backends.images.containers.inside")
    for name in _PROGRAMS:
        yield Entry(name=f"inside/{name}", data=(programs / name).read_bytes(), mode=0o444)
    yield Entry(name="__main__.py", data=_START, mode=0o444)
    if plan is None:
        return
    lines, folders = localised(plan)
    yield Entry(name="requirements.txt", data="\n".join(lines).encode(), mode=0o444)
    if plan.container is not None and plan.container.conda:
        yield Entry(name="conda.yml", data=plan.container.conda.encode(), mode=0o444)
    for name, path in folders.items():
        yield from _local(name, path)


def job_entry(job: object, name: str = "job.json") -> Entry:
    """What `install.py` or `assemble.py` is asked for."""
    return Entry(name=name, data=json.dumps(job).encode(), mode=0o444)


def program(name: str, *arguments: str, python: str = names.PYTHON) -> tuple[str, ...]:
    """The command that runs one of the programs inside a build container."""
    return (python, "-E", "-s", names.INPUTS, name, *arguments)


def localised(plan: EnvironmentPlan) -> tuple[list[str], dict[str, Path]]:
    """The requirements file with paths of this machine as they are inside, and those paths."""
    found: dict[str, Path] = {}

    def inside(text: str) -> str:
        path = Path(text)
        name = f"local/{len(found)}/{path.name}"
        found[name] = path
        return f"{names.INPUTS}/{name}"

    lines = [_option(option, inside) for option in plan.pip_options]
    for requirement in plan.requirements:
        path, bracket, extras = requirement.partition("[")
        local = requirement.startswith("/")
        lines.append(f"{inside(path)}{bracket}{extras}" if local else requirement)
    return [line for line in lines if line], found


def _option(option: str, inside: Callable[[str], str]) -> str:
    name, _, value = option.partition(" ")
    if name in {"--pre", "--trusted-host"}:
        return ""  # flags of uv's own
    if name in {"--find-links", "--constraint"} and value.startswith("/"):
        return f"{name} {inside(value)}"
    return option


def _local(name: str, path: Path) -> Iterator[Entry]:
    if path.is_dir():
        yield Entry(name=name, mode=0o755)
        yield from folder_entries(path, f"{name}/")
    elif path.is_file():
        yield Entry(name=name, path=path)
    else:
        raise InvalidInput(
            f"The environment names {path}, which is not there.",
            fix="Correct that line of the conda file.",
        )


def _split(value: str) -> tuple[list[str], str]:
    """Addresses that only this machine has, and the rest."""
    words = value.split()
    here = [word for word in words if word.startswith(("file:", "/"))]
    return here, " ".join(word for word in words if word not in here)


def _authorities(known: Mapping[str, str]) -> bytes:
    for name in ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE"):
        with contextlib.suppress(OSError):
            if path := known.get(name):
                return Path(path).read_bytes()
    return b""


def _host(word: str) -> str:
    try:
        return urlsplit(word).hostname or ""
    except ValueError:
        return ""
