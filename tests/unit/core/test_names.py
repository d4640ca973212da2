import pytest

from provisioner.core.errors import Invalid
from provisioner.core.names import expand


@pytest.mark.parametrize(
    ("pattern", "count", "names"),
    [
        ("web1", 1, ["web1"]),
        ("web{1..3}", 1, ["web1", "web2", "web3"]),
        ("web{08..10}.lab", 1, ["web08.lab", "web09.lab", "web10.lab"]),
        ("web", 2, ["web1", "web2"]),
        ("web{1..2}", 2, ["web1", "web2"]),
        ("{web,db}-{1..2}", 1, ["web-1", "web-2", "db-1", "db-2"]),
    ],
)
def test_a_word_stands_for_names(pattern: str, count: int, names: list[str]) -> None:
    assert expand(pattern, count) == names


@pytest.mark.parametrize(
    ("pattern", "count", "words"),
    [
        ("web{3..1}", 1, "must rise"),
        ("web{1..2000}", 1, "by 1000 at most"),
        ("web{1..3}", 2, "--count asks for 2"),
        ("web{1..40}-{1..40}", 1, "more than 1000"),
        ("web", 0, "out of range"),
    ],
)
def test_a_range_that_is_none_is_told(pattern: str, count: int, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        expand(pattern, count)
