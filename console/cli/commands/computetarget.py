"""`pilothouse computetarget`: the table of its commands."""

from types import MappingProxyType

from console.cli.lazy import Elsewhere, LazyGroup, Row

_HERE = "console.cli.commands.targets"
_CLUSTERS = "Pilothouse deploys to clusters that exist; it does not create, change or delete them."

computetarget = LazyGroup(
    "computetarget",
    MappingProxyType(
        {
            "attach": Row(f"{_HERE}:attach", "Make a place to deploy to known."),
            "detach": Row(f"{_HERE}:detach", "Forget a target; what runs there goes on."),
            "default": Row(f"{_HERE}:default", "Deploy there where nothing else is said."),
            "list": Row(f"{_HERE}:list_targets", "List targets."),
            "show": Row(f"{_HERE}:show", "Show a target, what it has and what it can do."),
            "rbac": Row(
                "console.cli.commands.target_rights:rbac", "Print the Role that a cluster asks for."
            ),
        }
    ),
    help="Places to deploy to: this machine, Docker, Kubernetes …",
    elsewhere=MappingProxyType(
        {
            "create": Elsewhere(
                _CLUSTERS,
                "Create it with your cloud's own tool (for AKS: az aks create), then:"
                " pilothouse computetarget attach aks -n NAME.",
            ),
            "update": Elsewhere(_CLUSTERS, "Change it with your cloud's own tool (az aks update)."),
            "delete": Elsewhere(
                _CLUSTERS,
                "Forget it here: pilothouse computetarget detach -n NAME. Delete the cluster"
                " with your cloud's own tool (az aks delete).",
            ),
            "get-credentials": Elsewhere(
                "Credentials of clusters are kept by their own tools.",
                "For AKS: az aks get-credentials; kubectl and pilothouse then read the same file.",
            ),
        }
    ),
)
