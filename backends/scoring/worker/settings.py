"""What a worker does before it imports the script: the user's `logging.json`, and a debugger."""

import importlib
import json
import os

from . import output
from .failure import ScriptError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional

LOGGING_FILE = "logging.json"


def configure_logging(root: str, entry_script: "Optional[str]") -> None:
    """Apply the first `logging.json` of the app root and the script's folder.

    Its handlers for standard output and error write to the service's log, under the request's id.

    Raises:
        ScriptError: The file cannot be used.
    """
    folders = [root]
    if entry_script:
        folders.append(os.path.dirname(os.path.join(root, entry_script)))
    for folder in folders:
        path = os.path.join(folder, LOGGING_FILE)
        if not os.path.isfile(path):
            continue
        import logging.config

        try:
            with open(path, encoding="utf-8") as file:
                logging.config.dictConfig(json.load(file))
        except (OSError, ValueError, TypeError, AttributeError, ImportError) as error:
            raise ScriptError("{} cannot be used: {}".format(path, error))
        output.report("INFO", "Logging is configured by {}.".format(path))
        return


def wait_for_debugger() -> None:
    """Connect to the debugger that listens on `AZUREML_DEBUG_PORT`, where one is named.

    Raises:
        ScriptError: The environment has no debugpy, or the port is no number.
    """
    port = os.environ.get("AZUREML_DEBUG_PORT")
    if not port:
        return
    try:
        debugpy = importlib.import_module("debugpy")
    except ImportError:
        raise ScriptError(
            "AZUREML_DEBUG_PORT is set, but this environment has no debugpy. Add debugpy."
        )
    if not port.isdigit():
        raise ScriptError("AZUREML_DEBUG_PORT must be a port, not {!r}.".format(port))
    output.report("WARNING", "Waiting for the debugger on port {}.".format(port))
    debugpy.connect(int(port))
    debugpy.wait_for_client()
