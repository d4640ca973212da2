"""Preseed files that we render, and ones that we would refuse; debconf's own reader is asked as well."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from provisioner.answers.lint import lint
from provisioner.answers.lint_preseed import logical_lines
from provisioner.answers.render import render
from tests.unit.answers.contexts import KEYS, combinations, context

VARIABLES: tuple[dict[str, object], ...] = (
    {},
    {"insecure_mirror": True, "recommends": False, "disk": "/dev/vda"},
    {"services": "security, updates", "security_host": "security.example", "filesystem": "xfs"},
    {"late_command": "in-target true", "kernel": "linux-image-amd64"},
)


def preseed(**changed: object) -> str:
    variables = changed.pop("variables", {})
    assert isinstance(variables, dict)
    return render("debian/preseed.cfg.j2", context("debian", "13", variables, **changed))


def answers(text: str) -> dict[str, str]:
    """Question to value, as the installer joins the lines."""
    rows = (line.text.split(None, 3) for line in logical_lines(text))
    return {row[1]: row[3] if len(row) == 4 else "" for row in rows}


@pytest.mark.parametrize("variables", VARIABLES)
def test_every_combination_of_options_is_taken(variables: dict[str, object]) -> None:
    for changed in combinations("root_password_hash", "ssh_keys", "packages", "guest"):
        assert lint(preseed(variables=variables, **changed), "debian", "13") == []


@pytest.mark.skipif(not shutil.which("debconf-set-selections"), reason="debconf is not installed")
@pytest.mark.parametrize("variables", VARIABLES)
def test_debconfs_own_reader_takes_it(variables: dict[str, object], tmp_path: Path) -> None:
    file = tmp_path / "preseed.cfg"
    file.write_text(preseed(variables=variables, ssh_keys=KEYS))
    done = subprocess.run(["debconf-set-selections", "-c", file], capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stderr) == (0, "")


FINDINGS = {
    "d-i a/b\n": ["line 1: an answer has four fields: owner, question, type, value"],
    "d-i a/b strong x\n": [
        "line 1: a/b: type 'strong' is not known; known are string, boolean, select, multiselect, note, "
        "text, password, title, error, seen"
    ],
    "d-i a/b boolean yes\n": ["line 1: a/b must be true or false, not 'yes'"],
    "d-i ab string x\n": ["line 1: 'ab' is not a question; they are named like netcfg/get_hostname"],
    "d-i a/b string x \\\n  y\n\nd-i c/d bool x\n": [
        "line 4: c/d: type 'bool' is not known; known are string, boolean, select, multiselect, note, text, "
        "password, title, error, seen"
    ],
    "d-i a/b string x \\": ["line 1: the last line is continued"],
    "d-i a/b string x \\ \n": [
        "line 1, column 19: there is a space behind the backslash, so the line is not continued"
    ],
    " # note\n": [
        "line 1: a comment that is indented is not a comment for the installer",
        "line 1: an answer has four fields: owner, question, type, value",
    ],
    "d-i a/b string x \\\n# note\n  y\n": [
        "line 2: a comment inside a continued line is not a comment for the installer"
    ],
    "d-i preseed/late_command string a\nd-i preseed/late_command string b\n": [
        "line 2: preseed/late_command replaces the answer of line 1"
    ],
    "# note\nd-i preseed/early_command string if true; \\\n  then\n": [
        'line 2: shell: Syntax error: end of file unexpected (expecting "fi")'
    ],
    "d-i a/b string\nd-i finish-install/reboot_in_progress note\nd-i a/c seen true\n": [],
}


@pytest.mark.parametrize("text", FINDINGS)
def test_findings_have_their_line(text: str) -> None:
    assert [str(finding) for finding in lint(text, "debian", "13")] == FINDINGS[text]


def test_a_locked_root_is_a_hash_that_the_installer_does_not_ask_about() -> None:
    assert answers(preseed())["passwd/root-password-crypted"] == "!*"


def test_the_mirror_is_our_tree() -> None:
    found = answers(preseed())

    assert found["mirror/http/hostname"] == "192.168.122.1:8080"
    assert found["mirror/http/directory"] == "/tree/t1"


def test_no_command_that_the_installer_logs_holds_a_secret() -> None:
    found = answers(preseed(ssh_keys=KEYS))

    assert [question for question, value in found.items() if "R" * 43 in value] == ["provisioner/report"]


def run(command: str, root: Path, *, tools: Path) -> None:
    """Runs an installer's command in a folder instead of in its system."""
    command = re.sub(r"(?<!\S)(>?)(/(target|bin|tmp|var/log)/)", rf"\1{root}\2", command)
    environment = {"PATH": f"{tools}:{root}/bin:/usr/bin:/bin", "LC_ALL": "C"}
    subprocess.run(["/bin/sh", "-c", command], check=True, env=environment, timeout=30)


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """The folders that the installer has, with an `nc` that keeps what it is given."""
    for folder in ("bin", "tools", "tmp", "var/log", "usr/lib", "target/etc/systemd/system", "target/root"):
        (tmp_path / folder).mkdir(parents=True)
    nc = tmp_path / "tools/nc"
    nc.write_text(
        f'#!/bin/sh\necho "to $1 $2" >>{tmp_path}/sent\ncat >>{tmp_path}/sent\necho >>{tmp_path}/sent\n'
    )
    answer = tmp_path / "tools/debconf-get"
    answer.write_text(f"#!/bin/sh\necho {answers(preseed())['provisioner/report']}\n")
    for tool in (nc, answer):
        tool.chmod(0o755)
    return tmp_path


def test_the_late_command_leaves_keys_and_the_first_boots_report_and_reports_success(system: Path) -> None:
    found = answers(preseed(ssh_keys=KEYS))
    run(found["preseed/early_command"].rpartition("; ")[0], system, tools=system / "tools")
    run(found["preseed/late_command"], system, tools=system / "tools")

    target = system / "target"
    unit = target / "etc/systemd/system/first-boot-report.service"

    assert (target / "root/.ssh/authorized_keys").read_text().splitlines() == list(KEYS)
    assert (target / "root/.ssh").stat().st_mode & 0o777 == 0o700
    assert f"/report/{'R' * 43}/first-boot" in unit.read_text()
    assert (
        os.readlink(target / f"etc/systemd/system/multi-user.target.wants/{unit.name}") == f"../{unit.name}"
    )
    assert (system / "sent").read_text().splitlines()[:2] == [
        "to 192.168.122.1 8080",
        f"POST /report/{'R' * 43}/success HTTP/1.0",
    ]


LOG = """\
Jan 1 00:00:00 preseed: running preseed command preseed/early_command: "failed with error code"
Jan 1 00:00:01 main-menu[1]: INFO: Menu item 'localechooser' selected
Jan 1 00:00:01 main-menu[1]: INFO: Menu item 'partman-base' selected
Jan 1 00:00:02 debootstrap: Setting up base-passwd (3.6.7) ...
Jan 1 00:00:03 main-menu[1]: WARNING **: Configuring 'bootstrap-base' failed with error code 1
Jan 1 00:00:04 main-menu[1]: INFO: Menu item 'pkgsel' selected
"""


def test_the_watcher_tells_each_step_and_the_first_failure_with_the_log(system: Path) -> None:
    found = answers(preseed())
    run(found["preseed/early_command"].rpartition("; ")[0], system, tools=system / "tools")
    (system / "var/log/syslog").write_text(LOG)
    watcher = (system / "bin/watch-install").read_text()
    environment = {"PATH": f"{system}/bin:{system}/tools:/usr/bin:/bin"}
    subprocess.run(
        ["/bin/sh", "-c", watcher.replace("-n +1 -f", "-n +1")], env=environment, check=True, timeout=30
    )

    bodies = [
        part.partition("\r\n\r\n") for part in (system / "sent").read_bytes().decode().split("to 192.168")
    ]
    sent = [(head.split()[3].removeprefix(f"/report/{'R' * 43}/"), body) for head, _, body in bodies[1:]]

    assert [where for where, _ in sent] == ["progress?percent=32", "progress?percent=45", "failure"]
    assert sent[0][1].strip() == "partitioning"
    assert sent[2][1].splitlines()[:1] == LOG.splitlines()[:1]
    assert sent[2][1].strip().endswith("Configuring 'bootstrap-base' failed with error code 1")
