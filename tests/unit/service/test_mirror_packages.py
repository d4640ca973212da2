"""What a profile installs, with all that it needs: closures over small repositories."""

from collections.abc import Mapping

import pytest

from provisioner.answers.named import Named
from provisioner.core.errors import Invalid, NotFound
from provisioner.core.mirror import Listed, Package, Repository
from provisioner.core.profile import Profile, Tree
from provisioner.service.mirror_packages import Selection, resolve
from tests.fake_mirror import FakeContents
from tests.fakes import FakeProfiles


def package(name: str, needs: str = "", gives: str = "", wants: str = "", level: str = "") -> Package:
    """Needs as `a b|c`."""
    each = tuple(tuple(word.split("|")) for word in needs.split())
    liked = tuple((word,) for word in wants.split())
    return Package(name, Listed(f"{name}.pkg"), frozenset(gives.split()), each, liked, level)


def repository(*packages: Package, **groups: str) -> Repository:
    return Repository(
        packages, {name.replace("_", "^"): tuple(words.split()) for name, words in groups.items()}
    )


WEB = (
    package("web", "libc libssl|libtls mta", wants="logrotate nothing-like-it"),
    package("libc", gives="libc.so"),
    package("libssl", "libc.so"),
    package("libtls"),
    package("postfix", gives="mta"),
    package("sendmail-long", gives="mta"),
    package("logrotate", "cron"),
    package("cron"),
    package("unasked"),
    package("patterns-base-base", "libc"),
    package("kernel", level="required"),
)
CASES: Mapping[str, tuple[Named, str, str]] = {
    "what it needs, by name and by what is given": (
        Named(("web",), weak=False),
        "web libc libssl postfix",
        "",
    ),
    "what it likes": (Named(("web",)), "web libc libssl postfix logrotate cron", ""),
    "an alternative that is chosen already": (
        Named(("libtls", "web"), weak=False),
        "libtls web libc postfix",
        "",
    ),
    "a provider that is chosen already": (
        Named(("sendmail-long", "web"), weak=False),
        "sendmail-long web libc libssl",
        "",
    ),
    "what nothing gives": (Named(("web", "ghost"), weak=False), "web libc libssl postfix", "ghost"),
    "what is excluded": (
        Named(("web",), excluded=frozenset({"post*", "logrotate"})),
        "web libc libssl sendmail-long",
        "",
    ),
    "what may be there": (Named((), added=("cron", "grub-of-another-release")), "cron", ""),
    "a group and its groups": (Named((), ("^minimal",), weak=False), "cron libtls", ""),
    "a group that is not there": (Named((), ("graphics",)), "", "@graphics"),
    "a pattern, which is a package": (Named((), ("base",)), "patterns-base-base libc", ""),
    "by priority": (Named((), levels=("required",)), "kernel", ""),
    "by a pattern of names": (Named(("lib*",), weak=False), "libc libssl libtls", ""),
}


@pytest.mark.parametrize("case", CASES)
def test_closures(case: str) -> None:
    asked, files, missing = CASES[case]
    found, unresolved = resolve(
        repository(*WEB, _minimal="@more cron", more="libtls not-for-this-arch"), asked
    )

    assert {item.path for item in found} == {f"{name}.pkg" for name in files.split()}
    assert unresolved == missing.split()


class Renders:
    async def rendered(self, template: str, context: object) -> str:
        return f"# {template}\n%packages --nocore\nweb\nghost\n%end\n"


async def test_the_packages_of_a_profiles_answer_file() -> None:
    profiles = FakeProfiles(Profile("web", "rhel", "el"), Profile("deb", "debian", "x"))
    select = Selection(profiles, Renders(), FakeContents(packages=repository(*WEB)))
    tree = Tree("el", "http://m.example", "rhel", "9.4")
    files, missing = await select(tree, "web")

    assert "libssl.pkg" in [item.path for item in files]
    assert list(missing) == ["ghost"]
    with pytest.raises(Invalid, match="profile deb is for the installer of family debian"):
        await select(tree, "deb")
    with pytest.raises(NotFound):
        await select(tree, "nobody")
