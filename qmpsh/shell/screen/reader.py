"""The screen of a session's VM: pictures of it, the characters on them, and what `.type` changes.

The font is found by trying: that of the VM's own VGA ROM, which SeaBIOS and Linux' text console
have, then those of this machine, for framebuffer consoles. The one that knew most stays the first.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator
from functools import cached_property
from typing import TypeVar

from qmpsh.client.client import Client
from qmpsh.display.fonts import ROM_BYTES, ROM_START, Font, installed_fonts, read_words, vga_font
from qmpsh.display.glyphs import ScreenText, read_text
from qmpsh.display.picture import Picture
from qmpsh.errors import QmpshError
from qmpsh.jsontypes import as_str
from qmpsh.protocol.messages import Reply
from qmpsh.shell.hmp import hmp_command
from qmpsh.shell.screen.dump import Display, ScreenDump, refuse_without_screen
from qmpsh.shell.steps import WaitFor, Wish

_ROM_MARK = b"\x55\xaa"
"""how a ROM begins"""
_ROM_SECONDS = 1.0
"""seconds between two looks at whether there is one"""
_XP_SECONDS = 5.0
_WORD_BYTES = 4

_SAME_LOOKS = 12
"""looks at an unchanged picture, after which it counts; `.screen --until` takes them in 3 s"""

T = TypeVar("T")


class Shot:
    """One picture of a screen, read when asked.

    picture: what was shown; fonts: to read it with
    """

    def __init__(self, picture: Picture, fonts: FontShelf) -> None:
        self.picture = picture
        self._fonts = fonts
        self._text: ScreenText | None = None

    @property
    def text(self) -> ScreenText:
        """The characters on it."""
        if self._text is None:
            self._text = self._fonts.read(self.picture)
        return self._text

    def misses_fonts(self) -> bool:
        """Whether characters are unknown that a font may have, and this machine has no fonts.

        It is so once for all pictures of a session.
        """
        return self.text.known < self.text.inked and self._fonts.take_lack()

    def looks_like(self, other: Shot) -> bool:
        """Whether the same is shown, but for the cursor of a text."""
        if self.picture == other.picture:
            return True
        # In one font: the other one may have been taken before `--font` was given.
        same = self._fonts is other._fonts
        both = self.text, other.text if same else self._fonts.read(other.picture)
        return all(text.is_text for text in both) and both[0].rows == both[1].rows


class AwaitedChange:
    """A change of the screen that is to follow what was typed. before: what was shown until then

    It may not come, as after `clear` where there is nothing but the prompt: after some looks the
    screen counts as it is.
    """

    def __init__(self, before: Shot) -> None:
        self._before = before
        self._looks = 0

    @property
    def may_come(self) -> bool:
        """Whether it has not been looked for often enough."""
        return self._looks <= _SAME_LOOKS

    def has_come(self, shot: Shot) -> bool:
        """Return whether something else is shown; one look."""
        self._looks += 1
        return not shot.looks_like(self._before)


class FontShelf:
    """The fonts that a screen may be read with, the likeliest first; loaded as they are needed.

    rom: of the VM's VGA, None without one; given: the only one, with --font
    """

    def __init__(self, rom: Font | None, given: Font | None = None) -> None:
        self._loaded = [font for font in (given or rom,) if font is not None]
        self._more: Iterator[Font] = iter(()) if given is not None else installed_fonts()
        self._best = ""
        self.has_rom = rom is not None
        self._lacks_fonts = self._is_exhausted = False

    def read(self, picture: Picture) -> ScreenText:
        """Return the characters of a picture in the font that knows most of them."""
        found = read_text(picture, self._in_order())
        self._best = found.font
        return found

    def take_lack(self) -> bool:
        """Return whether those of this machine were looked for, and there are none; say so once."""
        lacks, self._lacks_fonts = self._lacks_fonts, False
        return lacks

    def _in_order(self) -> Iterator[Font]:
        yield from sorted(self._loaded, key=lambda font: font.name != self._best)
        for font in self._more:
            self._loaded.append(font)
            yield font
        if not self._is_exhausted:
            self._is_exhausted = True
            self._lacks_fonts = len(self._loaded) <= self.has_rom


class ScreenReader:
    """The screen of one connection's VM.

    awaited: the change that is to follow the last text that was typed, until it has come
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self.awaited: AwaitedChange | None = None
        self._shelf: FontShelf | None = None
        self._rom_due = 0.0

    @cached_property
    def _dump(self) -> ScreenDump:
        """Made where pictures can come from alone."""
        return ScreenDump(self.client)

    def looking(
        self, steps: Generator[Wish, str, T], deadline: float | None
    ) -> Generator[Wish, str, T]:
        """Run steps that take pictures: the VM has our descriptor meanwhile.

        deadline: for handing it over, of `time.monotonic()`
        Raises UsageError, CommandFailed, ReplyTimeout, ConnectionLost, and what the steps raise.
        """
        refuse_without_screen(self.client)
        yield from self._dump.begin(deadline)
        try:
            result = yield from steps
        except QmpshError:
            yield from self._dump.end()
            raise
        except BaseException:  # an interrupt: nothing can be awaited
            self._dump.let_go()
            raise
        yield from self._dump.end()
        return result

    def shot(
        self, display: Display, deadline: float | None, font: Font | None = None
    ) -> Generator[Wish, str, Shot]:
        """Return what is shown now, while `looking`. font: to read it with, None to find one

        Raises PictureError, CommandFailed, ReplyTimeout, ConnectionLost.
        """
        picture = yield from self._dump.take(display, deadline)
        if font is not None:
            return Shot(picture, FontShelf(None, font))
        return Shot(picture, (yield from self._fonts(deadline)))

    def _fonts(self, deadline: float | None) -> Generator[Wish, str, FontShelf]:
        """Return the fonts; that of the VM is there once its firmware has run."""
        now = time.monotonic()
        if (self._shelf is None or not self._shelf.has_rom) and now >= self._rom_due:
            self._rom_due = now + _ROM_SECONDS
            rom = yield from self._rom_font(deadline)
            if rom is not None or self._shelf is None:
                self._shelf = FontShelf(rom)
        return self._shelf or FontShelf(None)

    def _rom_font(self, deadline: float | None) -> Generator[Wish, str, Font | None]:
        if (yield from self._memory(1, deadline))[: len(_ROM_MARK)] != _ROM_MARK:
            return None
        return vga_font((yield from self._memory(ROM_BYTES // _WORD_BYTES, deadline)))

    def _memory(self, words: int, deadline: float | None) -> Generator[Wish, str, bytes]:
        """Return so many words of the VM's memory, where a VGA has its ROM; b"" for none.

        Raises ReplyTimeout at the deadline.
        """
        started = time.monotonic()
        until = min(started + _XP_SECONDS, math.inf if deadline is None else deadline)
        pending = self.client.submit(hmp_command(f"xp /{words}xw {ROM_START:#x}"))
        yield WaitFor(lambda: pending.done, until, for_reply=True)
        if not pending.done and until == deadline:
            raise self.client.overdue(pending, round(until - started, 1))
        value = pending.reply.value if isinstance(pending.reply, Reply) else None
        return read_words(as_str(value))
