"""Pictures as files: PNG as Pillow reads it, to the last bit."""

from __future__ import annotations

import io

from hypothesis import given
from PIL import Image

from qmpsh.display.picture import Picture
from qmpsh.display.png import write_png
from tests.display.strategies import pictures


@given(pictures())
def test_pillow_reads_the_same_pixels(picture: Picture) -> None:
    with Image.open(io.BytesIO(write_png(picture))) as image:
        assert (image.format, image.mode) == ("PNG", "RGB")
        assert image.size == (picture.width, picture.height)
        assert image.tobytes() == picture.pixels
