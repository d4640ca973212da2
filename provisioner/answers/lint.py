"""What an installer would not take in an answer file, found before any machine asks for it.

Run by `worker` in a process of its own where a service asks: the texts come from strangers, and pykickstart
is not ours.
"""

from collections.abc import Callable

from provisioner.answers.finding import Finding
from provisioner.answers.lint_agama import agama
from provisioner.answers.lint_autoinstall import autoinstall
from provisioner.answers.lint_autoyast import autoyast
from provisioner.answers.lint_kickstart import kickstart
from provisioner.answers.lint_preseed import preseed
from provisioner.distros.detect import family

Check = Callable[[str, str], list[Finding]]
"""From a text and the name of its syntax to findings, in the order of their lines."""
FORMATS: dict[str, Check] = {
    "ks.cfg": kickstart,
    "preseed.cfg": preseed,
    "user-data": autoinstall,
    "autoinst.xml": autoyast,
    "agama.json": agama,
}


def lint(text: str, family_name: str, release: str) -> list[Finding]:
    """Findings in the order of their lines; without an error the file can be served. Raises Invalid."""
    row = family(family_name)
    return FORMATS[row.answer_file(release)](text, row.syntax(release))
