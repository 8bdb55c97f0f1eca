"""`pilothouse service`: the table of its commands, and the documents' slip `service NAME`."""

from types import MappingProxyType

import click

from console.cli.lazy import Elsewhere, LazyGroup, Row

_HERE = "console.cli.commands"


class ServiceGroup(LazyGroup):
    """Takes `service NAME`, as one of Azure ML's pages writes it, for `service show -n NAME`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """A word that is no command, and not nearly one, is the name of a service."""
        word = args[0]
        if word.startswith("-") or self.get_command(ctx, word) or self.nearest(word):
            return super().resolve_command(ctx, args)
        click.echo(
            f"note: showing service '{word}'; to delete it: pilothouse service delete -n {word}",
            err=True,
        )
        return "show", self.get_command(ctx, "show"), ["-n", *args]


service = ServiceGroup(
    "service",
    MappingProxyType(
        {
            "list": Row(f"{_HERE}.service_query:list_services", "List services and their states."),
            "show": Row(f"{_HERE}.service_query:show", "Show one service."),
            "run": Row(f"{_HERE}.service_run:run", "Send a request and print the answer."),
            "update": Row(f"{_HERE}.service_update:update", "Change a service; the rest stays."),
            "rollback": Row(f"{_HERE}.service_update:rollback", "Bring an earlier revision back."),
            "delete": Row(f"{_HERE}.service_change:delete", "Delete a service."),
            "stop": Row(f"{_HERE}.service_change:stop", "Stop answering; all of it is kept."),
            "start": Row(f"{_HERE}.service_change:start", "Start a stopped service."),
            "scale": Row(f"{_HERE}.service_change:scale", "Change the number of replicas."),
            "exec": Row(f"{_HERE}.service_exec:exec_", "Open a shell beside it."),
            "wait": Row(f"{_HERE}.service_change:wait", "Wait until the state is final."),
            "get-logs": Row(f"{_HERE}.service_logs:get_logs", "Print or follow its log."),
            "events": Row(f"{_HERE}.service_query:events", "Print its timeline."),
            "get-keys": Row(f"{_HERE}.service_keys:get_keys", "Print both keys."),
            "regen-key": Row(f"{_HERE}.service_keys:regen_key", "Replace a key."),
        }
    ),
    help="Watch, call and change services.",
    elsewhere=MappingProxyType(
        {
            "get-access-token": Elsewhere(
                "Services here take keys, not Azure Active Directory tokens.",
                "Get a key with `pilothouse service get-keys -n NAME`; it is sent the same way.",
            )
        }
    ),
)
