"""Answer files: for an install, for a preview, and as a check before the install begins."""

import json
from dataclasses import replace
from shlex import quote

import pytest

from provisioner.answers.finding import Finding
from provisioner.core.errors import Invalid, NotFound
from provisioner.core.install import Install, Stage
from provisioner.core.machine import Machine
from provisioner.core.profile import Image
from provisioner.service.contexts import VARIABLES
from provisioner.service.differences import Differences
from provisioner.service.ports import ServedText
from tests.fakes import START, FakeClock
from tests.unit.service.shelf import HASH, OWN, Shelf

ROOT = "http://192.168.122.1:8080"
KEYS = "ssh-ed25519 AAAA ann@example\nssh-rsa BBBB bob@example"


@pytest.fixture
async def shelf() -> Shelf:
    made = Shelf()
    await made.trees.add("centos7", "/rhel/centos-7.6.1810")
    await made.trees.add("debian13", "/debian/trixie")
    await made.trees.add("mini", "/image/mini")
    await made.store.put_image(Image("tiny", "tiny-1.tar.zst", "ab" * 32, 1, 2))
    return made


async def test_the_answer_file_names_our_tree_and_reports_with_the_installs_token(shelf: Shelf) -> None:
    install, _ = await shelf.guest("centos7", root_password_hash=HASH, ssh_keys=KEYS)
    text = (await shelf.answers.for_install(install, ROOT, "ks.cfg")).text
    token = shelf.tokens.mint("i1", "report", 1)

    assert f"url --url={ROOT}/tree/centos7\n" in text
    assert f"rootpw --iscrypted {HASH}\n" in text
    assert f"{ROOT}/report/{token}/success\n" in text
    assert " ".join(quote(key) for key in KEYS.splitlines()) in text
    assert "--device=52:54:00:00:00:01" in text


async def test_an_image_is_named_with_its_hash(shelf: Shelf) -> None:
    install, _ = await shelf.guest("tiny")
    text = (await shelf.answers.for_install(install, ROOT, "ks.cfg")).text

    assert f"liveimg --url={ROOT}/tree/images/tiny-1.tar.zst --checksum={'ab' * 32}\n" in text


async def test_another_familys_file_is_not_there(shelf: Shelf) -> None:
    install, _ = await shelf.guest("debian13")
    with pytest.raises(NotFound, match=r"install i1 has no ks\.cfg; its answer file is preseed\.cfg"):
        await shelf.answers.for_install(install, ROOT, "ks.cfg")

    answer = await shelf.answers.for_install(install, ROOT, "preseed.cfg")
    assert "d-i mirror/http/hostname string 192.168.122.1:8080\n" in answer.text


async def test_a_preview_shows_no_secret(shelf: Shelf) -> None:
    await shelf.guest("centos7", root_password_hash=HASH, ssh_keys=KEYS)
    text = await shelf.answers.preview("web1")

    assert HASH not in text
    assert shelf.tokens.mint("i1", "report", 1) not in text
    assert "rootpw --iscrypted ***\n" in text
    assert "http://provisioner:8080/report/***/success\n" in text


async def test_a_machine_that_is_no_guest_gets_what_its_profile_says(shelf: Shelf) -> None:
    await shelf.profiles.create(
        replace(OWN, variables={"suite": "trixie", "root_password_hash": HASH, "ssh_keys": KEYS.splitlines()})
    )
    await shelf.store.add_machine(Machine("rack7", "52:54:00:00:00:07", profile="mine"))
    install = Install("i7", "rack7", "52:54:00:00:00:07", "", "mine", Stage.BOOTING, START, START)
    await shelf.store.add_install(install, None)
    text = (await shelf.answers.for_install(install, ROOT, "preseed.cfg")).text

    assert f"passwd/root-password-crypted password {HASH}\n" in text
    assert "ann@example" in text
    assert "string linux-image-amd64\n" in text


async def test_a_guests_own_secrets_stand_above_its_profiles(shelf: Shelf) -> None:
    await shelf.profiles.create(
        replace(
            OWN, variables={"suite": "trixie", "root_password_hash": "$6$a$b", "ssh_keys": ["ssh-rsa C c@c"]}
        )
    )
    install, _ = await shelf.guest("mine", root_password_hash=HASH, ssh_keys=KEYS)
    text = (await shelf.answers.for_install(install, ROOT, "preseed.cfg")).text

    assert HASH in text
    assert "$6$a$b" not in text
    assert "c@c" not in text


async def test_an_install_is_checked_before_it_begins(shelf: Shelf) -> None:
    install, row = await shelf.guest("centos7", ssh_keys=KEYS)
    profile, tree = await shelf.profiles.get("centos7"), await shelf.trees.get("centos7")
    shelf.linter.findings = [Finding(1, "Unknown command: x"), Finding(2, "old", warning=True)]
    with pytest.raises(Invalid, match=r"the answer file of profile centos7 would not be taken: line 1 "):
        await shelf.answers.check(install, row, profile, tree)

    assert shelf.linter.asked[-1][1:] == ("rhel", "7")
    assert "ann@example" in shelf.linter.asked[-1][0]
    shelf.linter.findings = shelf.linter.findings[1:]
    await shelf.answers.check(install, row, profile, tree)


async def test_a_text_that_was_found_good_is_not_read_again_for_another_guest(shelf: Shelf) -> None:
    install, row = await shelf.guest("centos7", ssh_keys=KEYS)
    profile, tree = await shelf.profiles.get("centos7"), await shelf.trees.get("centos7")
    other = replace(install, id="i2", guest="db7", mac="52:54:00:00:00:02")
    await shelf.answers.check(install, row, profile, tree)
    await shelf.answers.check(other, row, profile, tree)

    assert len(shelf.linter.asked) == 1
    await shelf.answers.check(other, row, replace(profile, variables={"layout": "lvm"}), tree)

    assert len(shelf.linter.asked) == 2


async def test_what_was_checked_is_served_without_another_check(shelf: Shelf) -> None:
    install, _ = await shelf.guest("centos7")
    await shelf.answers.for_install(install, ROOT, "ks.cfg")
    shelf.linter.asked.clear()
    await shelf.answers.for_install(install, ROOT, "ks.cfg")
    await shelf.answers.for_install(replace(install, guest="db1", id="i9"), ROOT, "ks.cfg")

    assert shelf.linter.asked == []


async def test_what_fails_its_check_is_not_served(shelf: Shelf) -> None:
    install, _ = await shelf.guest("centos7")
    shelf.linter.findings = [Finding(1, "Unknown command: x")]

    with pytest.raises(Invalid, match=r"would not be taken: line 1 .*Unknown command: x"):
        await shelf.answers.for_install(install, ROOT, "ks.cfg")


async def test_no_finding_tells_a_secret(shelf: Shelf) -> None:
    install, _ = await shelf.guest("centos7", root_password_hash=HASH)
    token = shelf.tokens.mint("i1", "report", 1)
    shelf.linter.findings = [Finding(1, f"rootpw: unrecognized arguments: {HASH} {token}")]

    with pytest.raises(Invalid, match=r"rootpw: unrecognized arguments: \*\*\* \*\*\*"):
        await shelf.answers.for_install(install, ROOT, "ks.cfg")


async def test_where_the_check_is_waived_the_text_says_what_was_found(shelf: Shelf) -> None:
    install, row = await shelf.guest("centos7", **{VARIABLES: json.dumps({"lint": False})})
    profile, tree = await shelf.profiles.get("centos7"), await shelf.trees.get("centos7")
    shelf.linter.findings = [Finding(1, "Unknown command: x")]
    answer = await shelf.answers.for_install(install, ROOT, "ks.cfg")

    assert answer.text.startswith("# Kickstart for web1")
    assert answer.unchecked.startswith("the answer file of profile centos7 would not be taken: line 1")
    (warning,) = await shelf.answers.check(install, row, profile, tree)
    assert warning == f"--no-lint: {answer.unchecked}"
    shelf.linter.findings = []
    assert (await shelf.answers.for_install(install, ROOT, "ks.cfg")).unchecked == ""


async def test_a_profile_may_waive_the_check_for_all_its_guests(shelf: Shelf) -> None:
    shelf.linter.findings = [Finding(1, "Unknown command: x")]
    with pytest.raises(Invalid, match="would not be taken"):
        await shelf.profiles.create(OWN)
    await shelf.profiles.create(replace(OWN, variables={**OWN.variables, "lint": False}))
    install, _ = await shelf.guest("mine")

    assert (await shelf.answers.for_install(install, ROOT, "preseed.cfg")).unchecked != ""


class Drawer:
    """An archive in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, ServedText] = {}

    async def keep(self, served: ServedText) -> None:
        self.kept[served.guest] = served

    async def last(self, name: str) -> ServedText:
        if name not in self.kept:
            raise NotFound(f"no answer file was served to {name} yet")
        return self.kept[name]

    async def before(self, name: str) -> ServedText:
        return replace(await self.last(name), install="i0", text="lang C\n")


async def test_what_changed_since_it_was_served(shelf: Shelf) -> None:
    await shelf.profiles.create(OWN)
    install, _ = await shelf.guest("mine", root_password_hash=HASH, ssh_keys=KEYS)
    drawer = Drawer()
    differences = Differences(shelf.answers, drawer, FakeClock())
    with pytest.raises(NotFound, match="no answer file was served to web1 yet"):
        await differences.since_served("web1")
    answer = await shelf.answers.for_install(install, ROOT, "preseed.cfg")
    await differences.keep(install, "preseed.cfg", ROOT, answer.shown)

    assert await differences.since_served("web1") == ""
    assert HASH not in drawer.kept["web1"].text
    assert shelf.tokens.mint("i1", "report", 1) not in drawer.kept["web1"].text
    await shelf.profiles.edit(replace(OWN, variables={"suite": "trixie", "timezone": "Europe/Berlin"}))
    lines = (await differences.since_served("web1")).splitlines()

    assert lines[0] == "--- preseed.cfg served to web1\t2026-01-02 03:04:05 UTC, install i1"
    assert lines[1] == "+++ preseed.cfg as it would be served now"
    assert [line for line in lines[2:] if line[:1] in "+-"] == [
        "-d-i time/zone string UTC",
        "+d-i time/zone string Europe/Berlin",
    ]


async def test_what_changed_since_the_install_before(shelf: Shelf) -> None:
    install, _ = await shelf.guest("centos7")
    differences = Differences(shelf.answers, Drawer(), FakeClock())
    await differences.keep(install, "ks.cfg", ROOT, "lang de\n")

    assert (await differences.since_before("web1")).splitlines() == [
        "--- ks.cfg served to web1\t2026-01-02 03:04:05 UTC, install i0",
        "+++ ks.cfg served to install i1",
        "@@ -1 +1 @@",
        "-lang C",
        "+lang de",
    ]


async def test_a_text_that_cannot_be_kept_was_served_all_the_same(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    install, _ = await shelf.guest("centos7")
    await Differences(shelf.answers, BrokenDrawer(), FakeClock()).keep(install, "ks.cfg", ROOT, "text")

    assert "install i1: what it was served is not kept" in caplog.text


class BrokenDrawer(Drawer):
    async def keep(self, served: ServedText) -> None:
        raise OSError(28, "No space left on device")


async def test_a_template_can_be_tried_without_a_guest(shelf: Shelf) -> None:
    text = await shelf.answers.render(
        "lang {{ lang }} {{ variables.x }}", "rhel", "7", {"lang": "de_DE.UTF-8", "x": 1}
    )

    assert text == "lang de_DE.UTF-8 1\n"
    with pytest.raises(Invalid, match="the template line 1: 'nobody' is undefined"):
        await shelf.answers.render("{{ nobody }}", "rhel", "7", {})


async def test_lint_is_the_linters(shelf: Shelf) -> None:
    shelf.linter.findings = [Finding(1, "x")]

    assert await shelf.answers.lint("x", "rhel", "7") == [Finding(1, "x")]
    assert shelf.linter.asked[-1] == ("x", "rhel", "7")
