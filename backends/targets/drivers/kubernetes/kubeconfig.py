"""Reads kubeconfig files: which server, what vouches for it, and who we are to it.

Client keys that the file holds itself are written to a private file for the moment in which the
TLS library reads them, which takes files only.
"""

import base64
import binascii
import os
import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from backends.errors import InvalidInput, NotFound, Unsupported
from backends.secrecy import repr_without

IN_CLUSTER = "in-cluster"
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class Access(Struct, frozen=True, kw_only=True):
    """How one cluster is reached."""

    server: str
    """`https://host:port`, without a trailing slash."""
    context: str
    """The context's name, for people."""
    tls: ssl.SSLContext | None
    """None for plain http."""
    server_name: str = ""
    """Name in the server's certificate where it is not the host."""
    proxy: str = ""
    namespace: str = ""
    """The context's; empty when it names none."""
    token: str = ""
    token_file: str = ""
    """Read again for every request: it is renewed on disk."""
    basic: str = ""
    """`user:password`."""
    exec: Mapping[str, Any] | None = None
    """A program that gives credentials (`users[].user.exec`)."""
    insecure: bool = False
    """The server's certificate is not checked."""
    note: str = ""
    """Why it is another context than was asked for."""

    def __repr__(self) -> str:
        """Leave out what is secret."""
        return repr_without(self, "token", "basic", "exec")


def read_access(kubeconfig: str, context: str) -> Access:
    """The access that a context describes (blocking).

    Args:
        kubeconfig: Files separated by `:`; empty is `$KUBECONFIG`, then `~/.kube/config`.
        context: Empty is the current one; `in-cluster` is the account of this pod.

    Raises:
        NotFound: no file or no such context is there.
        InvalidInput: a part of it is missing or wrong.
        Unsupported: it logs in by a way that Kubernetes dropped.
    """
    if context == IN_CLUSTER:
        return _in_cluster()
    files = kubeconfig or os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    merged = _merged(files)
    chosen = context or str(merged.get("current-context") or "")
    names = [str(entry.get("name")) for entry in merged["contexts"]]
    if chosen not in names:
        said = f"no context '{chosen}'" if chosen else "no current context"
        raise NotFound(
            f"{files} has {said} (there is: {', '.join(names) or 'none'}).",
            fix="Name one with `--set context=NAME`.",
        )
    part = _entry(merged, "contexts", chosen, "context")
    cluster = _entry(merged, "clusters", str(part.get("cluster")), "cluster")
    user = _entry(merged, "users", str(part.get("user")), "user") if part.get("user") else {}
    return _access(chosen, str(part.get("namespace") or ""), cluster, user)


def find_access(kubeconfig: str, context: str, guessed: str) -> Access:
    """The access of a context, else of the guessed one, else of the current one with a note.

    Args:
        kubeconfig: As for `read_access`.
        context: As for `read_access`.
        guessed: A context that may be there; empty guesses nothing.

    Raises:
        PilothouseError: as for `read_access`.
    """
    if context or not guessed:
        return read_access(kubeconfig, context)
    if guessed in context_names(kubeconfig):
        return read_access(kubeconfig, guessed)
    found = read_access(kubeconfig, "")
    return replace(found, note=f"no context '{guessed}' is there: the current one is used")


def context_names(kubeconfig: str) -> tuple[str, ...]:
    """Names of the contexts that files hold; none when there is no file (blocking)."""
    files = kubeconfig or os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    try:
        return tuple(str(entry.get("name")) for entry in _merged(files)["contexts"])
    except NotFound:
        return ()


def _access(
    name: str, namespace: str, cluster: Mapping[str, Any], user: Mapping[str, Any]
) -> Access:
    if user.get("auth-provider"):
        raise Unsupported(
            f"The context '{name}' logs in by an auth-provider, which Kubernetes dropped.",
            fix="Convert it to an exec plugin (for AKS: `kubelogin convert-kubeconfig`).",
        )
    server = str(cluster.get("server") or "").rstrip("/")
    if not server.startswith(("https://", "http://")):
        raise InvalidInput(
            f"The context '{name}' has no server address.", fix="Correct the kubeconfig."
        )
    insecure = bool(cluster.get("insecure-skip-tls-verify"))
    user_name, password = user.get("username"), user.get("password")
    return Access(
        server=server,
        context=name,
        tls=_tls(name, cluster, user, insecure) if server.startswith("https") else None,
        server_name=str(cluster.get("tls-server-name") or ""),
        proxy=str(cluster.get("proxy-url") or ""),
        namespace=namespace,
        token=str(user.get("token") or ""),
        token_file=str(user.get("tokenFile") or ""),
        basic=f"{user_name}:{password}" if user_name else "",
        exec=user.get("exec"),
        insecure=insecure,
    )


def _tls(
    name: str, cluster: Mapping[str, Any], user: Mapping[str, Any], insecure: bool
) -> ssl.SSLContext:
    try:
        authorities = _pem(cluster, "certificate-authority")
        found = ssl.create_default_context(cadata=authorities.decode() if authorities else None)
        found.verify_flags &= ~ssl.VERIFY_X509_STRICT  # self-made authorities lack extensions
        if insecure:
            found.check_hostname = False
            found.verify_mode = ssl.CERT_NONE
        certificate, key = _pem(user, "client-certificate"), _pem(user, "client-key")
        if certificate and key:
            load_client(found, certificate, key)
    except (OSError, ValueError, binascii.Error) as error:
        raise InvalidInput(
            f"A certificate or key of the context '{name}' cannot be used: {error}.",
            fix="Correct the kubeconfig, or fetch it anew.",
        ) from error
    return found


def load_client(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Have connections say who we are.

    Raises:
        OSError: the pair does not fit or cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="pilothouse-") as folder:  # mode 0700
        file = Path(folder) / "client.pem"
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as pem:
            pem.write(certificate + b"\n" + key)
        context.load_cert_chain(file)


def _pem(part: Mapping[str, Any], name: str) -> bytes:
    """What `<name>-data` holds, or the file that `<name>` names."""
    if data := part.get(f"{name}-data"):
        return base64.b64decode(str(data), validate=True)
    return Path(str(part[name])).read_bytes() if part.get(name) else b""


def _merged(files: str) -> dict[str, Any]:
    """Files as one, the first that names a thing wins; relative paths made absolute."""
    import yaml

    found: dict[str, Any] = {"contexts": [], "clusters": [], "users": []}
    read = 0
    for file in (Path(name).expanduser() for name in files.split(os.pathsep) if name):
        try:
            content = yaml.safe_load(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise InvalidInput(f"{file} cannot be read: {error}.", fix="Correct it.") from error
        if not isinstance(content, dict):
            raise InvalidInput(f"{file} is no kubeconfig.", fix="Name another file.")
        read += 1
        found.setdefault("current-context", content.get("current-context"))
        for section in ("contexts", "clusters", "users"):
            known = {str(entry.get("name")) for entry in found[section]}
            for entry in content.get(section) or []:
                if isinstance(entry, dict) and str(entry.get("name")) not in known:
                    found[section].append(_absolute(entry, section, file.parent))
    if not read:
        raise NotFound(
            f"There is no kubeconfig at {files}.",
            fix="Name one with `--set kubeconfig=FILE`, or set KUBECONFIG.",
        )
    return found


def _absolute(entry: dict[str, Any], section: str, folder: Path) -> dict[str, Any]:
    part = dict(entry.get(section.removesuffix("s")) or {})
    names = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
    part |= {name: str(folder / str(part[name])) for name in names if part.get(name)}
    return {"name": entry.get("name"), section.removesuffix("s"): part}


def _entry(merged: Mapping[str, Any], section: str, name: str, key: str) -> Mapping[str, Any]:
    for entry in merged[section]:
        if str(entry.get("name")) == name:
            part: Mapping[str, Any] = entry.get(key) or {}
            return part
    raise InvalidInput(
        f"The kubeconfig names the {key} '{name}', which it does not describe.",
        fix="Correct the kubeconfig, or fetch it anew.",
    )


def _in_cluster() -> Access:
    host, port = (
        os.environ.get("KUBERNETES_SERVICE_HOST"),
        os.environ.get("KUBERNETES_SERVICE_PORT", "443"),
    )
    if not host or not (ACCOUNT / "token").is_file():
        raise NotFound(
            "This process runs in no pod with an account of a cluster.",
            fix="Name a kubeconfig's context instead of `in-cluster`.",
        )
    host = f"[{host}]" if ":" in host else host
    return Access(
        server=f"https://{host}:{port}",
        context=IN_CLUSTER,
        tls=ssl.create_default_context(cafile=ACCOUNT / "ca.crt"),
        namespace=(ACCOUNT / "namespace").read_text(encoding="utf-8").strip(),
        token_file=str(ACCOUNT / "token"),
    )
