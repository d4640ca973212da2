"""What an installer would not take in an answer file, found before any machine asks for it.

Run by `worker` in a process of its own where a service asks: the texts come from strangers, and pykickstart
is not ours.
"""

from collections.abc import Callable

from provisioner.answers.finding import Finding
from provisioner.answers.lint_kickstart import kickstart
from provisioner.answers.lint_preseed import preseed
from provisioner.core.errors import Invalid
from provisioner.distros.detect import family

Check = Callable[[str, str], list[Finding]]
"""From a text and the name of its syntax to findings, in the order of their lines."""
FORMATS: dict[str, Check] = {"ks.cfg": kickstart, "preseed.cfg": preseed}


def lint(text: str, family_name: str, release: str) -> list[Finding]:
    """Findings in the order of their lines; without an error the file can be served. Raises Invalid."""
    row = family(family_name)
    file = row.answer_file(release)
    if file not in FORMATS:
        raise Invalid(
            f"answer files called {file} cannot be checked: the check knows {' and '.join(FORMATS)}",
            remedy=f"serve {file} yourself, and name its address with --extra-args",
        )
    return FORMATS[file](text, row.syntax(release))
