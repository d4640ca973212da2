"""Why an install stands where it stands: pure, from its events, by the table of diagnoses."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from provisioner.core.install import Event, Install, Kind, Stage
from provisioner.service.diagnoses import AGAIN, DIAGNOSES, Words
from provisioner.service.seen import Seen

_OURS: Final = frozenset({Kind.RESET, Kind.DEADLINE, Kind.KEPT})
_MOST: Final = 8


@dataclass(frozen=True, slots=True)
class Why:
    """`diagnosis` is its name in docs/diagnoses.md; `paragraph` says all of it in words.

    `missing` is the first thing that did not happen; "" where nothing is missing. `evidence` are the events
    that it was told from, oldest first.
    """

    install: str
    stage: Stage
    last: Event | None
    missing: str
    cause: str
    remedy: str
    diagnosis: str = ""
    paragraph: str = ""
    evidence: tuple[Event, ...] = ()


def explain(install: Install, events: Sequence[Event]) -> Why:
    """`events` oldest first, all of the install. What the service did itself is not what happened last."""
    seen = Seen(install, [event for event in events if event.kind not in _OURS])
    row = next(row for row in DIAGNOSES if row.when(seen))
    last = seen.events[-1] if seen.events else None
    missing, cause, remedy = (_say(words, seen) for words in (row.missing, row.cause, row.remedy))
    name, proof = row.name, [event for kind in row.evidence if (event := seen.latest(kind)) is not None]
    trouble = seen.trouble() if row.guess else None
    if trouble is not None:
        sign, line = trouble
        name, cause, remedy = sign.name, sign.cause, f"{sign.remedy}, {_say(AGAIN, seen)}"
        proof.append(line)
    elif row.guess:
        proof += seen.log
    if last is not None:
        proof.append(last)
    evidence = _in_order(proof, seen)
    paragraph = _paragraph(install, missing, cause, remedy, last)
    return Why(install.id, install.stage, last, missing, cause, remedy, name, paragraph, evidence)


def _say(words: Words, seen: Seen) -> str:
    if not isinstance(words, str):
        return words(seen)
    return words.replace("{guest}", seen.install.guest).replace("{mac}", seen.install.mac)


def _in_order(events: Sequence[Event], seen: Seen) -> tuple[Event, ...]:
    wanted = {seen.index(event) for event in events}
    return tuple(seen.events[number] for number in sorted(wanted)[-_MOST:])


def _paragraph(install: Install, missing: str, cause: str, remedy: str, last: Event | None) -> str:
    """Where it stands, why, what came last and what did not come, what mends it."""
    if not missing:
        return _sentences(cause, remedy and f"To go on: {remedy}")
    failed = install.stage is Stage.FAILED and install.failed_at
    stands = (
        f"{install.guest} failed at {install.failed_at}" if failed else f"{install.guest} is {install.stage}"
    )
    came = f"the last that happened was {last.kind} ({last.text})" if last and last.text else ""
    absent = f"what is missing is {missing}"
    between = "; ".join(filter(None, (came, absent)))
    return _sentences(f"{stands}: {cause}", between, f"To mend it: {remedy}")


def _sentences(*sentences: str) -> str:
    told = (
        f"{sentence[0].upper()}{sentence[1:]}" if number else sentence
        for number, sentence in enumerate(sentences)
        if sentence
    )
    return " ".join(sentence if sentence.endswith((".", "?", "!")) else f"{sentence}." for sentence in told)
