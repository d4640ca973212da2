"""What is wrong with a file is told where it stands, all of it in one go."""

from itertools import pairwise

import pytest

from provisioner.core.errors import Invalid
from provisioner.lab.document import LONGEST, read

WHOLE_FILES = {
    "nothing": ("", "1:1: the file is empty; a lab begins with its name: lab: NAME"),
    "a list": ("- a\n", "1:1: a lab is a map with the keys lab, hosts, networks, pools"),
    "a word": ("web1", "1:1: a lab is a map"),
    "no YAML": ("lab: x\nguests: [\n", "3:1: this is no YAML: "),
    "a tab": ("lab: x\n\tguests: []\n", "2:1: this is no YAML: found a tab character"),
    "two documents": ("lab: x\n---\nlab: y\n", "2:1: this is no YAML: but found another document"),
    "no name": ("guests: []\n", "1:1: the lab has no name; write lab: NAME"),
    "an empty name": ("lab:\nguests: []\n", "1:5: the lab has no name"),
    "a bad name": ("lab: A lab\n", "1:6: lab name 'A lab' is not usable: lower-case letters"),
    "a key": ("lab: x\nguest: []\n", "2:1: key 'guest' is not known; did you mean 'guests'?"),
    "a far key": ("lab: x\nzzz: []\n", "2:1: key 'zzz' is not known; known are lab, defaults, hosts, net"),
    "a key twice": ("lab: x\nguests: []\nguests: []\n", "3:1: 'guests' is given already on line 2"),
    "a key that is a list": ("lab: x\n? [a]\n: b\n", "2:3: a key must be a word"),
    "a section": ("lab: x\nguests: {name: web1}\n", "2:9: guests must be a list of maps, each with its name"),
    "defaults": ("lab: x\ndefaults: [a]\n", "2:11: defaults must be a map with the keys hosts, networks"),
    "defaults of": ("lab: x\ndefaults: {gests: {}}\n", "2:12: defaults: key 'gests' is not known; did you m"),
    "defaults of guests": ("lab: x\ndefaults: {guests: 5}\n", "2:20: the defaults of guests must be a map"),
    "a default": (
        "lab: x\ndefaults: {guests: {memroy: 5}}\n",
        "2:21: defaults of guests: key 'memroy' is not known; did you mean 'memory'?",
    ),
    "a deep one": ("lab: x\nguests: " + "[" * 60 + "]" * 60, "2:59: this is nested too deep or too large"),
    "a bomb": (
        "lab: x\na: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in pairwise("abcdef")),
        "this is nested too deep or too large",
    ),
    "an alias of itself": ("lab: x\nguests: &a [*a]\n", "this is nested too deep or too large"),
}

GUESTS = {
    "no map": ("- web1", "3:3: a guest must be a map with its name"),
    "no name": ("- {memory: 512}", "3:3: a guest needs a name"),
    "a name": ("- {name: Web}", "3:10: guest name 'Web' is not usable"),
    "a long name": (f"- {{name: {'a' * 64}}}", "is not usable: lower-case letters"),
    "a range": ("- name: web{3..1}", "3:9: web{3..1}: the range {3..1} must rise, by 1000 at most"),
    "a wide range": ("- name: web{1..2000}", "3:9: web{1..2000}: the range {1..2000} must rise"),
    "many": ("- name: web{1..100}{1..100}", "3:9: web{1..100}{1..100} gives more than 1000 names"),
    "a count": (
        "- {name: web, count: many}",
        "3:22: guest web: count must be a whole number, not the text 'm",
    ),
    "a large count": ("- {name: web, count: 5000}", "3:22: guest web: count 5000 is out of range; 1 to 1000"),
    "another count": (
        "- {name: 'web{1..3}', count: 2}",
        "3:10: guest web{1..3} gives 3 names, and count asks",
    ),
    "n without count": ("- name: web{n}", "3:9: guest web{n}: the {n} in its name needs a count"),
    "a key": ("- {name: a, memroy: 512}", "3:13: guest a: key 'memroy' is not known; did you mean 'memory'?"),
    "a key twice": ("- {name: a, memory: 512, memory: 256}", "3:26: 'memory' is given already on line 3"),
    "a unit": ("- {name: a, memory: 2G}", "3:21: guest a: memory must be a whole number, not the text '2G'"),
    "a fraction": ("- {name: a, memory: 0.5}", "3:21: guest a: memory must be a whole number, not '0.5'"),
    "a quoted number": ("- {name: a, memory: '512'}", "memory must be a whole number, not the text '512'"),
    "little memory": ("- {name: a, memory: 64}", "3:21: guest a: memory 64 is out of range; 128 to 16777216"),
    "no vcpus": ("- {name: a, vcpus: 0}", "3:20: guest a: vcpus 0 is out of range; 1 to 710"),
    "a truth": ("- {name: a, rom: 1}", "3:18: guest a: rom must be true or false, not '1'"),
    "a list": (
        "- {name: a, disks: size=4}",
        "3:20: guest a: disks must be a list of texts or maps, not the t",
    ),
    "a list in one": ("- {name: a, disks: [[x]]}", "3:21: guest a: disks[0] must be a text, not a list"),
    "a map": (
        "- {name: a, variables: [x]}",
        "3:24: guest a: variables must be a map of names and values, not",
    ),
    "a text": ("- {name: a, cpu: {x: y}}", "3:18: guest a: cpu must be a text, not a map"),
    "two lines": (
        '- {name: a, extra_args: "a\\nb"}',
        "3:25: guest a: extra_args must be one line of printable",
    ),
    "a long line": (f"- {{name: a, cpu: {'x' * 2001}}}", "guest a: cpu is longer than 2000 characters"),
    "a choice": ("- {name: a, method: px}", "3:21: guest a: method 'px' is not known; did you mean 'pxe'?"),
    "a far choice": ("- {name: a, graphics: spice}", "graphics 'spice' is not known; known are none, vnc"),
    "a disk": (
        "- {name: a, disks: [sice=4]}",
        "3:20: guest a: disk 'sice=4': 'sice=4' is not understood (did",
    ),
    "a disk of nothing": (
        "- {name: a, disks: [{bus: scsi}]}",
        "disk 'bus=scsi': size= is missing; write siz",
    ),
    "a disk's key": (
        "- {name: a, disks: [{sice: 4}]}",
        "3:22: guest a: disks[0]: key 'sice' is not known; did y",
    ),
    "a disk's comma": (
        "- {name: a, disks: [{path: 'a,b'}]}",
        "disks[0]: path must be a word without a comma",
    ),
    "many disks": (
        f"- {{name: a, disks: [{', '.join(['size=1'] * 17)}]}}",
        "disks has 17 entries; 16 is the",
    ),
    "a card's model": (
        "- {name: a, networks: ['user,model=x']}",
        "network 'user,model=x': model=x is not kno",
    ),
    "a MAC": (
        "- {name: a, mac: zz}",
        "3:18: guest a: 'zz' is not a MAC address; write it like 52:54:00:12:34",
    ),
    "a UUID": ("- {name: a, uuid: zz}", "3:19: guest a: 'zz' is not a UUID"),
    "firmware": (
        "- {name: a, boot: efi}",
        "3:19: guest a: boot 'efi' is not understood; write bios, uefi or u",
    ),
    "cloud-init": (
        "- {name: a, cloud_init: {users_data: x}}",
        "3:26: guest a: cloud_init: key 'users_data' is",
    ),
    "a clone's memory": (
        "- {name: a, clone: b, memory: 512}",
        "3:23: guest a, a clone: key 'memory' is not kno",
    ),
    "an override": (
        "- {name: a, overrides: {b: {}}}",
        "3:25: guest a: the overridden 'b' is not known; known are a",
    ),
    "an override's key": (
        "- {name: a, overrides: {a: {x: 1}}}",
        "3:29: guest a, override of a: key 'x' is not",
    ),
    "an override of none": (
        "- {name: a, overrides: {a: 5}}",
        "3:28: guest a: the override of a must be a map",
    ),
    "overrides": (
        "- {name: a, overrides: [b]}",
        "3:24: guest a: overrides must be a map of names and their f",
    ),
    "needs": ("- {name: a, needs: [b]}", "3:20: guest a: the needed guest 'b' is not known; known are a"),
    "a circle": (
        "- {name: a, needs: [b]}\n- {name: b, needs: [c]}\n- {name: c, clone: a}",
        "guest a needs guest b needs guest c needs guest a: none of them can be made first",
    ),
    "itself": ("- {name: a, clone: a}", "3:10: guest a needs guest a: none of them can be made first"),
    "a name twice": ("- {name: a}\n- {name: a}", "4:10: guest a: the name a is that of guest a on line 3 al"),
    "a name of several": (
        "- name: a{1..3}\n- name: a2",
        "4:9: guest a2: the name a2 is that of guest a2 on li",
    ),
    "a MAC twice": (
        "- {name: a, mac: '52:54:00:00:00:01'}\n- {name: b, networks: ['user,mac=525400000001']}",
        "4:23: guest b: the MAC address 52:54:00:00:00:01 is that of guest a on line 3 already",
    ),
    "a MAC of several": (
        "- {name: 'a{1..2}', mac: '52:54:00:00:00:01'}",
        "3:26: guest a2: the MAC address 52:54:00:00:00:01 is that of guest a1 on line 3 already",
    ),
    "a UUID twice": (
        "- {name: 'a{1..2}', uuid: 7c3fcbd9-1a6f-4f0c-9d5c-0c6b8a1f6a3e}",
        "3:27: guest a2: the UUID 7c3fcbd9-1a6f-4f0c-9d5c-0c6b8a1f6a3e is that of guest a1 on line 3 already",
    ),
    "an address twice": (
        "- {name: 'a{1..2}', variables: {address: 192.168.9.5/24}}",
        "3:32: guest a2: the address 192.168.9.5 is that of guest a1 already",
    ),
}

OTHERS = {
    "no subnet": (
        "networks: [{name: a}]",
        "2:19: network a: mode nat needs the guests' subnet; say it, like",
    ),
    "a subnet": (
        "networks: [{name: a, subnet: x}]",
        "network a: subnet 'x' is not an IPv4 network with its p",
    ),
    "a mode": ("networks: [{name: a, mode: nta}]", "network a: mode 'nta' is not known; did you mean 'nat'?"),
    "a range outside": (
        "networks: [{name: a, subnet: 10.0.0.0/24, dhcp_range: '10.0.1.1,10.0.1.9'}]",
        "network a: DHCP range 10.0.1.1-10.0.1.9: 10.0.1.1 is no host's address in 10.0.0.0/24",
    ),
    "two subnets": (
        "networks: [{name: a, subnet: 10.0.0.0/24}, {name: b, subnet: 10.0.0.0/8}]",
        "2:62: network b: 10.0.0.0/8 overlaps 10.0.0.0/24 of network a",
    ),
    "an address that is lent": (
        "networks: [{name: n, subnet: 10.0.0.0/24, dhcp_hosts: ['52:54:00:00:00:01,10.0.0.5']}]\n"
        "guests: [{name: a, networks: [network=n], variables: {address: 10.0.0.5/24}}]",
        "3:54: guest a: the address 10.0.0.5 is reserved for 52:54:00:00:00:01 in network n already",
    ),
    "a pool's place": (
        "pools: [{name: a, path: /etc}]",
        "pool a: /etc belongs to the system, and every file ",
    ),
    "a pool's group": (
        "pools: [{name: a, kind: logical, source: ''}]",
        "pool a: '' is not the name of a volu",
    ),
    "a pool's name": ("pools: [{name: a b, path: /srv/x}]", "pool name 'a b' is not usable"),
    "no URI": ("hosts: [{name: a}]", "2:16: host a: uri is missing"),
    "a URI": (
        "hosts: [{name: a, uri: 'qemu+tcp://x/system'}]",
        "host a: libvirt URI qemu+tcp://x/system is n",
    ),
    "a URI of lists": ("hosts: [{name: a, uri: [x]}]", "2:24: host a: uri must be a text, not a list"),
    "no source": ("trees: [{name: a}]", "2:16: tree a: source is missing"),
    "a source": (
        "trees: [{name: a, source: 'gopher://x'}]",
        "tree a: tree source 'gopher://x' is none of: an",
    ),
    "a family": ("profiles: [{name: a, tree: x}]", "2:19: profile a: family is missing"),
    "a pool twice": (
        "pools: [{name: a, path: /srv/a}, {name: a, path: /srv/b, on: local}]",
        "pool a: the name a is that of pool a on line 2 already",
    ),
}


def told(text: str) -> str:
    with pytest.raises(Invalid) as caught:
        read(text, "lab.yaml")
    assert caught.value.remedy == "mend lab.yaml and try again; nothing was changed"
    return str(caught.value)


@pytest.mark.parametrize("case", WHOLE_FILES)
def test_files(case: str) -> None:
    text, words = WHOLE_FILES[case]
    said = told(text)

    assert words in said
    assert len(said.splitlines()) == 1, said
    assert said.startswith("lab.yaml:")


@pytest.mark.parametrize("case", GUESTS)
def test_guests(case: str) -> None:
    lines, words = GUESTS[case]
    said = told("lab: x\nguests:\n" + "".join(f"{line}\n" for line in lines.splitlines()))

    assert words in said
    assert len(said.splitlines()) == 1, said


@pytest.mark.parametrize("case", OTHERS)
def test_other_things(case: str) -> None:
    text, words = OTHERS[case]
    said = told(f"lab: x\n{text}\n")

    assert words in said
    assert len(said.splitlines()) == 1, said


ALL = """\
lab: x
gests: []
guests:
  - {name: a, memroy: 5, disks: [sice=4]}
  - {name: b, mac: zz}
"""


def test_all_are_told_in_the_order_of_the_file() -> None:
    assert [line.split(": ")[0] for line in told(ALL).splitlines()] == [
        "lab.yaml:2:1",
        "lab.yaml:4:15",
        "lab.yaml:4:33",
        "lab.yaml:5:20",
    ]


def test_of_very_many_the_first_are_told() -> None:
    lines = told("lab: x\nguests:\n" + "- {name: A}\n" * 50).splitlines()

    assert len(lines) == 41
    assert lines[-1] == "and 10 more"


def test_too_many_things() -> None:
    entries = "".join(f"- name: g{number}-{{1..1000}}\n" for number in range(6))

    assert told(f"lab: x\nguests:\n{entries}") == (
        "lab.yaml:8:9: guest g5-{1..1000}: a lab may not have so many things"
    )


def test_a_file_that_is_too_large_is_not_even_read() -> None:
    with pytest.raises(Invalid, match="larger than 4 MiB"):
        read("#" * (LONGEST + 1), "lab.yaml")


def test_one_address_may_be_in_two_networks() -> None:
    text = "{{name: {}, networks: [network={}], variables: {{address: 10.0.0.5/24}}}}"
    lab = read(f"lab: x\nguests: [{text.format('a', 'n')}, {text.format('b', 'm')}]", "lab.yaml")

    assert len(lab.items) == 2


def test_a_guest_may_take_what_is_reserved_for_it() -> None:
    lab = read(
        "lab: x\n"
        "networks: [{name: n, subnet: 10.0.0.0/24, dhcp_hosts: ['52:54:00:00:00:01,10.0.0.5']}]\n"
        "guests: [{name: a, mac: '52:54:00:00:00:01', networks: [network=n], "
        "variables: {address: 10.0.0.5}}]",
        "lab.yaml",
    )

    assert len(lab.items) == 2
