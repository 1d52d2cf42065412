"""Shows control characters in the typed line, which may contain names from the VM."""

from __future__ import annotations

from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput

from qmpsh.view.safe import visible_line

STAND_IN = "\N{REPLACEMENT CHARACTER}"
"""replaces one character by one, so that the cursor position stays right"""


class ShowControls(Processor):
    """Replaces controls that prompt_toolkit would pass on; it shows the others itself, as `^[`."""

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        """See prompt_toolkit."""
        return Transformation(
            [(item[0], _safe(item[1]), *item[2:]) for item in transformation_input.fragments]
        )


def _safe(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        STAND_IN if ord(char) > 0x7E and visible_line(char) != char else char for char in text
    )
