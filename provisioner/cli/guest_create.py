"""`provisioner guest create`: virt-install's option names, a request to the service for each guest."""

from typing import Any

import click

from provisioner.cli.api import Api, connect
from provisioner.cli.finish import finish, finish_all, made_of
from provisioner.cli.guest_options import body, create_options
from provisioner.cli.names import several
from provisioner.cli.output import Format, document, output_option


@click.command(short_help="Create a guest and install a profile on it.")
@click.argument("name", nargs=-1, metavar="NAME…")
@click.option("-n", "--name", "named", metavar="NAME", help="The name, as virt-install has it.")
@click.option("--count", type=click.IntRange(1), default=1, help="So many guests: NAME1, NAME2, …")
@create_options
@click.option("--dry-run", is_flag=True, help="Print the plan and the domain XML; change nothing.")
@click.option("--print-xml", is_flag=True, help="Print the domain XML alone; change nothing.")
@click.option("--at-once", type=click.IntRange(1), metavar="N", help="Let so many of them install at a time.")
@click.option("--wait", is_flag=True, help="Follow the installation to its end.")
@output_option
def create(
    name: tuple[str, ...],
    *,
    named: str,
    count: int,
    at_once: int | None,
    dry_run: bool,
    print_xml: bool,
    wait: bool,
    output: Format,
    **options: Any,
) -> None:
    """Create guest NAME and install on it, unattended.

    By the network (--profile alone), by a tree's kernel (--location), from a medium (--cdrom), or from a disk
    image (--import). NAME may stand for several, by the shell or by us: web{01..20}.
    """
    if not (options["profile"] or options["location"] or options["cdrom"] or options["method"] == "import"):
        raise click.UsageError("say what to install: --profile, --location, --cdrom, or --import with --disk")
    if name and named:
        raise click.UsageError("give the guest's name once, as NAME or as --name")
    names = several(name or tuple(filter(None, [named])), count)
    request = body(names[0], options)
    if len(names) > 1 and (options["mac"] or options["uuid"]):
        raise click.UsageError("--mac and --uuid are for one guest")
    api = connect()
    if dry_run or print_xml:
        for one in names:
            plan = api.post("guests", body={"name": one, **request}, dry_run="1")["plan"]
            _print(plan, output, xml_only=print_xml)
    elif len(names) == 1:
        answer = api.post("guests", body={"name": names[0], **request})
        _made(answer, options)
        finish(api, names[0], answer, wait=wait, output=output)
    else:
        request |= {"at_once": at_once} if at_once else {}
        finish_all(api, _all_made(api, names, request, options), names, wait=wait, output=output)


def _all_made(api: Api, names: list[str], request: dict[str, Any], options: dict[str, Any]) -> list[Any]:
    """Several, asked for in one request. A warning that all have is told of the first."""
    told = set()

    def each(name: str, answer: Any) -> None:
        alike = tuple(warning.replace(name, "") for warning in _warnings(answer))
        _made(answer, options, quiet=alike in told)
        told.add(alike)

    return made_of(api.lines("guests", "batch", body={"names": names, **request}), names, "created", each)


def _made(answer: Any, options: dict[str, Any], *, quiet: bool = False) -> None:
    for warning in () if quiet else _warnings(answer):
        click.echo(f"warning: {warning}", err=True)
    if options["ssh_keys"]:
        from provisioner.cli.ssh import remember

        remember(answer["install"]["uuid"], options["ssh_keys"])


def _warnings(answer: Any) -> list[str]:
    return list(answer.get("plan", {}).get("warnings", ()))


def _print(plan: Any, output: Format, *, xml_only: bool) -> None:
    if output != "table" and not xml_only:
        document(plan, output)
        return
    for warning in plan.get("warnings", ()):
        click.echo(f"warning: {warning}", err=True)
    if not xml_only:
        for number, step in enumerate(plan["steps"], 1):
            click.echo(f"{number:>2}  {step}")
        click.echo()
    click.echo(plan["xml"].rstrip("\n"))
    if plan.get("first_xml") and not xml_only:
        click.echo("\nthe first stage is started with:\n")
        click.echo(plan["first_xml"].rstrip("\n"))
