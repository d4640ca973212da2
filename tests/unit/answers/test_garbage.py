"""Whatever a file holds, a check ends in findings or in one sentence: it never breaks."""

import random
from pathlib import Path

import pytest

from provisioner.answers.lint import lint
from provisioner.core.errors import Invalid

DATA = Path(__file__).parents[2] / "data/answers"
FILES = {
    "centos7-full.ks": ("rhel", "7"),
    "old-el7.ks": ("rhel", "10"),
    "debian13-full.cfg": ("debian", "13"),
    "ubuntu24.yaml": ("ubuntu", "24.04"),
    "leap15.xml": ("suse", "15.6"),
    "leap16.json": ("agama", "16"),
}
PIECES = (
    *(
        "%pre",
        "%end",
        "%packages",
        "%include",
        "%addon",
        "%certificate --filename=a",
        "%",
        "%%",
        "@",
        "-",
        "-@^",
    ),
    *(
        '"',
        "'",
        "\\",
        "{",
        "}",
        "[",
        "]",
        ":",
        "- ",
        "<",
        ">",
        "&",
        "\x00",
        "\t",
        "--",
        "=",
        "#",
        "漢",
        "\r\n",
    ),
    *("\n\n", "!!", "&a *a", "<!ENTITY", "--lock", "\ufeff", "]]>"),
)
SEVERAL = 12


def spoilt(lines: list[str], chance: random.Random) -> str:
    """The text with a few of its lines lost, doubled, cut, or with something in them that is not theirs."""
    lines = list(lines)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(lines))
        line = lines[at]
        cut = chance.randrange(len(line) + 1)
        match chance.randrange(4):
            case 0 if len(lines) > 1:
                lines.pop(at)
            case 1:
                lines.insert(at, chance.choice(lines))
            case 2:
                lines[at] = line[:cut]
            case _:
                lines[at] = line[:cut] + chance.choice(PIECES) + line[cut:]
    return "".join(lines)


@pytest.mark.parametrize("name", FILES)
def test_a_spoilt_file_ends_in_findings(name: str) -> None:
    lines = (DATA / name).read_text().splitlines(keepends=True)
    family, release = FILES[name]
    for seed in range(SEVERAL):
        text = spoilt(lines, random.Random(seed))
        try:
            found = lint(text, family, release)
        except Invalid as error:
            assert "\n" not in str(error)
            continue
        assert all(row.line >= 0 and row.text and "\n" not in row.text for row in found), (seed, found)


ODD = [
    "",
    "\n",
    "\x00",
    "%",
    "%end\n",
    "-\n",
    "%packages\n-\n%end\n",
    "%packages\n@\n%end\n",
    "\ufeff",
    "[" * 5000,
    "-" * 5000,
]


@pytest.mark.parametrize("family", ["rhel", "debian", "ubuntu", "suse", "agama"])
@pytest.mark.parametrize("text", ODD)
def test_what_is_hardly_a_file_ends_in_findings(family: str, text: str) -> None:
    releases = {"rhel": "9", "debian": "13", "ubuntu": "24.04", "suse": "15.6", "agama": "16"}

    assert isinstance(lint(text, family, releases[family]), list)
