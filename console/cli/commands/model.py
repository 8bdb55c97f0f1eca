"""`pilothouse model`: the table of its commands."""

from types import MappingProxyType

from console.cli.lazy import LazyGroup, Row

_HERE = "console.cli.commands"

model = LazyGroup(
    "model",
    MappingProxyType(
        {
            "register": Row(f"{_HERE}.model_register:register", "Register a file or a folder."),
            "list": Row(f"{_HERE}.model_query:list_models", "List registered models."),
            "show": Row(f"{_HERE}.model_query:show", "Show one version."),
            "update": Row(f"{_HERE}.model_change:update", "Change tags, properties, description."),
            "delete": Row(f"{_HERE}.model_change:delete", "Delete a version that nothing uses."),
            "download": Row(
                f"{_HERE}.model_files:download", "Write a version's files to a folder."
            ),
            "verify": Row(f"{_HERE}.model_files:verify", "Hash the stored files again."),
            "deploy": Row(f"{_HERE}.model_deploy:deploy", "Deploy models as a web service."),
            "package": Row(
                f"{_HERE}.model_package:package", "Put models into an image or a Dockerfile."
            ),
        }
    ),
    help="Register, find and deploy models.",
)
