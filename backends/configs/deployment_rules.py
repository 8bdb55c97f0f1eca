"""Rules that hold between the fields of a deployment config; every breach is reported."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from backends.configs.reader import Found
from backends.configs.records import ComputeType, Severity
from backends.configs.report import Report


class Rules:
    """Checks the values found against each other."""

    def __init__(self, found: Mapping[str, Found], report: Report) -> None:
        self._found = found
        self._report = report

    def value(self, path: str) -> Any:
        """Return a value; None where it is unsaid or wrong (and reported already)."""
        return self._found[path].value if path in self._found else None

    def wrong(self, path: str) -> bool:
        """A value was given that is no value; that is reported already."""
        return path in self._found and self._found[path].value is None

    def breach(
        self, path: str, message: str, allowed: str, severity: Severity = Severity.ERROR
    ) -> None:
        """Report a value that cannot stand beside the others."""
        found = self._found[path]
        field = found.field
        self._report.add(
            severity,
            f"{field.key} {message}.",
            file=found.file,
            line=found.line,
            key=field.key,
            found="hidden" if field.secret else str(found.value),
            allowed=allowed,
        )

    def at_most(self, lower: str, upper: str) -> None:
        """The one value is not above the other."""
        low, high = self.value(lower), self.value(upper)
        if low is not None and high is not None and low > high:
            key = self._found[lower].field.key
            self.breach(upper, f"is {high}, below {key}, which is {low}", f"at least {low}")

    def all_or_none(self, paths: Iterable[str], keys: Mapping[str, str]) -> None:
        """Where one is given, each is."""
        given = [path for path in paths if self.value(path)]
        missing = [keys[path] for path in paths if not (self.value(path) or self.wrong(path))]
        if given and missing:
            self.breach(given[0], f"needs {' and '.join(missing)} too", "all of them, or none")


def check(kind: ComputeType, found: Mapping[str, Found], report: Report) -> None:
    """Report every breach of the rules of a compute type."""
    rules = Rules(found, report)
    for rule in _RULES[kind]:
        rule(rules)


def _limits(rules: Rules) -> None:
    rules.at_most("resources.cpu", "resources.cpu_limit")
    rules.at_most("resources.memory_gb", "resources.memory_gb_limit")


def _autoscale(rules: Rules) -> None:
    enabled, replicas = rules.value("autoscale.enabled"), rules.value("replicas")
    if enabled and replicas:
        rules.breach(
            "replicas",
            "cannot be given while autoScaler.autoscaleEnabled is true",
            "either a fixed number of replicas or autoscaling",
        )
    if enabled is False and not replicas:
        rules.breach(
            "autoscale.enabled", "is false, so numReplicas is needed", "false with numReplicas"
        )
    rules.at_most("autoscale.min_replicas", "autoscale.max_replicas")
    if not enabled and not rules.wrong("autoscale.enabled"):
        _scaling_without_autoscale(rules)


def _scaling_without_autoscale(rules: Rules) -> None:
    for name in ("min_replicas", "max_replicas", "refresh_seconds", "target_utilization"):
        if rules.value(f"autoscale.{name}") is not None:
            rules.breach(
                f"autoscale.{name}",
                "has a meaning only when autoScaler.autoscaleEnabled is true",
                "autoscaleEnabled: true beside it",
            )


def _one_way_in(rules: Rules) -> None:
    if rules.value("auth_enabled") and rules.value("token_auth_enabled"):
        rules.breach(
            "token_auth_enabled",
            "cannot be true while authEnabled is true",
            "either keys or tokens",
        )


def _tls(rules: Rules) -> None:
    if not rules.value("tls.enabled"):
        return
    names = {"tls.certificate": "sslCertificate", "tls.key": "sslKey", "tls.cname": "cname"}
    missing = [key for path, key in names.items() if not (rules.value(path) or rules.wrong(path))]
    if missing:
        rules.breach(
            "tls.enabled",
            f"is true, so {' and '.join(missing)} must be given",
            "true with sslCertificate, sslKey and cname",
        )


def _vault(rules: Rules) -> None:
    keys = {"vault_base_url": "vaultBaseUrl", "key_name": "keyName", "key_version": "keyVersion"}
    rules.all_or_none(tuple(keys), keys)


def _network(rules: Rules) -> None:
    keys = {"vnet_name": "vnetName", "subnet_name": "subnetName"}
    rules.all_or_none(tuple(keys), keys)


def _aci_memory(rules: Rules) -> None:
    memory = rules.value("resources.memory_gb")
    if memory is not None and memory >= 48:
        rules.breach(
            "resources.memory_gb", "is more than ACI offers", "less than 48", Severity.WARNING
        )


def _modules(rules: Rules) -> None:
    needs = {"moduleName": "its name", "imageLocation": "its image"}
    _records(rules, "extra.externalModules", needs)


def _credentials(rules: Rules) -> None:
    needs = {"location": "the registry", "user": "its user", "password": "its password"}
    _records(rules, "extra.acrCredentials", needs)


def _records(rules: Rules, path: str, needs: Mapping[str, str]) -> None:
    """A list of mappings, each with the texts needed."""
    items = rules.value(path)
    if items is None:
        return
    if not isinstance(items, list):
        rules.breach(path, "must be a list", f"a list of mappings with {', '.join(needs)}")
        return
    for index, item in enumerate(items):
        missing = [name for name in needs if not _said(item, name)]
        if missing:
            rules.breach(
                path,
                f"[{index}] lacks {' and '.join(missing)} (text)",
                f"{', '.join(needs)} in each",
            )


def _said(item: object, name: str) -> bool:
    value = item.get(name) if isinstance(item, Mapping) else None
    return isinstance(value, str) and bool(value.strip())


def _sections(rules: Rules) -> None:
    for name in ("createOptions", "environmentVariables", "propertiesDesired"):
        path = f"extra.amlModule.{name}"
        value = rules.value(path)
        if value is not None and not isinstance(value, Mapping):
            rules.breach(path, "must be a mapping", "a mapping")


_RULES: Mapping[ComputeType, tuple[Callable[[Rules], None], ...]] = {
    ComputeType.PROCESS: (_limits,),
    ComputeType.LOCAL: (),
    ComputeType.ACI: (_tls, _vault, _network, _aci_memory),
    ComputeType.AKS: (_limits, _autoscale, _one_way_in),
    ComputeType.IOT: (_sections, _modules, _credentials),
}
