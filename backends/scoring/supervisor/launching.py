"""A launch file as it is run: with what the user's own `config.json` adds to it."""

import dataclasses
import os
from pathlib import Path

from backends.scoring.launch import Launch

from .compatible import applied
from .settings_files import NOTHING_SENT, PASSED_ON, SettingsError, read


def load(path: Path) -> tuple[Launch, list[str]]:
    """The launch, and what its starter should know.

    A `config.json` beside the script may belong to something else, so one that cannot be read is
    passed over; a limit of the launch file stands, whatever the user's file says.

    Raises:
        OSError: The launch file is not there.
        ValueError: It is no JSON.
        TypeError: It is no launch.
    """
    launch = Launch.load(path)
    root = path.parent / launch.app_root
    folders = [root, *([(root / launch.entry_script).parent] if launch.entry_script else [])]
    notes = []
    try:
        settings = read({**os.environ, **launch.variables}, None, tuple(folders))
    except SettingsError as error:
        notes.append(f"{error}; it is passed over")
    else:
        added = {name: settings.from_file[name] for name in PASSED_ON if name in settings.from_file}
        if added:
            notes.append(f"{settings.file} sets {', '.join(added)}")
            launch = dataclasses.replace(launch, variables={**added, **launch.variables})
    if launch.variables.get("AML_APP_INSIGHTS_ENABLED", "").lower() == "true":
        notes.append(NOTHING_SENT)
    return applied(launch), notes
