"""Flags that several service commands share."""

from typing import Any

import click

from console.cli.complete import complete_services


def service_name(command: Any) -> Any:
    """`-n/--name`, required."""
    return click.option(
        "-n", "--name", required=True, shell_complete=complete_services, help="The service."
    )(command)
