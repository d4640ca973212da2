"""`guest create` option by option, keys and passwords from files, the questions before a loss, and ssh."""

import os
import pty
import select
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from provisioner.cli import ssh
from provisioner.core.errors import Unavailable
from tests.unit.cli import fake
from tests.unit.cli.conftest import Provisioner
from tests.unit.cli.fake import GUEST, INSTALL, FakeService

NEW = {"install": INSTALL, "guest": GUEST, "plan": {**fake.PLAN, "warnings": []}}
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample me@here"
OPTIONS: list[tuple[str, dict[str, Any]]] = [
    ("--vcpus 2", {"vcpus": 2}),
    ("--disk size=8,pool=fast,format=raw", {"disks": ["size=8,pool=fast,format=raw"]}),
    ("--network bridge=br0", {"networks": ["bridge=br0"]}),
    ("-w type=direct,source=eth0", {"networks": ["type=direct,source=eth0"]}),
    ("--network default", {"networks": ["default"]}),
    ("--disk size=4 --disk size=8,bus=scsi", {"disks": ["size=4", "size=8,bus=scsi"]}),
    ("-w default -w user,model=e1000", {"networks": ["default", "user,model=e1000"]}),
    ("--pxe", {"method": "pxe"}),
    ("--import --disk vol=default/x", {"method": "import", "disks": ["vol=default/x"]}),
    ("-l http://mirror.example/el9", {"location": "http://mirror.example/el9"}),
    ("-l el9 --direct", {"location": "el9", "direct": True}),
    ("--cdrom /srv/dvd.iso", {"cdrom": "/srv/dvd.iso"}),
    ("--cloud-init --import", {"cloud_init": {}, "method": "import"}),
    ("--graphics vnc --cpu host-model", {"graphics": "vnc", "cpu": "host-model"}),
    ("--boot uefi,secure=on", {"boot": "uefi,secure=on"}),
    ("--noautoconsole --console none", {}),
    ("--mac 52-54-00-AA-BB-CC", {"mac": "52:54:00:aa:bb:cc"}),
    ("--uuid 11111111222243338444555555555555", {"uuid": "11111111-2222-4333-8444-555555555555"}),
    ("--boot uefi", {"boot": "uefi"}),
    ("--no-rom", {"rom": False}),
    ("-x quiet", {"extra_args": "quiet"}),
    ("--autostart", {"autostart": True}),
    ("--connect qemu+ssh://far/system", {"connect": "qemu+ssh://far/system"}),
]


@pytest.mark.parametrize(("words", "body"), OPTIONS, ids=[row[0] for row in OPTIONS])
def test_each_option_is_sent_and_nothing_else(
    service: FakeService, provisioner: Provisioner, words: str, body: dict[str, Any]
) -> None:
    service.replies = {"POST /guests": NEW}

    ran = provisioner("guest", "create", "web1", "-p", "tiny", *words.split())

    assert (ran.code, ran.err) == (0, "")
    assert service.last().body == {"name": "web1", "profile": "tiny", **body}


def test_dry_run_prints_plan_and_xml(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {"POST /guests": {"plan": fake.PLAN}}

    ran = provisioner("guest", "create", "web1", "-p", "tiny", "--dry-run")

    assert service.last().query == {"dry_run": "1"}
    assert (ran.code, ran.err) == (0, "warning: KVM was not proved to work: the guest is emulated\n")
    assert ran.out == (
        " 1  create volume web1-0f3c9a in pool default, 4.0 GiB\n"
        " 2  define domain web1\n"
        " 3  start domain web1\n"
        "\n"
        "<domain type='qemu'>\n  <name>web1</name>\n</domain>\n"
    )


def test_print_xml_prints_the_xml_alone(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {"POST /guests": {"plan": fake.PLAN}}

    ran = provisioner("guest", "create", "web1", "-p", "tiny", "--print-xml")

    assert service.last().query == {"dry_run": "1"}
    assert ran.out == fake.PLAN["xml"]


def test_keys_are_sent_and_their_private_half_is_remembered(
    service: FakeService, provisioner: Provisioner, tmp_path: Path
) -> None:
    public = tmp_path / "id_ed25519.pub"
    public.write_text(f"# mine\n{KEY}\n")
    (tmp_path / "id_ed25519").write_text("private")
    service.replies = {"POST /guests": NEW}

    ran = provisioner("guest", "create", "web1", "-p", "tiny", "--ssh-key", str(public))

    assert ran.code == 0
    assert service.last().body["ssh_keys"] == [KEY]
    line = ssh.command_line(GUEST, user="root", identity=None, state_dir=None)
    assert Path(line[line.index("-i") + 1]).resolve() == tmp_path / "id_ed25519"


KEYS = [
    ("-----BEGIN OPENSSH PRIVATE KEY-----\nx\n", "is a private key"),
    ("hello\n", "is not an OpenSSH public key"),
    ("", "is not an OpenSSH public key"),
    (None, "no such file"),
]


@pytest.mark.parametrize(("content", "said"), KEYS)
def test_what_is_no_public_key_is_refused(
    service: FakeService, provisioner: Provisioner, tmp_path: Path, content: str | None, said: str
) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_text(content)

    ran = provisioner("guest", "create", "web1", "-p", "tiny", "--ssh-key", str(path))

    assert (ran.code, service.asked) == (1, [])
    assert ran.err.startswith(f"error: --ssh-key {path}") and said in ran.err.splitlines()[0]


def test_only_the_hash_of_a_password_is_sent(
    service: FakeService, provisioner: Provisioner, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text("correct horse\n")
    service.replies = {"POST /guests": NEW}

    provisioner("guest", "create", "web1", "-p", "tiny", "--root-password-file", str(file))
    sent = service.last().body["root_password_hash"]
    provisioner("guest", "create", "web1", "-p", "tiny", "--root-password-file", "-", stdin=f"{sent}\n")

    assert sent.startswith("$6$") and "correct" not in sent
    assert service.last().body["root_password_hash"] == sent


def test_an_empty_password_is_refused(service: FakeService, provisioner: Provisioner, tmp_path: Path) -> None:
    ran = provisioner("guest", "create", "web1", "-p", "tiny", "--root-password-file", "-", stdin="\n")

    assert (ran.code, ran.err) == (1, "error: --root-password-file -: its first line is empty\n")


def test_show_tells_address_with_its_source_and_the_login(
    service: FakeService, provisioner: Provisioner
) -> None:
    service.replies = {"GET /guests/web1": GUEST}

    assert provisioner("guest", "show", "web1").out.splitlines() == [
        "name       web1",
        "uuid       11111111-2222-4333-8444-555555555555",
        "state      running",
        "owner      provisioner",
        "profile    debian12-image",
        "memory     1024 MiB",
        "vcpus      2",
        "autostart  no",
        "mac        52:54:00:00:00:01",
        "install    0f3c9a",
        "stage      installing",
        "address    192.168.90.57 (lease)",
        "login      provisioner guest ssh web1",
    ]


def on_a_terminal(service: FakeService, answer: str, *words: str) -> tuple[int, str]:
    """Runs the command on a terminal of its own and types `answer`; gives exit code and what was shown."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "provisioner", *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, **service.environment(), "NO_COLOR": "1"},
    )
    os.close(theirs)
    os.write(ours, answer.encode())
    shown = b""
    try:
        while select.select([ours], [], [], 20)[0]:
            shown += os.read(ours, 4096)
    except OSError:
        pass  # the terminal's other end was closed: the command is over
    finally:
        os.close(ours)
    return child.wait(20), shown.decode()


@pytest.mark.parametrize(("answer", "code", "asked"), [("y\n", 0, "DELETE"), ("n\n", 130, "GET")])
def test_delete_says_what_goes_and_asks(service: FakeService, answer: str, code: int, asked: str) -> None:
    removal = {"GET /guests/web1": GUEST, "GET /guests/web1/removal": fake.REMOVAL}
    service.replies = {**removal, "DELETE /guests/web1": {}}

    got, shown = on_a_terminal(service, answer, "guest", "delete", "web1")

    assert (got, service.last().method) == (code, asked)
    assert "volume web1-0f3c9a in pool default (4.3 GB, 1.2 GB taken)" in shown


def test_delete_without_a_terminal_is_refused(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {"GET /guests/web1": GUEST, "DELETE /guests/web1": {}}

    ran = provisioner("guest", "delete", "web1", stdin="y\n")

    assert (ran.code, service.asked) == (1, [])
    assert ran.err.splitlines()[1] == "remedy: repeat it with --yes"


def test_no_colour_where_it_is_not_wanted(service: FakeService) -> None:
    service.replies = {"GET /guests": [{**GUEST, "install": {**INSTALL, "stage": "installed"}}]}

    code, shown = on_a_terminal(service, "", "guest", "list")

    assert (code, "\x1b[" in shown) == (0, False)


def test_ssh_is_become_with_address_key_and_an_alias_of_the_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    kept = tmp_path / "service" / "ssh"
    kept.mkdir(parents=True)
    (kept / GUEST["uuid"]).write_text("private")

    line = ssh.command_line(GUEST, user="root", identity=None, state_dir=kept.parent, command=("uname", "-r"))

    assert line == [
        *("ssh", "-i", str(kept / GUEST["uuid"])),
        *("-o", f"UserKnownHostsFile={kept}/known_hosts"),
        *("-o", "HostKeyAlias=provisioner-0f3c9a"),
        *("-o", "StrictHostKeyChecking=accept-new"),
        *("-o", "LogLevel=ERROR"),
        *("root@192.168.90.57", "uname", "-r"),
    ]


def test_ssh_runs_what_it_is_given(service: FakeService, tmp_path: Path) -> None:
    service.replies = {"GET /guests/web1": GUEST}
    program = tmp_path / "ssh"
    program.write_text('#!/bin/sh\necho "$@"\nexit 7\n')
    program.chmod(0o755)
    environment = {**os.environ, **service.environment(), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    words = ["guest", "ssh", "web1", "-l", "admin", "--", "ls", "-l"]

    done = subprocess.run(
        [sys.executable, "-m", "provisioner", *words], env=environment, capture_output=True, text=True
    )

    assert (done.returncode, done.stderr) == (7, "")
    assert done.stdout.endswith("admin@192.168.90.57 ls -l\n")


def test_ssh_needs_an_address() -> None:
    with pytest.raises(Unavailable, match="no address of web1 is known yet"):
        ssh.command_line({**GUEST, "address": None}, user="root", identity=None, state_dir=None)


def test_profile_edit_opens_the_editor_with_toml(
    service: FakeService, provisioner: Provisioner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i "s/^memory = 2048/memory = 512/" "$1"\ntouch -d +5sec "$1"\n')
    editor.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(editor))
    service.replies = {"GET /profiles/mine": fake.PROFILE, "PUT /profiles/mine": {}}

    ran = provisioner("profile", "edit", "mine")

    assert ran.code == 0, ran.err
    assert service.last().body == {
        **{key: value for key, value in fake.PROFILE.items() if key != "shipped"},
        "memory": 512,
    }


def test_profile_edit_with_a_broken_file_names_the_line(
    service: FakeService, provisioner: Provisioner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\necho "memory = lots" >"$1"\ntouch -d +5sec "$1"\n')
    editor.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(editor))
    service.replies = {"GET /profiles/mine": fake.PROFILE}

    ran = provisioner("profile", "edit", "mine")

    assert (ran.code, service.last().method) == (1, "GET")
    assert ran.err.startswith("error: the edited profile mine is not TOML: ") and "line 1" in ran.err


def test_profile_create_from_a_file(service: FakeService, provisioner: Provisioner, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('family = "rhel"\ntree = "centos7"\ntemplate = "rhel/ks.cfg.j2"\nmemory = 2048\n')
    service.replies = {"POST /profiles": {}}

    ran = provisioner("profile", "create", "mine", "--file", str(file), "--memory", "512")

    assert ran.code == 0
    assert service.last().body == {
        "name": "mine",
        "family": "rhel",
        "tree": "centos7",
        "template": "rhel/ks.cfg.j2",
        "memory": 512,
    }
