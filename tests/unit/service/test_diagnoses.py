"""What a line of the log adds to what the events say, and how all of it is told."""

import re

import pytest

from provisioner.core.install import Kind
from provisioner.distros.scan import tables
from provisioner.service.diagnoses import DIAGNOSES
from tests.unit.service.test_why import TO_ANSWER, TO_INITRD, TO_OFFER, Happened, told

K = Kind
PANIC: Happened = (K.LOG, "Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)")
OOM: Happened = (K.LOG, "Out of memory: Killed process 812 (anaconda)")
NO_NAME: Happened = (K.LOG, "wget: bad address 'mirror.example.org'")
MISSING: Happened = (K.LOG, "wget: server returned error: HTTP/1.1 404 Not Found")
STEP: Happened = (K.LOG, "main-menu[301]: WARNING **: Menu item 'bootstrap-base' failed.")
ADDRESS: Happened = (K.LOG, "No configuration methods succeeded (https://ipxe.org/040ee119)")
REFUSED: Happened = (K.LOG, "Could not boot: Exec format error (https://ipxe.org/2e008081)")

NAMED: dict[str, tuple[tuple[Happened, ...], str]] = {
    "a panic before the answer file": ((*TO_INITRD, PANIC), "no-root-filesystem"),
    "a panic that was got over": ((*TO_INITRD, PANIC, K.ANSWER_SERVED), "silence"),
    "memory short in the installer": ((*TO_ANSWER, OOM), "too-little-memory"),
    "firmware's word, and then the loader came": ((*TO_OFFER, ADDRESS, K.LOADER_SENT), "no-script"),
    "firmware's word": ((*TO_OFFER, ADDRESS), "no-address"),
    "loading went wrong after the loader": ((*TO_OFFER, K.LOADER_SENT, REFUSED), "loader-other-processor"),
    "an error, and the installer went on": ((*TO_ANSWER, NO_NAME, K.TREE_BYTES), "silence"),
    "an error, and it failed all the same": (
        (*TO_ANSWER, NO_NAME, K.TREE_BYTES, (K.DEADLINE, "late")),
        "name-unresolved",
    ),
    "a warning while it runs": ((*TO_ANSWER, MISSING), "silence"),
    "a warning, and it failed": ((*TO_ANSWER, MISSING, (K.FAILED, "gave up")), "file-missing"),
    "what says most is not the last": ((*TO_ANSWER, NO_NAME, STEP, (K.FAILED, "x")), "name-unresolved"),
    "vague where nothing says more": ((*TO_ANSWER, STEP, (K.FAILED, "x")), "installer-step-failed"),
    "the report itself": (
        (*TO_ANSWER, (K.FAILED, "stopped: kickstart: line 7: the command 'x' is not known")),
        "answer-file-error",
    ),
    "what is certain goes before a log": ((*TO_ANSWER, OOM, (K.TREE_FAILED, "gone")), "tree-unreachable"),
}


@pytest.mark.parametrize(("happened", "name"), NAMED.values(), ids=NAMED)
def test_the_log_s_word_and_the_events(happened: tuple[Happened, ...], name: str) -> None:
    assert told(*happened).diagnosis == name


def test_a_paragraph_tells_stage_cause_gap_and_remedy() -> None:
    why = told(*TO_INITRD, PANIC, (K.DEADLINE, "stage loading not done after 600 s"))

    assert why.paragraph == (
        "web1 failed at loading: the kernel found no root file system: it was started without its initrd, or "
        "could not read it. The last that happened was log (Kernel panic - not syncing: VFS: Unable to mount "
        "root fs on unknown-block(0,0)); what is missing is the fetch of the answer file. To mend it: see "
        "that the tree's initrd is whole and is the one of this kernel (provisioner tree show), then: "
        "provisioner guest rebuild web1."
    )
    assert [event.kind for event in why.evidence] == [K.KERNEL_SENT, K.INITRD_SENT, K.LOG]


def test_what_the_service_keeps_is_not_what_happened_last() -> None:
    assert told(*TO_ANSWER, OOM, (K.DEADLINE, "late"), K.KEPT).last == told(*TO_ANSWER, OOM).last


def test_the_serial_line_tells_as_the_log_does() -> None:
    said = (
        K.CONSOLE,
        "the kernel panicked: [    1.3] Kernel panic - not syncing: System is deadlocked on memory",
    )

    assert told(*TO_INITRD, said).diagnosis == "too-little-memory"


def test_an_end_that_is_good_needs_no_more_than_a_sentence() -> None:
    why = told(*TO_ANSWER, K.SUCCEEDED, K.REBOOTED)

    assert (why.diagnosis, why.paragraph) == ("installed", "web1 is installed.")


def test_evidence_is_in_the_order_in_which_it_happened_and_each_once() -> None:
    lines: list[Happened] = [(K.LOG, f"line {number}") for number in range(9)]
    why = told(*TO_ANSWER, *lines, (K.FAILED, "line 8"))

    assert [event.text for event in why.evidence] == ["line 6", "line 7", "line 8", "line 8"]
    assert [event.id for event in why.evidence] == sorted({event.id for event in why.evidence})


def test_names_are_one_word_with_hyphens_each_once() -> None:
    names = [row.name for row in DIAGNOSES]

    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in names)


def test_there_are_many_distinct_ones() -> None:
    signs = {row.sign.name for rows in tables().values() for row in rows}

    assert len(signs | {row.name for row in DIAGNOSES}) >= 60
