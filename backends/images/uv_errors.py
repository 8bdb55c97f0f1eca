"""What uv says when it cannot build an environment, as one sentence and what to do."""

import re
import subprocess
import sys

from backends.errors import BuildFailed, PilothouseError, Unavailable
from backends.images.environment import EnvironmentPlan
from backends.images.indexes import pip_environment

_NETWORK = re.compile(
    r"error sending request|dns error|failed to (?:fetch|download)|connection (?:refused|reset)"
    r"|operation timed out|network is unreachable|certificate|tls handshake|request failed after"
    r"|network connectivity is disabled|network was disabled",
    re.IGNORECASE,
)
_NO_VERSION = re.compile(r"there is no version of (\S+?)((?:[<>=!~]=?|===).+?) and ", re.DOTALL)
_ONLY = re.compile(r"only (\S+?)(?:[<>=!~]=?|===)\S+ (?:is|are) available")
_NOT_FOUND = re.compile(r"(\S+) was not found in the (?:package registry|provided)")
_NO_WHEEL = re.compile(r"(\S+?)==(\S+) has no (?:usable wheels|wheels with a matching)")
_NOT_BUILT = re.compile(r"[Ff]ailed to (?:build|download and build|prepare) `([^`]+)`")
_SHOWN = 12


def build_error(output: list[str], plan: EnvironmentPlan) -> PilothouseError:
    """The error that a failed `uv pip install` stands for.

    Args:
        output: Its lines, oldest first.
        plan: What was to be built.
    """
    text = re.sub(r"\s+", " ", " ".join(output))
    detail = "\n".join(output[-200:])
    if unbuilt := _NOT_BUILT.search(text):
        return BuildFailed(
            f"{unbuilt[1]} has no ready-made build for Python {plan.python} and could not be built "
            f"here{_last_cause(output)}.",
            fix=_other_pin(unbuilt[1].split("==")[0], plan),
            detail=detail,
        )
    if _NETWORK.search(text):
        return Unavailable(
            f"The package index could not be reached: {_network_cause(output)}.",
            fix="Check network and proxy, then try again; `PIP_INDEX_URL` names another index.",
            detail=detail,
        )
    return _unsolved(output, text, plan, detail)


def versions(package: str, plan: EnvironmentPlan) -> tuple[str, ...]:
    """Versions of a package for the plan's Python, newest first; empty when they are not told.

    Blocking; asks the index through pip, which need not be installed.
    """
    command = [sys.executable, "-m", "pip", "index", "versions", package]
    command += ["--python-version", plan.python, "--disable-pip-version-check", "--retries", "1"]
    environ = pip_environment(plan.pip_options)
    try:
        answer = subprocess.run(
            command, env=environ, capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    listed = re.search(r"^Available versions: (.+)$", answer.stdout, re.MULTILINE)
    return tuple(listed[1].split(", ")) if listed else ()


def _unsolved(output: list[str], text: str, plan: EnvironmentPlan, detail: str) -> PilothouseError:
    if missing := _NOT_FOUND.search(text):
        return BuildFailed(
            f"The package index has no package '{missing[1]}'.",
            fix="Correct its name in the conda file, or name the index that has it "
            "(`--extra-index-url` in the pip section).",
            detail=detail,
        )
    unmet = _NO_VERSION.search(text) or _NO_WHEEL.search(text) or _ONLY.search(text)
    if unmet:
        name = unmet[1]
        asked = next((r for r in plan.requirements if _is_of(r, name)), name)
        return BuildFailed(
            f"{asked} cannot be met for Python {plan.python}{_listed(versions(name, plan))}.",
            fix=f"Change the pin of {name} in the conda file.",
            detail=detail,
        )
    cause = re.search(r"[Bb]ecause .*", text)
    if cause is None:
        said = next((line for line in reversed(output) if line.startswith("error: ")), "")
        return BuildFailed(
            "The environment could not be built: "
            f"{said[7:].rstrip('.') or 'uv failed'}{_last_cause(output)}.",
            fix="The build's last lines say more.",
            detail=detail,
        )
    return BuildFailed(
        f"The environment's requirements cannot be met together: {_shortened(cause[0])}",
        fix="Loosen or correct the pins that it names.",
        detail=detail,
    )


def _is_of(requirement: str, name: str) -> bool:
    own = re.match(r"[A-Za-z0-9._-]+", requirement)
    return own is not None and re.sub(r"[-_.]+", "-", own[0]).lower() == name.lower()


def _listed(found: tuple[str, ...]) -> str:
    if not found:
        return ""
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f"; available: {', '.join(found[:_SHOWN])}{more}"


def _other_pin(package: str, plan: EnvironmentPlan) -> str:
    found = versions(package, plan)
    some = f" ({', '.join(found[:4])})" if found else ""
    return (
        f"Pin a version of {package} that has builds for Python {plan.python}{some}, "
        "or an older Python."
    )


def _last_cause(output: list[str]) -> str:
    """The exception that a package's own build ended with."""
    found = [line.strip() for line in output if re.match(r"\s*\w*(?:Error|Exception): ", line)]
    return f": {found[-1].rstrip('.')[:200]}" if found else ""


def _network_cause(output: list[str]) -> str:
    found = [line for line in output if _NETWORK.search(line)] or output[-1:]
    return re.sub(r"^\s*(?:error|cause|Caused by):\s*", "", found[-1]).strip().rstrip(".")[:300]


def _shortened(text: str) -> str:
    return text if len(text) <= 400 else text[:400] + "…"
