"""Trees are told apart by their small files: recorded stubs of each kind, each with what it is taken from."""

import re
from pathlib import Path
from random import Random

import pytest

from provisioner.core.errors import Invalid
from provisioner.distros.base import TreeFacts
from provisioner.distros.detect import FAMILIES, PROBES, detect, family, recognise, rounds, told
from tests.unit.distros.recorded import REFUSED, TREES, anaconda

RECORDED = Path(__file__).parents[2] / "data/trees"
CITED = re.compile(r"https?://[\w.-]+/\S+( \(.+\))?")
FEWEST = 60


def stub(name: str) -> dict[str, bytes]:
    """What a reader would have found of the paths that detection asks for."""
    place = RECORDED / name
    return {path: (place / path).read_bytes() for path in PROBES if (place / path).is_file()}


@pytest.mark.parametrize("name", TREES)
def test_a_tree_is_known_by_its_small_files(name: str) -> None:
    assert detect(stub(name)) == TREES[name]


@pytest.mark.parametrize("name", set(REFUSED) - {"foreign/windows-11"})
def test_what_cannot_be_installed_from_is_refused_with_its_reason(name: str) -> None:
    with pytest.raises(Invalid) as refusal:
        detect(stub(name))

    assert str(refusal.value) == REFUSED[name]


def test_every_recorded_tree_is_looked_at_and_there_are_enough() -> None:
    there = {f"{place.parent.name}/{place.name}" for place in RECORDED.glob("*/*")}

    assert there == TREES.keys() | REFUSED.keys()
    assert len(TREES) >= FEWEST


@pytest.mark.parametrize("name", [*TREES, *REFUSED])
def test_a_recorded_tree_cites_the_published_file_that_it_is_taken_from(name: str) -> None:
    cited = (RECORDED / name / "citation").read_text().splitlines()

    assert cited
    assert [line for line in cited if not CITED.fullmatch(line)] == []


def test_every_family_is_recorded() -> None:
    assert {facts.family for facts in TREES.values()} == {row.name for row in FAMILIES}
    assert {facts.arch for facts in TREES.values()} == {"x86_64", "aarch64"}


@pytest.mark.parametrize("name", TREES)
def test_a_familys_own_layout_is_that_of_its_trees(name: str) -> None:
    facts = TREES[name]
    if "dists/" in facts.kernel or facts.kernel.startswith(("images/", "boot/", "casper/")):
        found = family(facts.family).layout(facts.release, facts.arch)

        assert (found.family, found.release, found.arch) == (facts.family, facts.release, facts.arch)
        assert (found.kernel, found.initrd) == (facts.kernel, facts.initrd)


def test_a_medium_is_known_as_one_though_its_packages_lie_as_in_a_mirror() -> None:
    """Where the source is called debian both are asked for at once."""
    both = stub("debian/trixie") | stub("debian/medium")

    assert {"dists/stable/Release", ".disk/info"} <= both.keys() & set(rounds("/srv/debian-13.iso")[0])
    assert detect(both) == TREES["debian/medium"]


def test_an_empty_folder_is_no_tree() -> None:
    with pytest.raises(Invalid, match="none of the files that an install tree has"):
        detect({})


BROKEN = {
    b"\xff\xfe not ini": "File contains no section headers.",
    b"[general]\nfamily = CentOS\n": "it has no 'arch'",
    b"kernel = no section": "File contains no section headers.",
    b"[general]\nversion = 7\narch = x86_64\n": "it has no 'name'",
    b"[general\nfamily": "File contains no section headers.",
    b"[header]\nversion = 9.9\n[release]\nname = x\n": "it has no 'general'",
    b"": "it has no 'general'",
    b"[general]\nfamily = CentOS\nversion = 7\n 8\narch = x86_64\n": (
        "a line break or control character is in a name"
    ),
    b"[tree]\narch = x86_64\n[release]\nname = %(x)s\nversion = 7\n": "it has no 'general'",
}


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_treeinfo_is_told_in_one_sentence(text: bytes) -> None:
    with pytest.raises(Invalid) as refusal:
        detect({".treeinfo": text})

    assert str(refusal.value) == f"the tree's .treeinfo cannot be used: {BROKEN[text]}"


def damaged(text: bytes, seed: int) -> bytes:
    """Cut off somewhere, with a few bytes changed and a line moved."""
    dice = Random(seed)
    lines = text[: dice.randrange(1, len(text))].splitlines(keepends=True)
    dice.shuffle(lines[: dice.randrange(len(lines))])
    changed = bytearray(b"".join(lines))
    for _ in range(dice.randrange(6)):
        changed[dice.randrange(len(changed))] = dice.randrange(256)
    return bytes(changed)


@pytest.mark.parametrize(
    "name", ["rhel/almalinux-9.4", "image/mini", "suse/sle-15.4", "rhel/centos-7.6.1810"]
)
def test_whatever_is_broken_of_a_treeinfo_no_error_of_a_library_gets_out(name: str) -> None:
    whole = stub(name)[".treeinfo"]

    for seed in range(100):
        try:
            facts = detect({".treeinfo": damaged(whole, seed)})
        except Invalid as error:
            assert "\n" not in str(error)
        else:
            assert facts.kernel and facts.initrd and facts.release.isprintable()


def test_a_treeinfo_that_names_no_files_is_taken_with_the_known_ones() -> None:
    text = b"[general]\nfamily = CentOS\nversion = 7\narch = x86_64\n"

    assert detect({".treeinfo": text}) == anaconda("rhel", "7")


def test_a_treeinfo_without_the_old_section_is_read_by_productmd() -> None:
    lines = (RECORDED / "image/mini/.treeinfo").read_text().split("[general]")
    text = lines[0] + "[header]" + lines[1].partition("[header]")[2]

    assert detect({".treeinfo": text.encode()}) == TREES["image/mini"]


def test_checksums_are_kept_where_they_are_any() -> None:
    sums = detect(stub("rhel/almalinux-9.4")).checksums
    broken = detect({".treeinfo": stub("rhel/rhel-7.6")[".treeinfo"] + b"\n[checksums]\nA/b = sha256:none\n"})

    assert sums["images/pxeboot/vmlinuz"] == f"sha256:{'2' * 64}"
    assert broken.checksums == {}


ARCHES = {
    ("debian/trixie", "aarch64"): "dists/trixie/main/installer-arm64/current/images/netboot/",
    ("debian/trixie", "x86_64"): "dists/trixie/main/installer-amd64/current/images/netboot/",
    ("agama/leap-16.0", "aarch64"): "boot/aarch64/loader/linux",
    ("suse/leap-15.6-products", "aarch64"): "boot/aarch64/linux",
}
WRONG = {
    ("rhel/stream-9", "aarch64"): "the tree is for x86_64, not for aarch64",
    ("debian/arm64-only", "x86_64"): "this mirror holds trixie for all, arm64, not for amd64",
    ("debian/trixie", "sparc"): "processor 'sparc' is not known here; known are x86_64, aarch64",
    ("ubuntu/24.04-live-arm64", "x86_64"): "the tree is for aarch64, not for x86_64",
}


@pytest.mark.parametrize(("name", "arch"), ARCHES)
def test_a_tree_for_several_processors_is_read_for_the_one_that_is_wanted(name: str, arch: str) -> None:
    facts = detect(stub(name), arch)

    assert facts.arch == arch
    assert facts.kernel.startswith(ARCHES[name, arch])


@pytest.mark.parametrize(("name", "arch"), WRONG)
def test_another_processors_tree_is_refused(name: str, arch: str) -> None:
    with pytest.raises(Invalid) as refusal:
        detect(stub(name), arch)

    assert str(refusal.value) == WRONG[name, arch]


def test_a_mirror_with_several_releases_is_read_for_the_one_that_is_wanted() -> None:
    files = stub("debian/trixie") | stub("debian/bookworm-only")

    assert detect(files).release == "13"
    assert recognise(files, "", "12") == TREES["debian/bookworm-only"]
    assert recognise(files, "", "bookworm") == TREES["debian/bookworm-only"]
    assert recognise(stub("debian/trixie"), "", "12") is None


RELEASES = {
    ("rhel/centos-7.6.1810", "7.6"): "7.6",
    ("rhel/oracle-8.8", "8"): "8.8.0",
    ("ubuntu/noble-releases", "24.04"): "24.04.4",
    ("fedora/rawhide", ""): "Rawhide",
}
OTHERS = {
    ("rhel/stream-9", "8"): "the tree holds rhel 9, not 8",
    ("ubuntu/24.04-live", "24.10"): "the tree holds ubuntu 24.04, not 24.10",
    ("suse/leap-15.5", "15.6"): "the tree holds suse 15.5, not 15.6",
}


@pytest.mark.parametrize(("name", "release"), RELEASES)
def test_of_two_numbers_for_a_release_the_longer_is_kept(name: str, release: str) -> None:
    facts = recognise(stub(name), "", release)

    assert facts is not None
    assert facts.release == RELEASES[name, release]


@pytest.mark.parametrize(("name", "release"), OTHERS)
def test_another_release_than_the_wanted_one_is_refused(name: str, release: str) -> None:
    with pytest.raises(Invalid) as refusal:
        recognise(stub(name), "", release)

    assert str(refusal.value) == OTHERS[name, release]


def test_a_tree_that_says_nothing_is_what_a_person_says() -> None:
    assert told({}, "rhel", "7.6") == anaconda("rhel", "7.6")
    assert told(stub("foreign/clearos-7.7"), "rhel", "7") == anaconda("rhel", "7", "LiveOS/squashfs.img")
    assert told({}, "suse", "15.6", "aarch64") == family("suse").layout("15.6", "aarch64")
    with pytest.raises(Invalid, match="no release is given"):
        told({}, "rhel", "")
    with pytest.raises(Invalid, match=r"release '5' cannot be installed"):
        told(stub("foreign/clearos-7.7"), "rhel", "5")
    with pytest.raises(Invalid, match="the tree is for x86_64, not for aarch64"):
        told(stub("foreign/clearos-7.7"), "rhel", "7", "aarch64")


NO_LAYOUT = {
    ("rhel", "5"): "release '5' cannot be installed",
    ("fedora", "20"): "Fedora 20 cannot be installed",
    ("debian", "9"): "Debian '9' is not known here",
    ("ubuntu", "16.04"): "Ubuntu '16.04' is not known here",
    ("suse", "11.4"): "SUSE '11.4' cannot be installed",
    ("agama", "15.6"): "release '15.6' is not installed by Agama",
}


@pytest.mark.parametrize(("name", "release"), NO_LAYOUT)
def test_what_nobody_starts_has_no_layout(name: str, release: str) -> None:
    with pytest.raises(Invalid, match=NO_LAYOUT[name, release]):
        family(name).layout(release, "x86_64")


@pytest.mark.parametrize(
    "source", ["/srv/os", "http://m/debian", "http://m/opensuse/leap", "http://m/centos"]
)
def test_each_path_is_asked_for_once(source: str) -> None:
    asked = [path for row in rounds(source) for path in row]

    assert sorted(asked) == sorted(PROBES)


def test_a_file_of_no_tree_says_nothing() -> None:
    assert (
        recognise({"SHA256SUMS": b"0 *rocky.iso\n", ".disk/info": b"Knoppix", ".discinfo": b"1\n2\n"}) is None
    )


def test_a_family_is_found_by_its_name() -> None:
    assert [family(row.name) for row in FAMILIES] == list(FAMILIES)
    with pytest.raises(Invalid, match="family 'gentoo' is not known; known are image, rhel, fedora, suse"):
        family("gentoo")


def test_facts_are_equal_whatever_their_checksums() -> None:
    assert TreeFacts("a", "1", "k", "i", checksums={"k": "sha256:0"}) == TreeFacts("a", "1", "k", "i")
