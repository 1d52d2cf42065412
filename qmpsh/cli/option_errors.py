"""Reads options with click, whose errors it rewrites; the option that most commands have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import click

from qmpsh.errors import UsageError
from qmpsh.suggest import did_you_mean

HELP_FLAGS: Final = {"help_option_names": ["-h", "--help"]}
"""settings of every command"""

COLOR: Final = click.Option(
    ["--color"],
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    help="When to use colours; auto honours NO_COLOR and CLICOLOR_FORCE.",
)


def read_options(command: click.Command, words: Sequence[str]) -> dict[str, Any] | None:
    """Return what click makes of the words after `command.name`; None once --help or --version was
    printed. Raises UsageError.
    """
    try:
        return command.make_context(command.name, [*words]).params
    except click.exceptions.Exit:
        return None
    except click.ClickException as error:
        options = [one for one in command.params if isinstance(one, click.Option)]
        names = [name for one in options for name in (*one.opts, *one.secondary_opts)]
        said = _option_error(error, [*names, "--help"], command.name or "")
        raise UsageError(said) from error


def _option_error(error: click.ClickException, names: Iterable[str], program: str) -> str:
    """Return one sentence, and where to find help.

    names: of all options; click's own guesses reach from --bogus to --verbose
    """
    match error:
        case click.NoSuchOption():
            said = f"No such option {error.option_name}{did_you_mean(error.option_name, names)}"
        case click.BadParameter(param=click.Option() as option):
            said = f"{option.opts[-1]}: {error.message}"
        case _:
            said = error.format_message()
    stop = "" if said.endswith(("?", ".")) else "."
    return f"{said}{stop} Try {program} --help."
