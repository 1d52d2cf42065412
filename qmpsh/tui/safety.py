"""The line being typed may hold what the VM named: a control in it is shown, never obeyed."""

from __future__ import annotations

from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput

from qmpsh.view.safe import visible

STAND_IN = "\N{REPLACEMENT CHARACTER}"
"""One character for one, so that the cursor stands where it belongs."""


class ShowControls(Processor):
    """Replaces what prompt_toolkit would hand through; it shows the other controls as `^[`."""

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        """See prompt_toolkit."""
        return Transformation(
            [(item[0], _safe(item[1]), *item[2:]) for item in transformation_input.fragments]
        )


def _safe(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        STAND_IN if ord(char) > 0x7E and visible(char) != char else char for char in text
    )
