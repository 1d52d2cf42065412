"""The reading of PPM, which comes from the VM's process: whole, or a clear error."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.display.picture import Picture, PictureError, read_ppm, write_ppm
from tests.display.strategies import pictures
from tests.fuzzing import examples


@given(pictures())
def test_what_is_written_is_read(picture: Picture) -> None:
    assert read_ppm(write_ppm(picture)) == picture


@given(pictures(), st.data())
def test_a_byte_more_or_less_is_an_error(picture: Picture, data: st.DataObject) -> None:
    ppm = write_ppm(picture)
    cut = data.draw(st.integers(0, len(ppm) - 1))
    for broken in (ppm[:cut], ppm + b"\0"):
        with pytest.raises(PictureError):
            read_ppm(broken)


@given(st.binary() | st.binary().map(lambda rest: b"P6\n2 1\n255\n" + rest))
@examples(3)
def test_any_bytes_are_a_picture_or_an_error(data: bytes) -> None:
    try:
        picture = read_ppm(data)
    except PictureError:
        return
    assert len(picture.pixels) == picture.width * picture.height * 3


def test_comments_and_blanks_of_a_header() -> None:
    picture = Picture(1, 2, b"abcdef")
    assert read_ppm(b"P6 # QEMU\n1\t2 # here\n255 abcdef") == picture


@pytest.mark.parametrize(
    "data,said",
    [
        (b"", "is not PPM: it begins with b''"),
        (b"P5\n1 1\n255\nabc", r"is not PPM: it begins with b'P5\n1 1\n2'"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), r"is not PPM: it begins with b'\x89PNG\r\n\x1a\n'"),
        (b"P6\n1 1\n65535\nabcdef", "has 65535 shades of a colour where 255 are expected"),
        (b"P6\n1 1\n256\nabc", "has 256 shades of a colour where 255 are expected"),
        (b"P6\n0 1\n255\n", "is said to have 0 x 1 pixels, which no screen has"),
        (b"P6\n1 16385\n255\n", "is said to have 1 x 16385 pixels, which no screen has"),
        (b"P6\n16384 16384\n255\n", "is said to have 16384 x 16384 pixels, which no screen has"),
        (b"P6\n999999999 999999999\n255\nabc", "999999999 x 999999999 pixels, which no screen has"),
        (b"P6\n1234567890 1\n255\nabc", r"is not PPM: it begins with b'P6\n12345'"),
        (b"P6\n640 480\n255\nabc", "is broken: 640 x 480 pixels are 921600 bytes, 3 came"),
        (b"P6\n1 1\n255\nabcd", "is broken: 1 x 1 pixels are 3 bytes, 4 came"),
        (b"P6\n-1 1\n255\nabc", "is not PPM"),
        (b"P6" + b"\n" * 100_000 + b"1 1\n255\nabc", "is not PPM"),
        (b"P6#" + b"x" * 100_000, "is not PPM"),
    ],
)
def test_what_is_broken_is_said(data: bytes, said: str) -> None:
    with pytest.raises(PictureError) as error:
        read_ppm(data)
    assert said in str(error.value)
    assert error.value.exit_code == 1
