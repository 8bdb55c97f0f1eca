"""What speaks against a registration or an update, all of it at once."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from unicodedata import category

from backends.errors import InvalidInput, NotFound, Refused
from backends.registry.records import Registration
from backends.registry.sources import Found, path_problem
from backends.targets.records import Resources

NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9\-._]{0,254}")
"""Azure ML v1's rule for model names."""
NAMED = 5
"""Problems that the sentence itself names; the others are in the detail."""


def check(request: Registration, found: Found) -> None:
    """Raise with everything that is wrong with the request and its files.

    Raises:
        InvalidInput: a field or file is wrong.
        Refused: nothing is wrong but what is unsafe.
    """
    wrong = request_problems(request) + found.wrong
    _raise(f"{request.name or 'The model'} cannot be registered", wrong, found.unsafe)


def request_problems(request: Registration) -> list[str]:
    """What is wrong with the fields, files apart."""
    problems = []
    if not NAME.fullmatch(request.name):
        problems.append(
            f"the name {request.name!r} is not 1 to 255 letters, digits, '-', '.', '_', "
            "beginning with a letter or digit"
        )
    if request.framework_version and request.framework is None:
        problems.append("a framework version is given without a framework")
    texts = {
        "path": request.path,
        "description": request.description,
        "framework version": request.framework_version,
        "sample input": request.sample_input,
        "sample output": request.sample_output,
    }
    problems += text_problems(texts)
    problems += label_problems("tag", request.tags) + label_problems("property", request.properties)
    return problems + resource_problems(request.resources)


def text_problems(texts: Mapping[str, str | None]) -> list[str]:
    """Texts can be stored: no half characters, as of names that are not UTF-8."""
    given = {name: text for name, text in texts.items() if text is not None}
    return [
        f"the {name} is not UTF-8"
        for name, text in given.items()
        if any(category(letter) == "Cs" for letter in text)
    ]


def label_problems(kind: str, labels: Mapping[str, str]) -> list[str]:
    """Keys and values are text that can be shown and stored."""
    problems = [f"a {kind} has an empty name"] if "" in labels else []
    for key, value in labels.items():
        if not (_clean(key) and _clean(value)):
            problems.append(f"the {kind} {key!r} holds control characters or is not UTF-8")
    return problems


def resource_problems(resources: Resources) -> list[str]:
    """Amounts are more than nothing, or not given."""
    amounts = {
        "cpu": resources.cpu,
        "memory": resources.memory_gb,
        "gpu": resources.gpu,
        "cpu limit": resources.cpu_limit,
        "memory limit": resources.memory_gb_limit,
    }
    given = {name: amount for name, amount in amounts.items() if amount is not None}
    return [
        f"{name} is {amount}: it must be more than 0"
        for name, amount in given.items()
        if not 0 < amount < float("inf")
    ]


def raise_problems(what: str, problems: Sequence[str]) -> None:
    """Raise `InvalidInput` when there are any."""
    _raise(what, problems, ())


def locate(request: Registration, root: Path) -> Path:
    """Where the files of a registration are: a local path, or an asset of a run.

    Assets lie in `root/runs/<experiment>/<run id>/` (the newest run when no id is given), or
    below the current directory.

    Raises:
        NotFound: the asset is at none of these places.
    """
    if not (request.experiment or request.run_id):
        return Path(request.path).expanduser()
    places = [folder / request.path for folder in _run_folders(request, root)]
    places.append(Path.cwd() / request.path)
    parts = [request.path, request.experiment or "x", request.run_id or "x"]
    problems = [problem for part in parts if (problem := path_problem(part.removeprefix("./")))]
    raise_problems(f"{request.name} cannot be registered", problems)
    for place in places:
        if place.exists():
            return place
    looked = "\n".join(map(str, places))
    raise NotFound(
        f"The asset {request.path} of run {request.run_id or '(newest)'} of experiment "
        f"{request.experiment or '(any)'} was not found; looked at {', '.join(map(str, places))}.",
        fix="Put the run's outputs at one of these places, or register a local path.",
        detail=looked,
    )


def near(name: str, known: Sequence[str]) -> str:
    """A hint that names what may have been meant."""
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=3, cutoff=0.5)
    return f"Did you mean {' or '.join(close)}?" if close else "See the list of models."


def _run_folders(request: Registration, root: Path) -> list[Path]:
    runs = root / "runs"
    experiments = [runs / request.experiment] if request.experiment else sorted(runs.glob("*"))
    if request.run_id:
        return [experiment / request.run_id for experiment in experiments]
    folders = [run for experiment in experiments for run in experiment.glob("*") if run.is_dir()]
    newest = max(folders, key=lambda run: run.stat().st_mtime_ns, default=None)
    return [newest] if newest else [experiment / "(no run)" for experiment in experiments]


def _clean(text: str) -> bool:
    return not any(category(letter) in {"Cc", "Cs"} and letter not in "\n\t" for letter in text)


def _raise(what: str, wrong: Sequence[str], unsafe: Sequence[str]) -> None:
    problems = [*wrong, *unsafe]
    if not problems:
        return
    more = f"; and {len(problems) - NAMED} more" if len(problems) > NAMED else ""
    sentence = f"{what}: {'; '.join(problems[:NAMED])}{more}."
    kind = InvalidInput if wrong else Refused
    raise kind(sentence, fix=_fix(problems), detail="\n".join(problems))


def _fix(problems: Sequence[str]) -> str:
    what = "it" if len(problems) == 1 else "them"
    return f"Nothing was stored or changed; correct {what} and try again."
