"""What an error says of what a server said."""

from __future__ import annotations

import signal

import pytest

from qmpsh import errors, usage
from qmpsh.cli.main import FAULT_EXIT, STDOUT_CLOSED_EXIT
from qmpsh.cli.signals import ENDING
from qmpsh.errors import CommandFailed, failure, shortened
from qmpsh.language.modifiers import MODIFIERS


@pytest.mark.parametrize(
    "error_class, desc, said",
    [
        ("GenericError", "no", "GenericError: no"),
        ("GenericError", "", "GenericError"),
        ("Generic\nqmpsh: fine", "no", "Generic\\nqmpsh: fine: no"),
        ("x" * 1000, "no", f"{'x' * 200}...: no"),
        ("E", "x" * 5000, f"E: {'x' * 4000}..."),
    ],
)
def test_a_refusal(error_class: str, desc: str, said: str) -> None:
    assert failure(error_class, desc) == said
    assert str(CommandFailed(error_class, desc)) == said


def test_a_name_is_cut_where_it_is_no_name() -> None:
    assert shortened("x" * 200) == "x" * 200
    assert shortened("x" * 201) == f"{'x' * 200}..."


def test_every_exit_code_is_in_the_one_table() -> None:
    known = {code for code, _ in usage.EXIT_CODES}
    of_errors = {
        found.exit_code
        for found in vars(errors).values()
        if isinstance(found, type) and issubclass(found, errors.QmpshError)
    }
    assert {str(code) for code in of_errors} <= known
    signals = {errors.SIGNALLED + number for number in (*ENDING, signal.SIGINT)}
    assert {str(code) for code in (0, FAULT_EXIT, STDOUT_CLOSED_EXIT, *signals)} <= known


def test_every_modifier_has_its_help() -> None:
    assert list(usage.MODIFIER_NOTES) == list(usage.MODIFIERS)
    assert set(usage.MODIFIERS) == set(MODIFIERS)
