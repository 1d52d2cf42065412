"""Rewrites click's errors about options."""

from __future__ import annotations

from collections.abc import Iterable

import click

from qmpsh.suggest import did_you_mean


def option_error(error: click.ClickException, names: Iterable[str], program: str) -> str:
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
