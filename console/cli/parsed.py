"""What the command line does with a parsed config: warnings are noted, errors raised."""

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from backends.configs.records import Parsed
    from console.cli.context import Session

Config = TypeVar("Config")


def checked(session: "Session", parsed: "Parsed[Config]") -> Config:
    """The parsed config; its warnings are noted.

    Raises:
        InvalidInput: it has errors; when there are several all of them are in the detail.
    """
    from backends.configs.records import Severity
    from backends.errors import InvalidInput

    for problem in parsed.problems:
        if problem.severity is Severity.WARNING:
            session.say(str(problem))
    errors = parsed.errors
    if errors or parsed.config is None:
        several = len(errors) > 1
        allowed = errors[0].allowed if errors else ""
        raise InvalidInput(
            f"{errors[0].file} has {len(errors)} errors." if several else str(errors[0]),
            fix="Correct all of them." if several else f"Allowed: {allowed or 'see --help'}.",
            detail="\n".join(map(str, errors)) if several else "",
        )
    return parsed.config
