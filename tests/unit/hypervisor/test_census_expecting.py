"""A domain that we define ourselves is known without a question, until anybody changes it."""

import pytest

from provisioner.core.host import Domain
from provisioner.hypervisor.census import Census

WEB1 = Domain("web1", "4f1b1c1e-0000-4000-8000-525400123456", "shut off", ours=True)


def known(census: Census) -> bool:
    return census._known(WEB1.name) == WEB1


@pytest.mark.parametrize("heard", ["during", "after"])
def test_libvirts_word_of_our_own_definition_is_no_news(heard: str) -> None:
    census = Census()
    with census.expecting(WEB1):
        if heard == "during":
            census.touch(WEB1.uuid, defined=True)
    if heard == "after":
        census.touch(WEB1.uuid, defined=True)

    assert known(census)


@pytest.mark.parametrize("defined", [True, False])
def test_what_comes_after_it_is(defined: bool) -> None:
    census = Census()
    with census.expecting(WEB1):
        census.touch(WEB1.uuid, defined=True)
    census.touch(WEB1.uuid, defined=defined)

    assert not known(census)


def test_somebody_elses_change_in_the_meantime_is_news() -> None:
    census = Census()
    with census.expecting(WEB1):
        census.touch(WEB1.uuid, defined=True)
        census.touch(WEB1.uuid, defined=True)

    assert not known(census)


def test_a_definition_that_fails_is_not_known_and_the_next_word_of_it_is_news() -> None:
    census = Census()
    with pytest.raises(RuntimeError), census.expecting(WEB1):
        raise RuntimeError

    assert not known(census)
    assert WEB1.uuid not in census._expected


def test_a_new_connection_knows_nothing() -> None:
    census = Census()
    with census.expecting(WEB1):
        census.forget()

    assert not known(census)
