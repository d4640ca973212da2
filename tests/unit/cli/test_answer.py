"""`provisioner answer lint` and `port`: no service is asked."""

import json
from pathlib import Path

import pytest

from provisioner.answers.releases import named_release
from provisioner.cli.answer_file import guess
from provisioner.core.errors import Invalid
from tests.unit.cli.conftest import Provisioner
from tests.unit.cli.fake import INSTALL, FakeService, event


def test_lint_names_line_and_command(service: FakeService, provisioner: Provisioner, tmp_path: Path) -> None:
    file = tmp_path / "my.ks"
    file.write_text("text\nauth --enableshadow\nfoo\nautopart --type=round\n")

    ran = provisioner("answer", "lint", str(file), "--release", "rhel8")

    assert (ran.code, ran.err) == (1, "")
    assert ran.out.splitlines() == [
        f"{file}: line 3: Unknown command: foo",
        f"{file}: line 4: Invalid autopart type: round",
        f"{file}: warning: line 2: The authconfig command will be deprecated, use authselect instead.",
    ]
    assert service.asked == []


def test_warnings_alone_are_no_failure(provisioner: Provisioner, tmp_path: Path) -> None:
    file = tmp_path / "my.ks"
    file.write_text("auth --enableshadow\n")

    ran = provisioner("answer", "lint", str(file), "--release", "rhel8", "-o", "json")

    assert ran.code == 0
    assert [row["warning"] for row in json.loads(ran.out)] == [True]


def test_a_template_is_named_with_its_own_line(provisioner: Provisioner, tmp_path: Path) -> None:
    file = tmp_path / "my.ks.j2"
    file.write_text("{# mine #}\n{% for n in variables.n %}\ntext\n{% endfor %}\nnonsense\n")

    ran = provisioner("answer", "lint", str(file), "--release", "rhel9", "--var", "n=[1, 2]")

    assert (ran.code, ran.out) == (1, f"{file}: line 3 ({file} line 5): Unknown command: nonsense\n")
    broken = provisioner("answer", "lint", str(file), "--release", "rhel9")
    assert (broken.code, broken.err.splitlines()[0]) == (
        1,
        f"error: {file} line 2: 'dict object' has no attribute 'n'",
    )


def test_a_template_without_end_is_one_sentence(provisioner: Provisioner, tmp_path: Path) -> None:
    file = tmp_path / "my.ks.j2"
    file.write_text("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}\n")

    ran = provisioner("answer", "lint", str(file), "--release", "rhel9")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.splitlines()[0] == f"error: {file} did not end within 1.2 seconds"


def test_stdin_is_read(provisioner: Provisioner) -> None:
    ran = provisioner("answer", "lint", "-", "--release", "debian12", stdin="d-i a/b strong x\n")

    assert (ran.code, ran.out.startswith("-: line 1: a/b: type 'strong' is not known")) == (1, True)


def test_diff_ends_with_1_where_something_changed(service: FakeService, provisioner: Provisioner) -> None:
    service.replies = {"GET /answers/diff/web1": {"text": "-lang en\n+lang de\n"}}
    ran = provisioner("answer", "diff", "web1")
    assert (ran.code, ran.out) == (1, "-lang en\n+lang de\n")

    service.replies = {"GET /answers/diff/web1": {"text": ""}}
    ran = provisioner("answer", "diff", "web1")
    assert (ran.code, ran.out) == (0, "")


def test_a_waived_check_is_shown_on_the_install(service: FakeService, provisioner: Provisioner) -> None:
    served = event(5, "answer.served", "ks.cfg to 192.0.2.5")
    served["data"] = {"unchecked": "line 3: Unknown command: foo"}
    service.replies = {
        "GET /installs/web1": INSTALL,
        f"GET /installs/{INSTALL['id']}/events": [event(1, "creating"), served],
    }
    ran = provisioner("install", "show", "web1")

    assert "unchecked  --no-lint: line 3: Unknown command: foo" in ran.out.splitlines()


NAMES = {
    "rhel9": ("rhel", "9"),
    "rhel7.9": ("rhel", "7.9"),
    "centos7.6": ("rhel", "7.6"),
    "centos-stream10": ("rhel", "10"),
    "Fedora44": ("fedora", "44"),
    "debian12": ("debian", "12"),
    "ubuntu24.04": ("ubuntu", "24.04"),
    "leap15.6": ("suse", "15.6"),
    "sles16": ("agama", "16"),
    "9": ("", "9"),
    "": ("", ""),
}


@pytest.mark.parametrize("name", NAMES)
def test_releases_by_name(name: str) -> None:
    assert named_release(name) == NAMES[name]


@pytest.mark.parametrize("name", ["gentoo", "rhel", "rhel-nine", "windows11", "7.x"])
def test_releases_that_are_none(name: str) -> None:
    with pytest.raises(Invalid, match="is not known; write a name and a number"):
        named_release(name)


KINDS = {
    "text\n": "rhel",
    "text\nliveimg --url=x\n": "image",
    "d-i a/b string c\n": "debian",
    "#cloud-config\nautoinstall:\n  version: 1\n": "ubuntu",
    '<?xml version="1.0"?>\n<profile/>\n': "suse",
    '{"product": {}}\n': "agama",
}


@pytest.mark.parametrize("text", KINDS)
def test_the_family_is_told_from_the_text(text: str) -> None:
    assert guess(text) == KINDS[text]


def test_port_ends_with_1_where_something_must_change(provisioner: Provisioner, tmp_path: Path) -> None:
    file = tmp_path / "ks.cfg"
    file.write_text("install\ntext\n")
    ran = provisioner("answer", "port", str(file), "--from", "rhel7", "--to", "rhel9")

    assert (ran.code, ran.out) == (
        1,
        f"{file}: line 1: install has been removed; "
        "leave it out: url, nfs, cdrom or harddrive says what is meant\n",
    )
    assert provisioner("answer", "port", str(file), "--from", "rhel7", "--to", "rhel7").code == 0
