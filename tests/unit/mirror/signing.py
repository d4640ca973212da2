"""Keys and signatures for tests, made by the real gpg in a folder of its own."""

import os
import subprocess
from pathlib import Path


class Signer:
    """One key. `folder` is removed by whoever gave it; `close` ends gpg's agent."""

    def __init__(self, folder: Path, name: str = "Archive") -> None:
        folder.mkdir(mode=0o700)
        self._folder = folder
        self._gpg(
            "--quick-gen-key", "--passphrase", "", f"{name} <{name}@example.org>", "ed25519", "sign", "never"
        )
        self.public = self._gpg("--armor", "--export").decode()
        listed = self._gpg("--with-colons", "--list-keys").decode()
        self.fingerprint = next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr"))

    def detached(self, data: bytes, *, armoured: bool = True) -> bytes:
        return self._gpg("--detach-sign", *(["--armor"] if armoured else []), data=data)

    def inline(self, data: bytes) -> bytes:
        return self._gpg("--clearsign", data=data)

    def close(self) -> None:
        subprocess.run(["gpgconf", "--homedir", self._folder, "--kill", "all"], check=False)

    def _gpg(self, *arguments: str, data: bytes = b"") -> bytes:
        done = subprocess.run(
            [
                "gpg",
                "--homedir",
                self._folder,
                "--batch",
                "--quiet",
                "--pinentry-mode",
                "loopback",
                *arguments,
            ],
            input=data,
            capture_output=True,
            check=True,
            env={**os.environ, "LC_ALL": "C"},
        )
        return done.stdout
