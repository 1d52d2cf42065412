"""Whether there are pictures of a screen, and the change that is awaited after a text was typed."""

from __future__ import annotations

import json
import os
import socket
import threading

import pytest

import qmpsh
from qmpsh.address import UnixAddress
from qmpsh.client.client import Client, ClientOptions
from qmpsh.client.connect import stream_over
from qmpsh.display.fonts import Font
from qmpsh.display.picture import Picture, write_ppm
from qmpsh.errors import UsageError
from qmpsh.jsontypes import Json
from qmpsh.protocol.messages import HMP
from qmpsh.shell.screen.dump import refuse_without_screen
from qmpsh.shell.screen.reader import AwaitedChange, FontShelf, Shot
from tests.display.drawing import FONT, GLYPHS, HEIGHT, WIDTH, draw, draw_glyphs
from tests.qemu import new_folder
from tests.shell.scripted import ScriptedShell
from tests.waiting import PATIENCE

OTHER = Font("other", WIDTH, HEIGHT, {1: "x"})
CURSOR = bytes(13) + b"\xff\xff\0"
LOOKS = 12
"""four a second: 3 s"""


def a_shot(picture: Picture, font: Font = FONT) -> Shot:
    return Shot(picture, FontShelf(None, font))


def prompt(*, cursor: bool) -> Picture:
    """`#`, with a cursor that blinks."""
    return draw_glyphs([[GLYPHS["#"], CURSOR if cursor else GLYPHS[" "]]])


def test_it_has_come_with_another_text() -> None:
    awaited = AwaitedChange(a_shot(draw(["/ #"])))
    assert not awaited.has_come(a_shot(draw(["/ #"])))
    assert awaited.has_come(a_shot(draw(["/ # clear"])))


def test_a_screen_that_stays_as_it_was_counts_in_the_end() -> None:
    """As after `clear`, where there is nothing but the prompt."""
    awaited = AwaitedChange(a_shot(draw(["/ #"])))
    for _ in range(LOOKS):
        assert not awaited.has_come(a_shot(draw(["/ #"])))
        assert awaited.may_come
    assert not awaited.has_come(a_shot(draw(["/ #"])))
    assert not awaited.may_come


def test_a_cursor_is_no_change() -> None:
    awaited = AwaitedChange(a_shot(prompt(cursor=True)))
    assert not awaited.has_come(a_shot(prompt(cursor=False)))


def test_nor_is_it_in_a_font_that_was_not_given_before() -> None:
    awaited = AwaitedChange(a_shot(prompt(cursor=True), OTHER))
    assert not awaited.has_come(a_shot(prompt(cursor=False)))


def test_systems_without_files_in_memory_type_and_show_no_screen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "memfd_create")
    assert ScriptedShell().run(".type a --rate 0").exit_code == 0
    stream = stream_over(socket.socket(socket.AF_UNIX))
    client = Client(stream, UnixAddress("/m.sock"), ClientOptions(negotiate=False))
    with pytest.raises(UsageError, match=r"^the screen's picture .* on Linux alone: write a file"):
        refuse_without_screen(client)
    client.close()


def test_the_time_of_a_line_holds_for_the_font_too() -> None:
    """The picture is there, and the VM's ROM is not answered."""
    path = f"{new_folder()}/s"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        server = threading.Thread(target=serve_pictures, args=(listening,))
        server.start()
        with qmpsh.connect(path) as vm, pytest.raises(qmpsh.ReplyTimeout) as error:
            vm.run(".screen", timeout=0.5)
        server.join(PATIENCE)
    assert "no answer to human-monitor-command within 0." in str(error.value)


def serve_pictures(listening: socket.socket) -> None:
    """Answer a client, all but the human monitor."""
    answers: dict[str, Json] = {
        "query-commands": [{"name": "query-status"}],
        "query-fdsets": [],
        "add-fd": {"fdset-id": 0, "fd": 9},
    }
    held: list[int] = []
    connection, _ = listening.accept()
    with connection:
        connection.sendall(b'{"QMP": {"version": {"qemu": {}}, "capabilities": []}}\n')
        while True:
            data, descriptors, _, _ = socket.recv_fds(connection, 1 << 16, 1)
            held += descriptors
            if not data:
                break
            for message in map(json.loads, data.splitlines()):
                name = message["execute"]
                if name == "screendump":
                    os.write(held[0], write_ppm(draw(["/ #"])))
                if name != HMP:
                    reply = {"return": answers.get(name, {}), "id": message["id"]}
                    connection.sendall(json.dumps(reply).encode() + b"\n")
    for fd in held:
        os.close(fd)
