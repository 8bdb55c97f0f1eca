"""Certificates and keys for a test, made by the `openssl` program."""

import datetime as dt
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

CONFIG = """
[ca]
default_ca = own
[own]
database = {folder}/index
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = any
email_in_dn = no
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
[local]
subjectAltName = DNS:localhost,IP:127.0.0.1
"""


@dataclass(frozen=True, slots=True)
class Signed:
    """A certificate that signs itself, for localhost, and its key."""

    certificate: Path
    key: Path


def signed(folder: Path, name: str, *, days: int = 30) -> Signed:
    """Make one that ends in so many days; a negative number makes an expired one."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("the openssl program makes the certificates")
    work = folder / f"{name}-work"
    work.mkdir()
    (work / "index").write_text("", encoding="ascii")
    (work / "config").write_text(CONFIG.format(folder=work), encoding="ascii")
    config, key, certificate = work / "config", folder / f"{name}.key", folder / f"{name}.pem"
    run(program, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    key.chmod(0o600)
    request = work / "request"
    run(
        program,
        "req",
        "-new",
        "-key",
        key,
        "-subj",
        f"/CN={name}",
        "-out",
        request,
        "-config",
        config,
    )
    now = dt.datetime.now(dt.UTC)
    start, end = now - dt.timedelta(days=60), now + dt.timedelta(days=days)
    run(
        program, "ca", "-batch", "-notext", "-selfsign", "-config", config, "-extensions", "local",
        "-keyfile", key, "-in", request, "-out", certificate,
        "-startdate", f"{start:%Y%m%d%H%M%SZ}", "-enddate", f"{end:%Y%m%d%H%M%SZ}",
    )  # fmt: skip
    return Signed(certificate, key)


def encrypted(pair: Signed, path: Path) -> Path:
    """The same key behind a pass phrase."""
    program = shutil.which("openssl") or "openssl"
    run(program, "ec", "-in", pair.key, "-aes256", "-passout", "pass:secret", "-out", path)
    return path


def run(*words: object) -> None:
    """Run it, or tell what it said."""
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
