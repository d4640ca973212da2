"""The transition table, walked at random: no order of events makes an install do what it must not."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from provisioner.core.install import ORDER, Event, Install, Kind, Stage, advance
from tests.fakes import START

ENDS = {
    Kind.FAILED: Stage.FAILED,
    Kind.DEADLINE: Stage.FAILED,
    Kind.CREATE_FAILED: Stage.FAILED,
    Kind.CANCELLED: Stage.CANCELLED,
}
LEFT_THE_INSTALLER = {Kind.REBOOTED, Kind.STOPPED, Kind.FIRST_BOOT, Kind.SETTLED}
NEUTRAL = {
    Kind.PLANNED,
    Kind.DHCP_IGNORED,
    Kind.DHCP_RIVAL,
    Kind.DHCP_UNANSWERED,
    Kind.DHCP_IPV6,
    Kind.LOADER_FAILED,
    Kind.LOADER_FOREIGN,
    Kind.LOADER_REFUSED,
    Kind.ANSWER_REFUSED,
    Kind.TREE_BYTES,
    Kind.TREE_FAILED,
    Kind.LOG,
    Kind.CONSOLE,
    Kind.LATE,
    Kind.KEPT,
    Kind.PROGRESS,
    Kind.RESET,
    Kind.LOCAL_BOOT,
    Kind.MACHINE_DISCOVERED,
    Kind.MACHINE_MOVED,
    Kind.ALARM,
}

# Half of the events are those of a good run, so that many runs get far.
KINDS = st.one_of(
    st.sampled_from([Kind.STARTED, Kind.ANSWER_SERVED, Kind.SUCCEEDED, Kind.REBOOTED, Kind.FIRST_BOOT]),
    st.sampled_from(Kind),
)


class InstallMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.at = START
        self.install = self.before = Install("i", "g", "m", "u", "p", Stage.PLANNED, START, START)
        self.seen: list[Kind] = []
        self.last: Event | None = None
        self.ended_by: Kind | None = None

    @rule(kind=KINDS, percent=st.one_of(st.none(), st.integers(-5, 200), st.text(max_size=2)))
    def happen(self, kind: Kind, percent: object) -> None:
        self.at += timedelta(seconds=1)
        data = {} if percent is None else {"percent": percent}
        self.last = Event(kind, self.at, "test", install="i", text=str(kind), data=data)
        self.before, self.install = self.install, advance(self.install, self.last)
        if self.install.over and not self.before.over:
            self.ended_by = kind
        self.seen.append(kind)

    @rule(number=st.integers(0, 30))
    @precondition(lambda self: self.seen)
    def happen_again(self, number: int) -> None:
        """An event that came before comes once more, as firmware does it."""
        self.happen(self.seen[number % len(self.seen)], None)

    @rule()
    @precondition(lambda self: self.last is not None)
    def repeat_at_once(self) -> None:
        assert self.last is not None
        assert advance(self.install, self.last) == self.install

    @invariant()
    def an_end_is_final(self) -> None:
        if self.before.over:
            assert self.install == self.before

    @invariant()
    def stages_go_forward(self) -> None:
        if self.install.stage in ORDER:
            assert ORDER.index(self.install.stage) >= ORDER.index(self.before.stage)

    @invariant()
    def percent_goes_forward_within_bounds(self) -> None:
        assert self.before.percent <= self.install.percent <= 100
        assert (self.install.percent == 100) == (self.install.stage is Stage.INSTALLED)

    @invariant()
    def an_end_comes_from_an_event_that_ends(self) -> None:
        if self.install.stage in (Stage.FAILED, Stage.CANCELLED) and not self.before.over:
            assert self.last is not None
            assert ENDS[self.last.kind] is self.install.stage

    @invariant()
    def a_failure_names_where_and_why(self) -> None:
        failed = self.install.stage is Stage.FAILED
        assert (self.install.failed_at is not None) == failed == bool(self.install.reason)
        if failed and not self.before.over:
            assert self.install.failed_at is self.before.stage

    @invariant()
    def nothing_is_installed_without_its_answer_file_and_a_sign_of_its_disk(self) -> None:
        if self.ended_by is Kind.DONE:
            assert self.install.stage is Stage.INSTALLED, "done by itself: nobody was to report"
        elif self.install.stage is Stage.INSTALLED:
            assert Kind.ANSWER_SERVED in self.seen
            assert LEFT_THE_INSTALLER & set(self.seen)
            assert Kind.SUCCEEDED in self.seen or Kind.FIRST_BOOT in self.seen

    @invariant()
    def finishing_takes_a_success_after_the_answer_file(self) -> None:
        if self.install.stage is Stage.FINISHING:
            after = self.seen[self.seen.index(Kind.ANSWER_SERVED) :]
            assert Kind.SUCCEEDED in after

    @invariant()
    def once_answered_it_boots_its_disk_for_ever(self) -> None:
        if self.before.boots_disk:
            assert self.install.boots_disk
        if self.before.answered is not None:
            assert self.install.answered == self.before.answered

    @invariant()
    def a_neutral_event_moves_no_stage(self) -> None:
        if self.last is not None and self.last.kind in NEUTRAL:
            assert self.install.stage is self.before.stage

    @invariant()
    def the_time_of_change_is_that_of_the_stage(self) -> None:
        if self.install.stage is self.before.stage:
            assert self.install.changed == self.before.changed
        elif self.last is not None:
            assert self.install.changed == self.last.at

    @invariant()
    def identity_stays(self) -> None:
        names = ("id", "guest", "mac", "uuid", "profile", "created", "generation", "address", "resets")
        same = {name: getattr(self.before, name) for name in names}
        assert replace(self.install, **same) == self.install


TestInstallMachine = InstallMachine.TestCase
TestInstallMachine.settings = settings(max_examples=400, stateful_step_count=30)
