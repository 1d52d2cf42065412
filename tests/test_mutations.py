"""The cheapest readers, with known texts that are changed at random: few here, most of `make fuzz`.

A reader is held to the property that hypothesis holds it to, where there is one, and else to a
simple reading of the same text by other means. What fails stays as an `@example` of that test, or
below `KEPT`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice
from random import Random

import pytest

from qmpsh.display.fonts import vga_font
from qmpsh.display.glyphs import UNKNOWN, read_text
from qmpsh.errors import LineError
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.language.analysis import analyse
from qmpsh.language.cursor import find_context, parsed_line
from qmpsh.language.jsonline import decode_object
from qmpsh.language.reader import split_lines
from qmpsh.language.syntax import Mode
from qmpsh.protocol.messages import Command
from qmpsh.replay.answers import Answers
from qmpsh.replay.pairing import pair
from qmpsh.replay.recording import Recording
from qmpsh.replay.scanner import FoundMessage, scan
from qmpsh.secrets.masker import line_secrets, words_secrets
from qmpsh.secrets.text import loose_secrets, mask_spans, text_secrets, value_secrets
from qmpsh.shell.policy import reads_only
from qmpsh.system.argv import read_options
from tests.client import test_address
from tests.display import drawing, test_fonts, test_glyphs, test_keys, test_picture
from tests.fuzzing import INPUTS, changed_texts, is_fuzz
from tests.language import strategies, test_properties, test_reply_paths
from tests.many import test_ranges
from tests.mutations import LONGEST, Reader, Text, find_fault, find_slow, mutated, shrunk
from tests.protocol import test_connection, test_framing, test_hmp_monitor, test_large
from tests.qemu import ROOT
from tests.render import test_piped, test_safe
from tests.secrets import HMP, OPEN, QMP
from tests.share import test_requests
from tests.system import test_foreign, test_usage
from tests.tab import test_words
from tests.ui import test_terminal_answers

RANDOM_SEED = Random().randrange(1 << 32)
"""for a run without --hypothesis-seed"""
PARTS = 4
"""A reader is tried in so many parts, for the workers to share."""


def property_of(test: Callable[..., object]) -> Callable[..., object]:
    """Return what a test of hypothesis says of its arguments."""
    inner: Callable[..., object] = getattr(test, "hypothesis").inner_test  # noqa: B009 - its own
    return inner


# ------------------------------------------------------------------------ known texts


def files(pattern: str) -> list[bytes]:
    found = [path.read_bytes() for path in sorted((ROOT / "tests" / "data").glob(pattern))]
    assert found, pattern
    return found


def texts(*patterns: str) -> list[str]:
    return [data.decode(errors="replace")[:60_000] for one in patterns for data in files(one)]


SECRET = "hunter2"
LINES = [form(SECRET) for form in (*QMP.values(), *OPEN.values(), *HMP.values())]
GREETINGS = files("greeting-*.txt")
MESSAGES = [
    *GREETINGS,
    b'{"return": {"status": "running", "singlestep": false, "running": true}, "id": "5"}\r\n',
    b'{"timestamp": {"seconds": 1763677831, "microseconds": 7}, "event": "STOP"}\r\n',
    b'{"error": {"class": "GenericError", "desc": "Device \'x\' not found"}, "id": "6"}\r\n',
    b'{"execute": "device_add", "arguments": {"driver": "e1000", "addr": "0x5"}, "id": 1}\n',
    b"{'exec-oob': 'migrate-pause', \"id\": [1, {\"a\": null}]}\n",
    b'{"return": ["\\ud83d\\ude00", -1.5e3, 18446744073709551615, true, "\xc3\xa9"]}\n',
]
LOGS = texts("replay/*.log", "replay/*.jsonl", "replay/*.replies", "replay/iotests.out")
JSON_PIECES = [
    *(b"%c" % byte for byte in b"{}[]\"'\\:,1-eE.+0 \r\n\t\x00\xff\x7f"),
    *(
        b'"a":',
        b"{}",
        b"[]",
        b"\\u00e9",
        b"\\ud83d",
        b"\xc3\xa9",
        b"\xed\xa0\x80",
        b"true",
        b"null",
    ),
    *(b"NaN", b"1e999", b'{"a":1}', b"9" * 30, b'"id":', b'"return":', b'"event":', b'"QMP":'),
]
JSON_MARKS = [piece.decode("latin-1") for piece in JSON_PIECES]
SHELL = ["\\", "'", '"', "$", "${HOME}", "`", "=", ">", "&", ":", ";", " ", "\n", "\t", "a", "é"]
PATHS = [
    "/run/qmp",
    "unix:/run/a,b",
    "host:4444",
    "tls://[::1]:5/?a=b",
    "ssh://u@h:22/r",
    "vsock:1:2",
]
CONTROLS = ["\x1b", "\x1b[", "\x1b]0;", "\x07", "\x9b", "\u202e", "\u2066", "\ufeff", "\ud800",
            "\x85", "\u2028", "\r", "\b", "\0", "\x7f", "\t", "\n", "m", ";", "31"]  # fmt: skip
ARGVS = [
    "qemu-system-x86_64\0-qmp\0unix:/run/a.sock,server=on,wait=off\0-name\0guest=vm,process=x",
    'qemu-kvm\0-chardev\0{"backend":"socket","id":"c","path":"/x","server":true}\0-mon\0chardev=c',
    "qemu-system-x86_64\0-chardev\0socket,id=c,fd=5,server=on\0-mon\0c,mode=control\0-S",
    "qemu-storage-daemon\0--chardev\0socket,path=/q,id=m,server=on\0--monitor\0m",
    "qemu-ga\0--method=unix-listen\0--path=/run/ga\0-p\0/b\0-m\0virtio-serial",
    "stratovirt\0-qmp\0unix:/s,server,nowait\0-serial\0stdio",
]
STATS = [b"1 (a) b) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25",
         b"Inter-|\n face |bytes\n  eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"]  # fmt: skip
XP = ["c0000: 0x00000000 0x12345678 0x00000001 0xffffffff\r\nc0010: 0x00000000 0x12345678"]
PPMS = [b"P6\n2 1\n255\nabcdef", b"P6 # c\n1\t2 # d\n255 abcdef", b"P6\n3 3\n255\n" + b"x" * 27]
FONTS = [test_fonts.psf1(test_fonts.NAMED)[:200], test_fonts.psf2(test_fonts.NAMED[:6]),
         test_fonts.packed(test_fonts.psf2(test_fonts.NAMED[:4]))]  # fmt: skip


# ------------------------------------------------------------------------ simple readings


def pieces_of(data: bytes) -> list[bytes]:
    """The same data in pieces, whose sizes follow from it."""
    step = 1 + (len(data) + sum(data[:3])) % 40
    return [data[at : at + step] for at in range(0, len(data), step)]


def check_framing(data: bytes) -> None:
    whole = test_framing.outcome([data])
    assert test_framing.outcome(pieces_of(data)) == whole
    frames, error = whole
    if error is None:
        assert test_framing.objects_of(frames) == plain_objects(data)


def plain_objects(data: bytes) -> list[JsonObject]:
    """The objects of a stream, one after the other, as the standard library reads them."""
    text, found, at = data.decode(errors="replace"), list[JsonObject](), 0
    while rest := text[at:].lstrip(" \t\r\n"):
        at = len(text) - len(rest)
        try:
            value, at = json.JSONDecoder().raw_decode(text, at)
        except json.JSONDecodeError:
            break  # the last one is not whole
        found.append(value)
    return found


def check_large(data: bytes) -> None:
    at_once = test_large.decoded([data])
    with test_large.sliced(chunk=7, steps=3, size=len(data) % 30):
        in_slices = test_large.decoded(pieces_of(data))
    if isinstance(at_once, str) or not isinstance(in_slices, str):
        assert in_slices == at_once
    # Else the last message lacks its end, before which only slices find a fault.


def check_requests(data: bytes) -> None:
    found = test_requests.read(data)
    assert test_requests.read(*pieces_of(data)) == found
    with suppress(ValueError, RecursionError):
        lines = [json.loads(line.decode()) for line in data.split(b"\n") if line.strip()]
        if all(isinstance(line, dict) for line in lines) and _is_strict(lines):
            assert found == lines


def _is_strict(value: Json) -> bool:
    """Whether JSON without Python's NaN and Infinity says the same."""
    try:
        return bool(json.dumps(value, allow_nan=False))
    except ValueError:
        return False


def check_hmp_monitor(data: bytes) -> None:
    cuts = [len(piece) * 7 for piece in pieces_of(data)]
    assert test_hmp_monitor.outcome(data, cuts) == test_hmp_monitor.outcome(data, [])


def check_scan(text: str) -> None:
    """Where the first message begins another reader finds one too, and nothing is lost by that."""
    found = list(scan(text))
    for message in found:
        json.dumps(message.message)
        assert message.near in text
    if found and "TIMESTAMP" not in text and "'" not in text:
        begin = text.index(found[0].near) + len(found[0].near)
        assert json.JSONDecoder().raw_decode(text, begin)[0] == found[0].message
        assert list(scan(text[begin:])) == [found[0]._replace(near=""), *found[1:]]
    answers_of(found)


def answers_of(found: Sequence[FoundMessage]) -> None:
    """What is recorded is answered, in whatever order it was written."""
    sessions, schemas = pair(found, reads_only)
    if not sessions:
        return
    recording = Recording(sessions, schemas)
    answers = Answers(recording)
    answers.connect()
    answers.begin(0.0)
    for recorded in recording.commands:
        answer = answers.answer(Command(recorded.name, recorded.arguments), 1.0)
        json.dumps([answer.events, answer.reply, *answer.last, *answers.take_events(2.0)])
    answers.unasked()
    json.dumps([recording.greeting(0), recording.schema()])


def check_json_line(text: str) -> None:
    """The lenient reader takes what JSON is, with the same meaning."""
    found = decode_object(text)
    with suppress(ValueError, RecursionError):
        value = json.loads(text, object_pairs_hook=_without_repeats)
        if isinstance(value, dict) and _is_strict([value]) and "\\u" not in text:
            assert found == value


def _without_repeats(pairs: list[tuple[str, Json]]) -> JsonObject:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name stands twice")
    return dict(pairs)


def check_masker(line: str) -> None:
    for hmp in (False, True):
        check_spans(line_secrets(line, hmp=hmp), line)
    for read in (text_secrets, value_secrets):
        check_spans(read(line), line)
    loose_secrets(line)
    words = line.split(" ")
    check_spans(words_secrets(words), " ".join(words))


def check_spans(spans: Sequence[tuple[int, int]], text: str) -> None:
    edges = [edge for span in spans for edge in span]
    assert edges == sorted(edges)
    assert all(0 <= edge <= len(text) for edge in edges)
    shown = mask_spans(text, spans)
    assert all(text[start:end] not in shown for start, end in spans if end - start > 30)


MODES = [Mode(), Mode(hmp=True), Mode(prompt=True), Mode(in_transaction=True)]


def mode_for(text: str) -> Mode:
    return MODES[len(text) % len(MODES)]


def check_line(text: str) -> None:
    property_of(test_properties.test_any_text_is_parsed_or_refused)(text, mode_for(text))


def check_tokens(text: str) -> None:
    property_of(test_properties.test_tokens_cover_the_text)(text, mode_for(text))


def check_cursor(text: str) -> None:
    """What a line means at a cursor depends on nothing after it."""
    mode = mode_for(text)
    cursor = len(text) * 2 // 3
    place = find_context(text, cursor, mode)
    assert 0 <= place.start <= cursor
    assert find_context(text[:cursor], cursor, mode)[:3] == place[:3]
    analyse(text, mode).reading(parsed_line)


def check_transcript(text: str) -> None:
    """A paste is split where it is, with blanks for what is left out."""
    lines = split_lines(text).lines
    assert sum(len(line.text.strip()) for line in lines) <= len(text)
    for line in lines:
        with suppress(LineError):
            analyse(line.text).reading(parsed_line)


def check_argv(text: str) -> None:
    property_of(test_foreign.test_any_command_line_is_read)(text.split("\0"))
    read_options(text)


def check_keys(text: str) -> None:
    pieces = [text[at : at + 7] for at in range(0, len(text), 7)]
    property_of(test_terminal_answers.test_no_text_is_an_error_and_nothing_is_added)(pieces)


def check_font(data: bytes) -> None:
    property_of(test_fonts.test_any_bytes_are_a_font_or_an_error)(data, b"", len(data) % 2 == 0)
    vga_font(data)


GLYPH = len(drawing.GLYPHS["a"])
INVERSE = (1 << 8 * GLYPH) - 1
EXACT = {0: " ", INVERSE: " ", **drawing.FONT.characters}
EXACT |= {bits ^ INVERSE: char for bits, char in drawing.FONT.characters.items()}


def check_glyphs(data: bytes) -> None:
    """A cell is the character whose glyph it is, and no other one; below a cursor it may be one."""
    cells = [data[at : at + GLYPH].ljust(GLYPH, b"\0") for at in range(0, len(data), GLYPH)]
    # A picture whose width nine divides may be of cells with a ninth column.
    blanks = [drawing.GLYPHS[" "]] * (len(cells) + (1 if (2 * len(cells) + 1) % 9 else 2))
    found = read_text(drawing.draw_glyphs([[*cells, *blanks]]), [drawing.FONT]).rows[0]
    for cell, shown in zip(cells, found, strict=False):
        bits = int.from_bytes(cell, "big")
        if bits in EXACT:
            assert shown == EXACT[bits]
        else:
            assert shown in {UNKNOWN, " ", *test_glyphs.cursors_of(bits)}


def check_safe_json(text: str) -> None:
    property_of(test_safe.test_json_stays_the_same_json)(
        [text, {text: 1}], None, len(text) % 2 == 0
    )


def check_shell_words(text: str) -> None:
    property_of(test_words.test_any_text_is_split)(text, len(text) % 2 == 0)


# ------------------------------------------------------------------------ the readers

READERS: dict[str, Reader[bytes]] = {
    "framing": Reader(check_framing, MESSAGES, JSON_PIECES),
    "large messages": Reader(check_large, MESSAGES, JSON_PIECES, 0.5),
    "connection": Reader(
        property_of(test_connection.test_any_bytes_raise_nothing_but_protocol_error),
        MESSAGES, JSON_PIECES,
    ),
    "requests of a share": Reader(check_requests, MESSAGES, JSON_PIECES),
    "hmp monitor": Reader(
        check_hmp_monitor,
        [*files("hmp-session-*.txt"), test_hmp_monitor.BANNER + test_hmp_monitor.PROMPT],
        [*JSON_PIECES, b"(qemu) ", b"\x1b[K", b"\x1b[D", b"Password: ", b"QEMU ", b"\r\n"],
    ),
    "proc": Reader(
        property_of(test_usage.test_any_bytes_are_read), STATS,
        [b" ", b"(", b")", b"\n", b"9", b"-", b"\xff", b"\x00", b":", b"9" * 30],
    ),
    "picture": Reader(property_of(test_picture.test_any_bytes_are_a_picture_or_an_error), PPMS,
                      [b"P6", b"P5", b"\n", b" ", b"#", b"255", b"0", b"-1", b"9" * 20, b"\xff"]),
    "glyphs": Reader(
        check_glyphs, [b"".join(drawing.GLYPHS[char] for char in "login:pq_ 0")],
        [b"\x00", b"\xff", b"\x01", b"\xff\xff", b"\x00\x00", *drawing.GLYPHS.values()], 0.03,
    ),
    "font": Reader(check_font, FONTS, [b"\x36\x04", b"\x72\xb5\x4a\x86", b"\x1f\x8b", b"\x00",
                                       b"\xff", b"\xfe", b"\xff\xff", b"\x10", b"\x01"]),
}  # fmt: skip
"""of bytes"""

TEXT_READERS: dict[str, Reader[str]] = {
    "replay scanner": Reader(
        check_scan, LOGS, [*JSON_MARKS, "TIMESTAMP", '{"execute":', "{'execute':", '"message":'],
        0.5,
    ),
    "JSON line": Reader(check_json_line, [*map(bytes.decode, MESSAGES), *LOGS], JSON_MARKS),
    "tokens": Reader(check_tokens, LINES, strategies.PIECES),
    "line": Reader(check_line, LINES, strategies.PIECES, 0.2),
    "cursor": Reader(check_cursor, LINES, strategies.PIECES, 0.2),
    "transcript": Reader(check_transcript, LINES, strategies.PIECES, 0.2),
    "masker": Reader(check_masker, LINES, [*strategies.PIECES, "password=", "https://u:p@h"], 0.1),
    "reply path": Reader(property_of(test_reply_paths.test_any_text_is_a_path_or_refused),
                         ["[device=vda].stats.rd_bytes/s", "ram.total", "[0].a['b c'].d"],
                         [*".[]=/'\"\\ s0-", "[a=b]", "/s", "é"]),
    "safe text": Reader(property_of(test_safe.test_any_text), texts("hmp-help-*.txt"), CONTROLS),
    "safe JSON": Reader(check_safe_json, texts("greeting-*.txt"), CONTROLS, 0.5),
    "piped colours": Reader(property_of(test_piped.test_nothing_else_passes),
                            ["\x1b[31mred\x1b[0m x", "\x1b[38;2;1;2;255ma\nb"],
                            [*CONTROLS, "\x1b[38;5;", "0m", "{", "}", '"'], 0.3),
    "terminal answers": Reader(check_keys, [test_terminal_answers.BOTH, "a\x1b[A"],
                               ["\x1b", "]", "[", "?", "11;", "rgb:", "/", "\x07", "\\", "c", "6"]),
    "command lines": Reader(
        check_argv, ARGVS,
        [*SHELL, "\0", ",", ",,", "server=on", "path=", "fd=", "tcp:", "unix:", "{", '{"id":',
         "\udcff", "\u0663", "9" * 30, "-mon"],
    ),
    "address": Reader(property_of(test_address.test_any_text_parses_back_or_is_refused), PATHS,
                      [*":/,.@[]?&=%#~ ", "::1", "99999", "unix:", "ssh://", "\0", "\udc80", "é"]),
    "ranges": Reader(property_of(test_ranges.test_any_text_stands_for_something),
                     ["web[1-3,07].{a,b}", "vm{1..4}"], [*"[]{},-.0 9", "..", "999", "a"], 0.3),
    "words of a shell": Reader(check_shell_words, ["qmpsh -a x='b c' \"d$HOME\""], SHELL),
    "typed keys": Reader(property_of(test_keys.test_any_text_is_read_or_refused),
                         ["root\\n", "a\\e[A\\\\"], ["\\", "\\n", "\\x", "\n", "e", "{", "é"]),
    "memory words": Reader(property_of(test_fonts.test_any_text_of_xp), XP,
                           ["\r\n", ": ", "0x", "0x12345678", "f" * 20, "g", " ", "c0000"]),
}  # fmt: skip


@pytest.fixture
def hold(request: pytest.FixtureRequest) -> Callable[[Reader[Text]], None]:
    """What gives a reader its inputs, and fails with the smallest that it does not stand."""
    given = request.config.getoption("--hypothesis-seed", default=None)
    seed = f"{RANDOM_SEED if given is None else given} {request.node.name}"

    part = request.node.callspec.params["part"]

    def give(reader: Reader[Text]) -> None:
        inputs = changed_texts(reader.times)
        fault = find_fault(reader, seed, inputs)
        request.node.user_properties.append((INPUTS, inputs if fault is None else fault.tried))
        if fault is not None:
            said = f"{fault.text!r} of seed {seed!r}, input {fault.tried}: {fault.error!r}"
            raise AssertionError(said) from fault.error
        # Each piece in turn in one of the parts of `make fuzz`, else one.
        pieces = reader.pieces[part::PARTS] if is_fuzz() else [Random(seed).choice(reader.pieces)]
        assert find_slow(reader, pieces) is None

    return give


@pytest.mark.mutation
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("name", READERS)
def test_changed_bytes(name: str, part: int, hold: Callable[[Reader[bytes]], None]) -> None:
    hold(READERS[name])


@pytest.mark.mutation
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("name", TEXT_READERS)
def test_changed_texts(name: str, part: int, hold: Callable[[Reader[str]], None]) -> None:
    hold(TEXT_READERS[name])


# ------------------------------------------------------------------------ the changes themselves


def test_a_fault_is_found_made_small_and_found_again() -> None:
    def fail_at_two_braces(text: str) -> None:
        assert text.count("{") < 2

    reader = Reader(fail_at_two_braces, ["abc def ghi"], ["{", "}"])
    fault = find_fault(reader, "7", 10_000)
    assert fault is not None
    assert fault.text == "{{"
    again = find_fault(reader, "7", 10_000)
    assert again is not None
    assert again.tried == fault.tried
    assert find_fault(reader._replace(check=str.upper), "7", 100) is None


def test_what_takes_quadratic_time_is_found() -> None:
    def read_slowly(text: str) -> None:
        for _ in range(len(text) if text.startswith("{") else 0):
            text.count("ab", 0, 4_000)

    reader = Reader(read_slowly, ["abc"], ["}", "{{"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.mutations.SECONDS", 0.02)
        assert find_slow(reader, reader.pieces) == "{{"
        assert find_slow(reader, ["}"]) is None


def test_a_text_is_made_small() -> None:
    assert shrunk(b"abXcdYef", lambda data: b"X" in data and b"Y" in data) == b"XY"


def test_inputs_differ_and_are_short() -> None:
    found = list(islice(mutated(Random(1), ["a" * 1000, "b"], ["{"]), 1000))
    assert max(map(len, found)) <= LONGEST
    assert len(set(found)) > 500
