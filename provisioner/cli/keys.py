"""Secrets from files: public keys, and the hash of a password."""

from pathlib import Path

import click

from provisioner.core.errors import Invalid

_KINDS = ("ssh-", "ecdsa-", "sk-")


def public_keys(path: Path) -> list[str]:
    """The keys of an OpenSSH public key file. Raises Invalid, above all for a private key."""
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        raise Invalid(f"--ssh-key {path}: no such file", remedy="make a key with: ssh-keygen") from None
    except UnicodeDecodeError:
        raise Invalid(f"--ssh-key {path} is not an OpenSSH public key") from None
    if any("PRIVATE KEY" in line for line in lines):
        raise Invalid(f"--ssh-key {path} is a private key", remedy=f"give its public half: {path}.pub")
    keys = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not keys or not all(key.startswith(_KINDS) and len(key.split()) > 1 for key in keys):
        raise Invalid(f"--ssh-key {path} is not an OpenSSH public key")
    return keys


def password_hash(path: Path) -> str:
    """The `$6$` hash of the first line of a file; a line that is such a hash already is taken as it is."""
    with click.open_file(str(path)) as file:
        password = str(file.readline()).rstrip("\n")
    if not password:
        raise Invalid(f"--root-password-file {path}: its first line is empty")
    if password.startswith("$6$"):
        return password
    from provisioner.answers.secrets import hash_password

    return hash_password(password)
