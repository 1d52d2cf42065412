"""Pictures for hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from qmpsh.display.picture import Picture

COLOURS = (b"\0\0\0", b"\xff\xff\xff", b"\xa8\xa8\xa8", b"\x01\x02\x03", b"\x80\0\0", b"\0\x80\x01")


@st.composite
def pictures(draw: st.DrawFn, most: int = 20) -> Picture:
    """A small picture: of a few colours, as screens are, or of any."""
    width, height = draw(st.integers(1, most)), draw(st.integers(1, most))
    colour = st.sampled_from(COLOURS) | st.binary(min_size=3, max_size=3)
    some = draw(st.lists(colour, min_size=1, max_size=8))
    pattern = b"".join(some)
    pixels = (pattern * (width * height // len(some) + 1))[: width * height * 3]
    return Picture(width, height, pixels)
