"""The one map from errors to exit codes, and the one way an error is said.

0    done
1    failed: one sentence, and a line with its remedy where one is known
2    the command line itself is wrong
130  interrupted
"""

import os
import sys
from collections.abc import Sequence

import click

from provisioner.core.errors import ProvisionerError

DONE, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


class Told(Exception):
    """The command failed and has already said so; only the exit code is left to give."""


def run(command: click.Command, args: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code; whatever goes wrong is one sentence on stderr."""
    try:
        colour = False if os.environ.get("NO_COLOR") else None
        code = command.main(args, prog_name="provisioner", standalone_mode=False, color=colour)
        sys.stdout.flush()
    except (click.Abort, KeyboardInterrupt):
        say("interrupted")
        return INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return USAGE
    except click.UsageError as error:
        say(_usage(error), remedy=_help_of(error))
        return USAGE
    except Told:
        return FAILED
    except ProvisionerError as error:
        say(f"error: {error}", remedy=error.remedy)
        return FAILED
    except click.ClickException as error:
        say(f"error: {error.format_message()}")
        return FAILED
    except BrokenPipeError:
        # The reader (head, less) went away; with stdout elsewhere the interpreter's own flush stays quiet.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        say(f"error: {_os_sentence(error)}")
        return FAILED
    return code if isinstance(code, int) else DONE


def say(line: str, *, remedy: str = "") -> None:
    """One line on stderr, and its remedy where one is known."""
    click.echo(line, err=True)
    if remedy:
        click.echo(f"remedy: {remedy}", err=True)


def _usage(error: click.UsageError) -> str:
    message = error.format_message().rstrip(".")
    return f"error: {message[:1].lower()}{message[1:]}"


def _help_of(error: click.UsageError) -> str:
    return f"see {error.ctx.command_path} --help" if error.ctx else "see provisioner --help"


def _os_sentence(error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}" if error.filename else reason
