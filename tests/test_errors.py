"""What an error says of what a server said."""

from __future__ import annotations

import pytest

from qmpsh.errors import CommandFailed, failure, shortened


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
