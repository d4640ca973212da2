"""Templates become text, or one sentence that names the template and the line."""

from pathlib import Path

import pytest

from provisioner.answers.render import render
from provisioner.core.errors import Invalid
from tests.unit.answers.contexts import HASH, KEYS, context

GOLDENS = Path(__file__).parents[2] / "data/answers"
WHOLE = {
    "centos7-locked.ks": ("rhel/ks.cfg.j2", context("rhel", "7")),
    "centos7-full.ks": (
        "rhel/ks.cfg.j2",
        context(
            "rhel",
            "7",
            root_password_hash=HASH,
            ssh_keys=KEYS,
            packages=("openssh-server", "tmux"),
            before="firewall --enabled --http",
            after="%post\necho done\n%end",
            timezone="Europe/Berlin",
            variables={"disk": "vda", "layout": "lvm"},
        ),
    ),
    "alma9.ks": ("rhel/ks.cfg.j2", context("rhel", "9.4", ssh_keys=KEYS, variables={"repository": False})),
    "debian13-locked.cfg": ("debian/preseed.cfg.j2", context("debian", "13")),
    "debian13-full.cfg": (
        "debian/preseed.cfg.j2",
        context(
            "debian",
            "13",
            root_password_hash=HASH,
            ssh_keys=KEYS,
            packages=("openssh-server", "tmux"),
            before="d-i netcfg/get_nameservers string 192.168.122.1",
            after="d-i clock-setup/ntp boolean true",
            variables={
                "suite": "trixie",
                "disk": "/dev/vda",
                "insecure_mirror": True,
                "recommends": False,
                "services": "security",
                "security_host": "security.debian.example",
                "late_command": "in-target systemctl disable ssh",
            },
        ),
    ),
    "debian13-machine.cfg": ("debian/preseed.cfg.j2", context("debian", "13", guest="")),
}
BROKEN = {
    "a\n{{ nobody }}\n": "the template line 2: 'nobody' is undefined",
    "a\n{% if %}\n": "the template line 2: Expected an expression, got 'end of statement block'",
    "a\n\n{{ hostname.nothing }}\n": "the template line 3: 'str object' has no attribute 'nothing'",
    "a\n{{ 1 / 0 }}\n": "the template line 2: division by zero",
    "a\n{{ hostname.__class__.__mro__ }}\n": (
        "the template line 2: access to attribute '__class__' of 'str' object is unsafe."
    ),
    "rhel/nobody.j2": "there is no template rhel/nobody.j2 below kickstarts/",
    "../pyproject.toml": "there is no template ../pyproject.toml below kickstarts/",
}


@pytest.mark.parametrize("golden", WHOLE)
def test_a_whole_answer_file(golden: str) -> None:
    template, facts = WHOLE[golden]

    assert render(template, facts) == (GOLDENS / golden).read_text()


@pytest.mark.parametrize("template", BROKEN)
def test_a_broken_template_names_its_line(template: str) -> None:
    with pytest.raises(Invalid) as refusal:
        render(template, context("debian", "13"))

    assert str(refusal.value) == BROKEN[template]


def test_a_release_that_a_shipped_template_does_not_know_is_named_with_its_place() -> None:
    with pytest.raises(
        Invalid, match=r"debian/snippets/mirror\.j2 line \d+: no suite is known for release 99"
    ):
        render("debian/preseed.cfg.j2", context("debian", "99"))


def test_a_word_is_quoted_for_the_shell() -> None:
    assert render("{{ quote(hostname) }}\n", context("debian", "13", hostname="it's")) == "'it'\"'\"'s'\n"
