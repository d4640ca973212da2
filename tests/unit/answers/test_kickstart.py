"""Kickstarts that we render, and ones that we would refuse, in the eyes of the installer's parser."""

import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest
from pykickstart.parser import KickstartParser
from pykickstart.version import makeVersion

from provisioner.answers.finding import Finding, errors
from provisioner.answers.lint import FORMATS, lint
from provisioner.answers.lint_shell import shell
from provisioner.answers.render import render
from provisioner.core.errors import Invalid
from provisioner.distros.detect import FAMILIES, family
from tests.unit.answers.contexts import KEYS, combinations, context

STOCK = Path(__file__).parents[2] / "data/centos7-stock"
VARIABLES: tuple[dict[str, object], ...] = (
    {},
    {"disk": "vda", "layout": "lvm"},
    {"repository": False},
    {"append": "console=ttyS0 quiet"},
)


def refused(release: str, variables: dict[str, object], family: str = "rhel") -> dict[str, list[Finding]]:
    """The option combinations that the release's parser has findings for."""
    found = {}
    for changed in combinations("root_password_hash", "ssh_keys", "packages"):
        text = render("rhel/ks.cfg.j2", context(family, release, variables=variables, **changed))
        if findings := list(errors(lint(text, family, release))):
            found[str(changed)] = findings
    return found


@pytest.mark.parametrize("variables", VARIABLES)
def test_release_7_takes_every_combination_of_options(variables: dict[str, object]) -> None:
    assert refused("7", variables) == {}


@pytest.mark.parametrize(("family", "release"), [("rhel", "8.10"), ("rhel", "9.4"), ("fedora", "40")])
def test_later_releases_take_every_combination_of_options(family: str, release: str) -> None:
    assert refused(release, {}, family) == {}


def test_the_mini_installers_kickstart_is_taken_by_release_8() -> None:
    found = [
        findings
        for changed in combinations("root_password_hash", "ssh_keys")
        if (
            findings := list(
                errors(lint(render("image/ks.cfg.j2", context("image", "", **changed)), "image", ""))
            )
        )
    ]

    assert found == []


FINDINGS = {
    "sshkey --username=root 'a b'\n": ["line 1: Unknown command: sshkey"],
    "text\n\nfoo\nbar\n": ["line 3: Unknown command: foo", "line 4: Unknown command: bar"],
    "%post\nif true; then\n%end\n": ["line 3: shell: syntax error: unexpected end of file"],
    "text\n%post\nfi\n%end\n%pre\necho (\n%end\n": [
        "line 3: shell: syntax error near unexpected token `fi'",
        "line 6: shell: syntax error near unexpected token `newline'",
    ],
    "%post --interpreter=/usr/bin/python3\nif True:\n  pass\n%end\n": [],
    "%post\necho\n": ["line 2: Section %post does not end with %end."],
    "%nobody\n%end\n": ["line 1: Unknown kickstart section: %nobody"],
    "lang 'en_US\n": ["line 1: No closing quotation"],
    "autopart --type=round\n": ["line 1: Invalid autopart type: round"],
    "%include /etc/passwd\ntext\n": [],
}


@pytest.mark.parametrize("text", FINDINGS)
def test_findings_have_their_line(text: str) -> None:
    assert [str(finding) for finding in lint(text, "rhel", "7")] == FINDINGS[text]


WARNED = {
    ("7", "install\nauth --enableshadow\n"): [],
    ("8", "auth --enableshadow\n"): ["line 1: The authconfig command will be deprecated"],
    ("9.4", "%traceback\n%end\n"): ["line 1: The %traceback section has been deprecated"],
}


@pytest.mark.parametrize(("release", "text"), WARNED)
def test_what_is_deprecated_is_a_warning(release: str, text: str) -> None:
    found = lint(text, "rhel", release)

    assert [str(finding)[:60] for finding in found if not finding.warning] == []
    assert all(str(one).startswith(start) for one, start in zip(found, WARNED[release, text], strict=True)), (
        found
    )


SECTIONS = {
    (
        "6",
        "%onerror\n%end\n",
    ): "line 1: %onerror is known from Enterprise Linux 7 on; this installer would stop here",
    ("6", "text\n%addon x\n%end\n"): "line 2: %addon is known from Enterprise Linux 7 on",
    (
        "9",
        "%certificate --filename=a --dir=/b\nc\n%end\n",
    ): "line 1: %certificate is known from Enterprise Linux 10",
}


@pytest.mark.parametrize(("release", "text"), SECTIONS)
def test_a_section_that_the_release_does_not_know_is_refused(release: str, text: str) -> None:
    (found,) = errors(lint(text, "rhel", release))

    assert str(found).startswith(SECTIONS[release, text])
    assert list(errors(lint(text, "rhel", "10"))) == []
    assert list(errors(lint(text, "fedora", "rawhide"))) == []


def test_a_release_that_no_parser_knows_is_refused() -> None:
    with pytest.raises(Invalid, match="the kickstart syntax RHEL19 is not known; known are RHEL10"):
        lint("text\n", "rhel", "19")


@pytest.mark.parametrize("name", [row.name for row in FAMILIES])
def test_every_familys_files_are_checked(name: str) -> None:
    row = family(name)
    files = {row.answer_file(release) for release in ("9", "13", "18.04", "24.04", "15.6", "16")}

    assert files <= FORMATS.keys()


def test_an_empty_script_is_no_error() -> None:
    assert shell("", 1) == []


def post_of(text: str, word: str) -> str:
    """The body of the %post section that mentions `word`."""
    parser = KickstartParser(makeVersion("RHEL7"), followIncludes=False)  # type: ignore[no-untyped-call]
    parser.readKickstartFromString(text)  # type: ignore[no-untyped-call]
    (body,) = [str(script.script) for script in parser.handler.scripts if word in script.script]
    return body


def test_the_installed_system_is_left_with_our_tree_as_its_only_repository(tmp_path: Path) -> None:
    stock = tmp_path / "etc/yum.repos.d"
    stock.mkdir(parents=True)
    for file in STOCK.glob("*.repo"):
        (stock / file.name).write_text(file.read_text())
    script = post_of(render("rhel/ks.cfg.j2", context("rhel", "7")), "yum.repos.d")
    subprocess.run(["/bin/sh", "-e", "-c", script], check=True, env={"ROOT_PREFIX": str(tmp_path)})
    subprocess.run(["/bin/sh", "-e", "-c", script], check=True, env={"ROOT_PREFIX": str(tmp_path)})

    repositories = enabled(stock)

    assert repositories.pop("install-tree") == (True, f"{context('rhel', '7').tree_url}/")
    assert {"base", "updates", "extras", "C7.6.1810-base", "c7-media"} <= repositories.keys()
    assert not any(on for on, _ in repositories.values())


def enabled(folder: Path) -> dict[str, tuple[bool, str]]:
    """Each repository of the folder: whether yum would use it, and its baseurl."""
    ini = ConfigParser(interpolation=None)
    ini.read(sorted(folder.glob("*.repo")))
    return {
        name: (ini[name].get("enabled", "1").strip() == "1", ini[name].get("baseurl", ""))
        for name in ini.sections()
    }


def test_keys_are_appended_where_the_release_has_no_command_for_them(tmp_path: Path) -> None:
    script = post_of(render("rhel/ks.cfg.j2", context("rhel", "7", ssh_keys=KEYS)), "authorized_keys")
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "restorecon").write_text("#!/bin/sh\nexit 1\n")
    (tools / "restorecon").chmod(0o755)
    script = script.replace("/root/", f"{tmp_path}/")
    subprocess.run(
        ["/bin/sh", "-e", "-c", script], check=True, env={"PATH": f"{tools}:/usr/bin:/bin"}, timeout=20
    )

    file = tmp_path / ".ssh/authorized_keys"

    assert file.read_text().splitlines() == list(KEYS)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
