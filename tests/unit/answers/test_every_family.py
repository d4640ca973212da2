"""One profile's variables in every family: whole texts, and what each format's own reader makes of them."""

import json
import re
import subprocess
import warnings
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from pykickstart.parser import KickstartParser
from pykickstart.version import makeVersion

from provisioner.answers.lint_preseed import logical_lines
from provisioner.answers.render import render
from provisioner.distros.detect import family
from tests.unit.answers.contexts import HASH, KEYS, context

GOLDENS = Path(__file__).parents[2] / "data/answers"
AUTOYAST = "{http://www.suse.com/1.0/yast2ns}"
# Whatever a shell, a kickstart, YAML, JSON, XML or debconf could take for its own.
AWKWARD = "Ann 'A' \"B\" $HOME ${x} `id` $(id) %end # ; & <b> \\ 漢字 🐧 é {{ x }} [y] *"
ALL: dict[str, object] = {
    "lang": "de_DE.UTF-8",
    "keyboard": "de",
    "timezone": "Europe/Berlin",
    "packages": ["tmux", "vim"],
    "root_password_hash": HASH,
    "ssh_keys": list(KEYS),
    "users": [
        {"name": "ann", "gecos": AWKWARD, "admin": True, "password_hash": HASH, "ssh_keys": list(KEYS)},
        {"name": "bob", "groups": ["audio"]},
    ],
    "repositories": [{"name": "extra", "url": "http://mirror.example/extra"}],
    "proxy": "http://proxy.example:3128",
    "append": 'quiet note="two words; $x % #"',
    "pre": "echo before\necho 'it is' \"$1\" \\\n  on",
    "post": f"echo '{AWKWARD.replace(chr(39), '')}' >/etc/motd\n# 漢字 🐧",
    "register": "subscribe --key 'a b;c' || exit 1",
}
STATIC: dict[str, object] = {
    "address": "192.0.2.10/24",
    "gateway": "192.0.2.1",
    "nameservers": ["192.0.2.2", "192.0.2.3"],
}
BOND: dict[str, object] = {"bond": ["eth0", "eth1"], "vlan": 42} | STATIC
LUKS: dict[str, object] = {"layout": "luks", "luks_passphrase": AWKWARD}
TEMPLATES = {
    ("rhel", "6"): "rhel/ks.cfg.j2",
    ("rhel", "7"): "rhel/ks.cfg.j2",
    ("rhel", "9.4"): "rhel/ks.cfg.j2",
    ("rhel", "10"): "rhel/ks.cfg.j2",
    ("fedora", "42"): "fedora/ks.cfg.j2",
    ("image", ""): "image/ks.cfg.j2",
    ("debian", "12"): "debian/preseed.cfg.j2",
    ("ubuntu", "18.04"): "ubuntu/preseed.cfg.j2",
    ("ubuntu", "24.04"): "ubuntu/user-data.j2",
    ("suse", "15.6"): "suse/autoinst.xml.j2",
    ("agama", "16.0"): "agama/agama.json.j2",
}
WHOLE: dict[str, tuple[str, str, dict[str, object]]] = {
    "el6.ks": ("rhel", "6", ALL),
    "el9-raid-bond.ks": ("rhel", "9.4", BOND | {"layout": "raid1"}),
    "el10-luks.ks": ("rhel", "10", LUKS | {"disk": "nvme0n1", "filesystem": "ext4"}),
    "fedora42.ks": ("fedora", "42", ALL | {"layout": "lvm"}),
    "image.ks": ("image", "", ALL),
    "debian12.cfg": ("debian", "12", ALL),
    "debian12-luks-static.cfg": ("debian", "12", LUKS | STATIC),
    "debian12-raid-bond.cfg": ("debian", "12", BOND | {"layout": "raid1", "disk": "vda vdb"}),
    "ubuntu18-lvm-static.cfg": ("ubuntu", "18.04", STATIC | {"layout": "lvm"}),
    "ubuntu24.yaml": ("ubuntu", "24.04", ALL),
    "ubuntu24-lvm-bond.yaml": ("ubuntu", "24.04", BOND | {"layout": "lvm", "disk": "/dev/sda"}),
    "leap15.xml": ("suse", "15.6", ALL),
    "leap15-lvm-bond.xml": ("suse", "15.6", BOND | {"layout": "lvm", "disk": "vdb"}),
    "leap16.json": ("agama", "16.0", ALL),
    "leap16-lvm-bond.json": ("agama", "16.0", BOND | {"layout": "lvm", "disk": "vda"}),
}


def text(name: str, release: str, variables: dict[str, object]) -> str:
    return render(TEMPLATES[name, release], context(name, release, variables))


@pytest.mark.parametrize("golden", WHOLE)
def test_a_whole_answer_file(golden: str) -> None:
    assert text(*WHOLE[golden]) == (GOLDENS / golden).read_text()


def test_each_familys_template_bears_the_name_of_its_answer_file() -> None:
    named = {key: f"{key[0]}/{family(key[0]).answer_file(key[1])}.j2" for key in TEMPLATES}

    assert named == TEMPLATES


@pytest.mark.parametrize("file", ["meta-data", "vendor-data", "network-config"])
def test_what_stands_beside_user_data(file: str) -> None:
    found = read_yaml(render(f"ubuntu/{file}.j2", context("ubuntu", "24.04")))

    assert (
        found
        == {
            "meta-data": {"instance-id": "i0001", "local-hostname": "web1"},
            "vendor-data": {},
            "network-config": {
                "version": 2,
                "ethernets": {"card": {"match": {"macaddress": "52:54:00:aa:bb:cc"}, "dhcp4": True}},
            },
        }[file]
    )


def read_yaml(content: str) -> Any:
    """By PyYAML of the system, which cloud-init and subiquity read with."""
    program = (
        "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin.buffer.read().decode()), sys.stdout)"
    )
    done = subprocess.run(
        ["/usr/bin/python3", "-c", program], input=content.encode(), capture_output=True, timeout=60
    )
    if b"ModuleNotFoundError" in done.stderr:
        pytest.skip("the system's Python has no yaml: apt install python3-yaml")
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def kickstart(name: str, release: str, variables: dict[str, object]) -> Any:
    handler = makeVersion(family(name).syntax(release))  # type: ignore[no-untyped-call]
    parser = KickstartParser(handler, followIncludes=False)  # type: ignore[no-untyped-call]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of two keys for one user
        parser.readKickstartFromString(text(name, release, variables))  # type: ignore[no-untyped-call]
    return parser.handler


def preseed(name: str, release: str, variables: dict[str, object]) -> dict[str, str]:
    """Question to value."""
    rows = (line.text.split(None, 3) for line in logical_lines(text(name, release, variables)))
    return {row[1]: row[3] if len(row) == 4 else "" for row in rows}


def profile(release: str, variables: dict[str, object]) -> ElementTree.Element:
    return ElementTree.fromstring(text("suse", release, variables))


def value(tree: ElementTree.Element, path: str) -> str:
    found = tree.find("/".join(AUTOYAST + step for step in path.split("/")))
    assert found is not None, path
    return found.text or ""


def scripts(content: str) -> list[str]:
    """The words of a shell's line that are scripts of several lines, as the shell hands them on."""
    done = subprocess.run(
        ["sh", "-c", f"set -- {content}; for word; do printf '%s\\0' \"$word\"; done"],
        capture_output=True,
        check=True,
        timeout=20,
    )
    return [word.decode() for word in done.stdout.split(b"\0")[:-1]]


KICKSTARTS = [key for key, template in TEMPLATES.items() if template.endswith("ks.cfg.j2")]


@pytest.mark.parametrize(("name", "release"), KICKSTARTS)
def test_a_kickstarts_reader_gets_awkward_texts_back(name: str, release: str) -> None:
    luks = LUKS if name != "image" else {}
    found = kickstart(name, release, ALL | luks)
    ann, bob = found.user.userList
    bodies = [script.script.strip("\n") for script in found.scripts]

    assert (ann.name, ann.gecos, ann.isCrypted, ann.password) == ("ann", AWKWARD, True, HASH)
    assert (bob.name, bob.groups) == ("bob", ["audio"])
    assert found.bootloader.appendLine == ALL["append"]
    assert found.rootpw.password == HASH
    assert ALL["pre"] in bodies
    assert ALL["post"] in bodies
    (line,) = [body for body in bodies if body.startswith("sh -c ")]
    assert scripts(line.rpartition(" || echo" if name == "image" else " ||\n")[0]) == [
        "sh",
        "-c",
        ALL["register"],
    ]
    if luks:
        assert found.autopart.passphrase == AWKWARD


@pytest.mark.parametrize(("name", "release"), [("debian", "12"), ("ubuntu", "18.04")])
def test_a_preseeds_reader_gets_awkward_texts_back(name: str, release: str) -> None:
    found = preseed(name, release, ALL | LUKS)

    assert found["partman-crypto/passphrase"] == found["partman-crypto/passphrase-again"] == AWKWARD
    assert found["debian-installer/add-kernel-opts"] == ALL["append"]
    assert found["provisioner/password-ann"] == HASH
    early, late = found["preseed/early_command"], found["preseed/late_command"]
    for command, file, script in (
        (early, "/tmp/pre", ALL["pre"]),
        (late, "/target/root/post", ALL["post"]),
        (late, "/target/root/register", ALL["register"]),
    ):
        assert written(command, file) == script
    assert scripts(next(row for row in written(late, "/target/root/accounts").splitlines() if "-c" in row))[
        3:4
    ] == [AWKWARD]


def written(command: str, file: str) -> str:
    """What a command's printf writes to the file, without its last line end."""
    words = re.search(rf"(printf '%s\\n' (?:(?!printf '%s\\n').)*) >{file};", command)
    assert words, file
    done = subprocess.run(["sh", "-c", words[1]], capture_output=True, check=True, timeout=20)
    return done.stdout.decode().removesuffix("\n")


def test_yamls_reader_gets_awkward_texts_back() -> None:
    found = read_yaml(text("ubuntu", "24.04", ALL))["autoinstall"]
    root, ann, bob = found["user-data"]["users"]
    target = ["curtin", "in-target", "--target", "/target", "--", "sh", "-c"]

    assert (root["hashed_passwd"], root["ssh_authorized_keys"]) == (HASH, list(KEYS))
    assert (ann["gecos"], ann["groups"], ann["hashed_passwd"]) == (AWKWARD, ["sudo"], HASH)
    assert (bob["lock_passwd"], bob["groups"]) == (True, ["audio"])
    assert found["early-commands"][-1] == ["sh", "-c", ALL["pre"]]
    assert [*target, ALL["post"]] in found["late-commands"]
    (grub,) = [row for row in found["late-commands"] if "99-install.cfg" in row]
    assert scripts(scripts(grub.split(" >")[0])[2].partition("=")[2]) == [ALL["append"]]
    (register,) = [row for row in found["late-commands"] if "subscribe" in row]
    assert ALL["register"] in scripts(register.split(" || {")[0])


def test_xmls_reader_gets_awkward_texts_back() -> None:
    tree = profile("15.6", ALL)
    sources = {
        value(script, "filename"): value(script, "source") for script in tree.iter(AUTOYAST + "script")
    }
    ann = tree.findall(f"{AUTOYAST}users/{AUTOYAST}user")[1]

    assert (value(ann, "fullname"), value(ann, "user_password")) == (AWKWARD, HASH)
    assert value(tree, "bootloader/global/append") == ALL["append"]
    for file, name in (("pre.sh", "pre"), ("post.sh", "post"), ("register.sh", "register")):
        end = " || {" if name == "post" else " || echo"
        assert scripts(sources[file].rpartition(end)[0]) == ["sh", "-c", ALL[name]]


def test_jsons_reader_gets_awkward_texts_back() -> None:
    found = json.loads(text("agama", "16.0", ALL))
    bodies = {row["name"]: row["content"] for row in found["scripts"]["pre"] + found["scripts"]["post"]}
    (added,) = [row for row in bodies["system"].splitlines() if row.startswith("useradd") and " ann" in row]

    assert found["bootloader"]["extraKernelParams"] == ALL["append"]
    assert AWKWARD in scripts(added)
    for name in ("pre", "post", "register"):
        end = " || {" if name == "post" else " || echo"
        body = bodies[name].removeprefix("#!/bin/sh\n").rpartition(end)[0]
        assert scripts(body) == ["sh", "-c", ALL[name]]
