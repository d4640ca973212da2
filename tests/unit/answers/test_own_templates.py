"""A folder of the user's in front of ours: whole templates, single snippets, and ours beneath them."""

from pathlib import Path

import pytest

from provisioner.answers.render import render
from provisioner.core.errors import Invalid
from tests.unit.answers.contexts import context


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder with a snippet, a layout and templates of one's own."""
    files = {
        "rhel/snippets/packages.j2": "%packages\n@mine\n%end\n",
        "rhel/snippets/layout-site.j2": "part / --size=9000\n",
        "debian/preseed.cfg.j2": '{% extends "shipped/debian/preseed.cfg.j2" %}\n'
        "{% block locale %}{{ super() }}d-i site/asked boolean true\n{% endblock %}\n",
        "site/ks.cfg.j2": '# ours\n{% include "rhel/snippets/locale.j2" %}\n',
        "site/broken.j2": '{% include "site/snippets/inner.j2" %}\n',
        "site/snippets/inner.j2": "a\n{{ nobody }}\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_one_snippet_is_replaced_and_the_rest_is_ours(own: Path) -> None:
    ours, text = (render("rhel/ks.cfg.j2", context("rhel", "9"), folder) for folder in (None, own))

    assert text == ours.replace("@core\n", "@mine\n")


def test_a_layout_of_ones_own_is_a_file(own: Path) -> None:
    text = render("rhel/ks.cfg.j2", context("rhel", "9", {"layout": "site"}), own)

    assert "part / --size=9000\n" in text
    with pytest.raises(Invalid, match="known are luks, lvm, plain, raid1, site, thinp"):
        render("rhel/ks.cfg.j2", context("rhel", "9", {"layout": "none"}), own)


def test_a_template_extends_the_one_that_it_stands_in_front_of(own: Path) -> None:
    text = render("debian/preseed.cfg.j2", context("debian", "13"), own)

    assert "d-i clock-setup/ntp boolean false\nd-i site/asked boolean true\n" in text
    assert text.endswith("report-install success /tmp/success\n")


def test_a_template_of_ones_own_includes_our_snippets(own: Path) -> None:
    assert render("site/ks.cfg.j2", context("rhel", "9"), own).startswith("# ours\nlang en_US.UTF-8\n")


def test_a_change_is_seen_without_a_restart(own: Path) -> None:
    file = own / "site/ks.cfg.j2"
    before = render("site/ks.cfg.j2", context("rhel", "9"), own)
    file.write_text("text\n")
    file.touch()

    assert before != render("site/ks.cfg.j2", context("rhel", "9"), own) == "text\n"


def test_what_is_wrong_in_a_snippet_is_named_with_its_place(own: Path) -> None:
    with pytest.raises(Invalid, match=r"^site/snippets/inner\.j2 line 2: 'nobody' is undefined$"):
        render("site/broken.j2", context("rhel", "9"), own)
