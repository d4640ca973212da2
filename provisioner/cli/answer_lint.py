"""`provisioner answer lint`: an answer file checked as its installer would, by this program alone."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from provisioner.cli.answer_file import (
    family_option,
    file_argument,
    kind_of,
    read,
    release_option,
    tell,
)
from provisioner.cli.given import variable_option, variables
from provisioner.cli.output import Format, output_option, remark
from provisioner.core.errors import Invalid

if TYPE_CHECKING:
    from provisioner.answers.finding import Finding


@click.command()
@file_argument
@family_option
@release_option
@variable_option
@output_option
def lint(file: Path, family: str | None, release: str, pairs: tuple[str, ...], output: Format) -> None:
    """Check FILE as the installer of that release would; exit code 1 where it would stop.

    No service is needed. A FILE that ends in .j2, or one that is given a --var, is a template: it is rendered
    for a guest called example first, and its own lines are named.
    """
    text = read(file)
    family, release = kind_of(text, family, release)
    if file.suffix == ".j2" or pairs:
        import asyncio

        found = asyncio.run(_of_template(text, str(file), family, release, variables(pairs)))
    else:
        from provisioner.answers.lint import lint as check

        found = check(text, family, release)
    tell(file, found, output)
    remark(f"{file}: {'nothing that would stop the installer' if found else 'nothing found'}")


async def _of_template(
    text: str, name: str, family: str, release: str, given: dict[str, object]
) -> "list[Finding]":
    """What is found in what the template gives. It may be a stranger's, so it is rendered within bounds."""
    from dataclasses import replace

    from provisioner.answers.origins import INLINE
    from provisioner.core.profile import Profile
    from provisioner.media.answers import AnswerProcess
    from provisioner.service.answers import sample

    template = text if text.endswith("\n") else text + "\n"
    context = sample(Profile("example", family, "tree", template, release, variables=given), release)
    reader = AnswerProcess()
    try:
        rendered = await reader.render(template, context)
        found = await reader.lint(rendered, family, release)
        placed = (await reader.origins(template, context, rendered)).told(found) if found else []
    except Invalid as error:
        raise Invalid(str(error).replace(INLINE, name, 1), remedy=error.remedy) from None
    finally:
        await reader.close()
    return [replace(row, template=name if row.template == INLINE else row.template) for row in placed]
