"""Whatever is written in a file: a lab, or a sentence; and a lab that was made is left as it is."""

import json

from hypothesis import given
from hypothesis import strategies as st

from provisioner.core.errors import Invalid
from provisioner.core.lab import KINDS, Actual, Ref
from provisioner.lab.compare import compare
from provisioner.lab.document import read
from provisioner.lab.fields import FIELDS, SECTIONS
from provisioner.lab.secrets import sealed

WORDS = st.sampled_from(
    [
        *("lab", "guests", "networks", "defaults", "name", "count", "overrides", "clone", "needs", "memory"),
        *(
            "web{1..3}",
            "a{b,c}",
            "{n}",
            "size=4",
            "network=default",
            "512",
            "on",
            "1.5",
            "~",
            "<<",
            "&x",
            "*x",
        ),
        *": - { } [ ] , & * ? | > ! % @ ` # ' \"",
        *("\n", "\n  ", "\n- ", ": ", "\t", "\0", "ü", "\ud800"),
    ]
)
FILES = st.one_of(st.text(max_size=200), st.lists(WORDS, max_size=60).map("".join))
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), WORDS)
VALUES = st.recursive(
    SCALARS, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=3))
)
KNOWN = sorted(
    {field.name for fields in FIELDS.values() for field in fields} | {"name", "count", "overrides"}
)
ENTRIES = st.dictionaries(st.one_of(st.sampled_from(KNOWN), WORDS), VALUES, max_size=6)
DOCUMENTS = st.dictionaries(
    st.sampled_from([*SECTIONS, "lab", "defaults"]), st.one_of(VALUES, st.lists(ENTRIES, max_size=3))
)


def understood(text: str) -> None:
    try:
        lab = read(text, "lab.yaml")
    except Invalid as error:
        assert str(error).startswith("lab.yaml:")
    else:
        assert lab.name


@given(FILES)
def test_any_text_is_a_lab_or_a_sentence(text: str) -> None:
    understood(text)


@given(DOCUMENTS)
def test_any_document_is_a_lab_or_a_sentence(document: object) -> None:
    understood(json.dumps(document))


NAMES = st.from_regex(r"[a-z][a-z0-9]{0,7}", fullmatch=True)
DISKS = st.builds("size={},pool={}".format, st.integers(1, 99), NAMES)
GUESTS = st.fixed_dictionaries(
    {"name": st.one_of(NAMES, st.builds("{}-{{1..{}}}".format, NAMES, st.integers(1, 9)))},
    optional={
        "memory": st.integers(128, 4096),
        "vcpus": st.integers(1, 8),
        "disks": st.lists(st.one_of(DISKS, st.fixed_dictionaries({"size": st.integers(1, 9)})), max_size=3),
        "autostart": st.booleans(),
        "boot": st.sampled_from(["bios", "uefi", "uefi,secure=on"]),
        "profile": NAMES,
        "cloud_init": st.sampled_from([{}, {"user_data": "#cloud-config"}]),
        "variables": st.dictionaries(NAMES, st.one_of(st.integers(), st.text(max_size=9)), max_size=3),
        "root_password_hash": st.just("$6$x"),
    },
)
LABS = st.lists(GUESTS, max_size=5, unique_by=lambda guest: str(guest["name"]).partition("-")[0]).map(
    lambda guests: json.dumps({"lab": "x", "guests": guests})
)


@given(LABS)
def test_a_lab_that_was_made_is_left_as_it_is(text: str) -> None:
    lab = read(text, "lab.yaml")
    made = {item.ref: Actual(sealed(item, str), on=item.on) for item in lab.items}

    assert {change.action for change in compare(lab, {})} <= {"add"}
    assert {change.action for change in compare(lab, made, prune=True)} <= {"keep"}
    assert all(change.differences == () for change in compare(lab, made))


@given(LABS, LABS)
def test_each_thing_is_told_once_and_nothing_is_removed_unasked(text: str, before: str) -> None:
    lab, old = read(text, "lab.yaml"), read(before, "old.yaml")
    actual = {item.ref: Actual(sealed(item, str)) for item in old.items}
    changes = compare(lab, actual)

    refs = [change.ref for change in changes]
    assert len(refs) == len(set(refs))
    assert set(refs) == {item.ref for item in lab.items} | actual.keys()
    assert "remove" not in {change.action for change in changes}
    pruned = {change.ref for change in compare(lab, actual, prune=True) if change.action == "remove"}
    assert pruned == actual.keys() - {item.ref for item in lab.items}


@given(st.data())
def test_an_item_comes_after_all_it_needs(data: st.DataObject) -> None:
    names = data.draw(st.lists(NAMES, min_size=1, max_size=8, unique=True))
    guests = [
        {
            "name": name,
            "needs": data.draw(st.lists(st.sampled_from(names[:place]), max_size=3)) if place else [],
        }
        for place, name in enumerate(names)
    ]
    lab = read(json.dumps({"lab": "x", "guests": data.draw(st.permutations(guests))}), "lab.yaml")

    seen: set[Ref] = set()
    for item in lab.items:
        assert set(item.needs) <= seen
        seen.add(item.ref)
    assert [KINDS.index(item.ref.kind) for item in lab.items] == [KINDS.index("guest")] * len(names)
