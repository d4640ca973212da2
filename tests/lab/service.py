"""`provisioner serve` as a child process, spoken to as any client would: over its API."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import requests

from tests.lab.alone import processes, remove_guests
from tests.lab.networks import HTTP_PORT, Lan, virsh
from tests.lab.waiting import free_port

T = TypeVar("T")
UP = " login:"
"""What the tiny system prints on the serial line at each boot from disk, and nothing before it does."""
FINAL = ("installed", "failed", "cancelled")


def until(question: Callable[[], T | None], seconds: float, what: str, pause: float = 0.2) -> T:
    """The first true answer; an error naming `what` was waited for after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := question():
            return answer
        time.sleep(pause)
    raise TimeoutError(f"{what}: not seen within {seconds} s")


class Service:
    """One service of its own on one network. `start` and `kill` may alternate; the state stays."""

    def __init__(self, state: Path, lan: Lan) -> None:
        self.lan = lan
        self.state = state
        self.log = state / f"serve-{lan.name}.log"
        self.child: subprocess.Popen[bytes] | None = None
        self.ready_after = 0.0
        settings = {
            "STATE_DIR": str(state),
            "INTERFACES": json.dumps([lan.device]),
            "HTTP_PORT": str(HTTP_PORT),
            "API_PORT": str(free_port()),
            "SYSLOG_PORT": str(free_port()),
            **lan.settings,
        }
        self.environment = os.environ | {f"PROVISIONER_{name}": value for name, value in settings.items()}
        self.environment["LC_ALL"] = "C"

    def start(self) -> None:
        (self.state / "api.json").unlink(missing_ok=True)
        # nsenter leaves /sys as it is: what the service reads there is libvirt's network, not its own.
        prefix = ["nsenter", f"--net=/run/netns/{self.lan.netns}"] if self.lan.netns else []
        begun = time.monotonic()
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(
                [*prefix, sys.executable, "-m", "provisioner", "serve"],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        until(self._ready, 30, "the service on /readyz", 0.05)
        self.ready_after = time.monotonic() - begun

    def _ready(self) -> bool:
        assert self.child is not None
        if self.child.poll() is not None:
            raise RuntimeError(f"the service ended with {self.child.returncode}:\n{self.tail()}")
        try:
            door = json.loads((self.state / "api.json").read_text())
            return requests.get(f"{door['url']}/readyz", timeout=2).status_code == 200
        except (OSError, ValueError):
            return False

    def kill(self) -> None:
        """kill -9 of the service's first process alone; its children must not outlive it."""
        assert self.child is not None
        self.child.kill()
        self.child.wait()
        until(lambda: not processes(self.state), 5, "the end of the killed service's children", 0.02)

    def stop(self) -> None:
        if self.child is None:
            return
        self.child.terminate()
        try:
            self.child.wait(20)
        finally:
            for pid in processes(self.state):
                os.kill(pid, signal.SIGKILL)

    def tail(self, lines: int = 40) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    @property
    def door(self) -> tuple[str, dict[str, str]]:
        """The API's address, and the headers that it asks for."""
        door = json.loads((self.state / "api.json").read_text())
        headers = {"Authorization": f"Bearer {door['token']}", "Content-Type": "application/json"}
        return f"{door['url']}/api/v1", headers

    def call(self, method: str, path: str, body: object = None) -> Any:
        """The decoded answer of /api/v1; an answer of 400 or more is an error with its text."""
        answer = self._ask(method, path, body, 120)
        return answer.json() if answer.text else None

    def text(self, path: str) -> str:
        return self._ask("GET", path, None, 120).text

    def data(self, path: str) -> bytes:
        return self._ask("GET", path, None, 120).content

    def lines(self, path: str, body: object) -> list[dict[str, Any]]:
        """An answer to POST that tells something as it goes, a JSON object a line."""
        return [json.loads(line) for line in self._ask("POST", path, body, 600).text.splitlines()]

    def _ask(self, method: str, path: str, body: object, seconds: float) -> requests.Response:
        url, headers = self.door
        answer = requests.request(method, url + path, json=body, headers=headers, timeout=seconds)
        if answer.status_code >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer

    def build_image(self, name: str, *, tune: bool = True) -> None:
        """Reads the progress lines of an image build up to the image, or its error."""
        told = self.lines("/images", {"name": name, "tune": tune})
        assert "image" in told[-1], f"{told}\n{self.tail()}"

    def have_image(self, name: str) -> None:
        """Builds it where it is not there yet."""
        if name not in [image["name"] for image in self.call("GET", "/images")]:
            self.build_image(name)

    def have_mini(self) -> Path:
        """The mini installer's tree, which is built beside the first requests."""
        place = self.state / "trees/mini"
        until((place / ".treeinfo").is_file, 300, "the mini installer's tree")
        return place

    def create(self, name: str, **wishes: object) -> dict[str, Any]:
        body = {"name": name, "profile": "tiny", "networks": [self.lan.nic], **wishes}
        created: dict[str, Any] = self.call("POST", "/guests", body)
        return created

    def install(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.call("GET", f"/installs/{name}")
        return found

    def events(self, name: str) -> list[dict[str, Any]]:
        listing = self.call("GET", f"/installs/{name}/events")
        return list(listing["events"] if isinstance(listing, dict) else listing)

    def kinds(self, name: str) -> list[str]:
        return [event["kind"] for event in self.events(name)]

    def wait(self, name: str, seconds: float, *kinds: str) -> None:
        """Until the install is installed and each of `kinds` was seen. Any other end is an error."""

        def there() -> bool:
            stage = self.install(name)["stage"]
            if stage in FINAL and stage != "installed":
                raise AssertionError(f"{name} ended {stage}\n{self.story(name)}")
            return stage == "installed" and set(kinds) <= set(self.kinds(name))

        try:
            until(there, seconds, f"{name} installed, with {', '.join(kinds) or 'nothing more'}", 0.5)
        except TimeoutError as error:
            raise AssertionError(f"{error}\n{self.story(name)}") from None

    def wait_for(self, name: str, kind: str, seconds: float) -> None:
        try:
            until(lambda: kind in self.kinds(name), seconds, f"{name}: {kind}", 0.05)
        except TimeoutError as error:
            raise AssertionError(f"{error}\n{self.story(name)}") from None

    def serial(self, name: str) -> Path:
        """The file that the guest's serial line is written to, as its domain names it."""
        xml = virsh("dumpxml", name)
        return Path(re.findall(r"<log file='([^']+)'", xml)[0])

    def boots(self, name: str) -> int:
        """How often the tiny system came up from the guest's disk."""
        try:
            return self.serial(name).read_text(errors="replace").count(UP)
        except OSError:
            return 0

    def timeline(self, name: str) -> str:
        """Its events, one a line."""
        rows = self.events(name)
        return "\n".join(f"{e['at']} {e['source']:8} {e['kind']:16} {e['text']}" for e in rows)

    def fetched(self, name: str) -> dict[str, int]:
        """The loaders that were sent to it whole, in order: name and bytes."""
        sent = [event["data"] for event in self.events(name) if event["kind"] == "loader.sent"]
        return {data["file"]: data["bytes"] for data in sent}

    def story(self, name: str) -> str:
        """Everything known of an install, for the report of a failed test."""
        try:
            serial = self.serial(name).read_text(errors="replace").splitlines()[-40:]
        except (OSError, RuntimeError, IndexError) as error:
            serial = [str(error)]
        return "\n".join(
            ["-- events", self.timeline(name), "-- serial", *serial, "-- service", self.tail(20)]
        )


@contextmanager
def serving(state: Path, lan: Lan) -> Iterator[Service]:
    """A service that is up; it stops, and every guest of the lab goes, however the block ends."""
    service = Service(state, lan)
    try:
        service.start()
        yield service
    finally:
        service.stop()
        remove_guests()
