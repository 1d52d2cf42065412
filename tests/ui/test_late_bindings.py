"""prompt_toolkit's own key bindings, made after the first frame."""

from __future__ import annotations

import pytest
from prompt_toolkit.application import Application, application
from prompt_toolkit.input import DummyInput
from prompt_toolkit.output import DummyOutput

from qmpsh.ui.common import first_frame
from qmpsh.ui.common.first_frame import late_bindings


def bindings_of(app: Application[None]) -> int:
    """How many of prompt_toolkit's own an application has."""
    return len(app._default_bindings.bindings)


def an_app() -> Application[None]:
    return Application(input=DummyInput(), output=DummyOutput())


def test_they_are_all_there_once_a_key_needs_them() -> None:
    names = dict(vars(application))
    with late_bindings():
        app = an_app()
    assert vars(application) == names
    assert bindings_of(app) == bindings_of(an_app()) > 100


def test_a_prompt_toolkit_without_the_name_makes_them_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = dict(vars(application))
    monkeypatch.setattr(first_frame, "_LOADER", "load_other_bindings")
    with late_bindings() as make:
        app = an_app()
    make()
    assert vars(application) == names
    assert bindings_of(app) > 100
