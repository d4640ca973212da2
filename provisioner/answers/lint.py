"""What an installer would not take in an answer file, found before any machine asks for it.

Run by `lint_worker` in a process of its own: the texts come from strangers, and pykickstart is not ours.
"""

from collections.abc import Callable

from provisioner.answers.lint_kickstart import kickstart
from provisioner.answers.lint_preseed import preseed
from provisioner.core.errors import Invalid
from provisioner.distros.detect import family

Check = Callable[[str, str], list[str]]
"""From a text and the name of its syntax to findings: sentences that begin with a line number."""
FORMATS: dict[str, Check] = {"ks.cfg": kickstart, "preseed.cfg": preseed}


def lint(text: str, family_name: str, release: str) -> list[str]:
    """Findings in the order of their lines, empty for a file that can be served. Raises Invalid."""
    row = family(family_name)
    file = row.answer_file(release)
    if file not in FORMATS:
        raise Invalid(
            f"answer files called {file} cannot be checked: the check knows {' and '.join(FORMATS)}",
            remedy=f"serve {file} yourself, and name its address with --extra-args",
        )
    return FORMATS[file](text, row.syntax(release))
