"""The locally installed manual, on pages invented for this and on the real ones that are here."""

from __future__ import annotations

import gzip
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.schema.manual.find import IndexEntry, Manual, find_pages, load_manual
from qmpsh.schema.manual.page import first_sentence
from qmpsh.schema.manual.roff import (
    MAX_INDENT_LEVELS,
    CodeBlock,
    InlineMark,
    ListItem,
    ManualBlock,
    Paragraph,
    QuotedBlock,
    plain,
    read_blocks,
)
from tests.programs import unavailable
from tests.qemu import ROOT

PAGES = ROOT / "tests" / "data" / "manual"
NAMES = ("qemu-qmp-ref", "qemu-storage-daemon-qmp-ref", "qemu-ga-ref")

BOIL = """\
Boil the water, i.e. make it hot. The lid stays closed; kettle-cool is the way
back.

Boiling an empty kettle isn't wise.

Arguments:
  id: string
      the kettle. Its name is on the bottom.
  mode: KettleMode (optional)
      how hot it becomes (default: warm) (since 2.4)
  lids: [KettleLid]
      lids to put on; more than one are put on top of each other

      A lid that does not fit is left out.
  x-steam: boolean (optional, if CONFIG_STEAM)

Features:
  unstable - Member x-steam is experimental.

Returns:
  - nothing on success
  - If id is not a kettle, KettleNotFound, whatever the long-winded
    explanation of it may be

Note:
  Known limitations:

  - One kettle at a time.
  - Water only.

Example:
  -> { "execute": "kettle-boil",
       "arguments": { "id": "red",

                      "label": "a line that is longer than seventy-eight columns\\rn" } }
  <- { "return": {} }

Since: 2.3
Only if: CONFIG_KETTLE"""

MODE = """\
How hot it becomes

Values:
  warm - for the hands, and for whoever else wants something that is warm and
      that is not yet hot
  hot - for tea
  2_5

Since: 2.4"""

LID = """\
A lid, see table.

Members:
  type: string
      "glass" or "tin"
  With type=glass: see KettleLidGlass
  With type=tin: see KettleLidTin"""

COOL = """\
Cool the water.

Arguments:
  lid: KettleRef
      what to lift

Notes:
  1. First.
  2. Second.

Since: 0.14"""


@pytest.fixture(params=["older", "newer"])
def manual(request: pytest.FixtureRequest) -> Manual:
    """The same manual, in each of the two layouts."""
    return load_manual(str(PAGES / f"{request.param}.7"))


def entry(manual: Manual, name: str, width: int = 78) -> IndexEntry:
    found = manual.entry(name, width)
    assert found is not None
    return found


# ------------------------------------------------------------------------ what a manual says


def test_names_stand_in_the_order_of_the_manual(manual: Manual) -> None:
    assert manual.names == (
        "kettle-boil",
        "KettleBoil",
        "KettleBase",
        "KettleMode",
        "KettleLid",
        "KettleLidGlass",
        "KettleLidTin",
        "KettleRef",
        "kettle-cool",
        "KETTLE_BOILED",
    )


@pytest.mark.parametrize(
    "name, text",
    [
        ("kettle-boil", BOIL),
        ("KettleMode", MODE),
        ("KettleLid", LID),
        ("kettle-cool", COOL),
        ("KETTLE_BOILED", "Emitted when it boils.\n\nSince: 1.1"),
    ],
)
def test_text_is_laid_out_for_a_terminal(manual: Manual, name: str, text: str) -> None:
    assert entry(manual, name).text == text


@pytest.mark.parametrize(
    "name, kind, sentence",
    [
        ("kettle-boil", "Command", "Boil the water, i.e. make it hot"),
        ("KETTLE_BOILED", "Event", "Emitted when it boils"),
        ("KettleMode", "Enum", "How hot it becomes"),
        ("KettleRef", "Alternate", "A lid or its name"),
        ("KettleBoil", "Object", ""),
    ],
)
def test_kind_and_first_sentence(manual: Manual, name: str, kind: str, sentence: str) -> None:
    found = entry(manual, name)
    assert (found.kind, found.first_sentence) == (kind, sentence)
    assert manual.first_sentence(name) == sentence


def test_members_include_those_of_the_types_that_are_named(manual: Manual) -> None:
    assert entry(manual, "kettle-boil").members == {
        "id": "the kettle",
        "mode": "how hot it becomes (default: warm)",
        "lids": "lids to put on; more than one are put on top of each other",
        "x-steam": "",
    }


def test_an_unknown_name_has_nothing(manual: Manual) -> None:
    assert manual.entry("teapot", 78) is None
    assert manual.first_sentence("teapot") == ""
    assert manual.member_sentence("teapot", "lid") == ""


@pytest.mark.parametrize(
    "path, sentence",
    [
        (("kettle-boil", "mode"), "how hot it becomes (default: warm)"),
        (("kettle-boil", "lids"), "lids to put on; more than one are put on top of"),
        (("kettle-boil", "lids", "0", "type"), '"glass" or "tin"'),
        (("kettle-boil", "lids", "type"), '"glass" or "tin"'),
        (("kettle-cool", "lid", "type"), '"glass" or "tin"'),
        (("kettle-cool", "lid", "colour"), "what colour the glass has"),
        (("KettleMode", "hot"), "for tea"),
        (("kettle-boil", "x-steam"), ""),
        (("kettle-boil", "colour"), ""),
        (("kettle-boil", "nothing", "colour"), ""),
        (("kettle-boil",), ""),
    ],
)
def test_members_at_any_depth(manual: Manual, path: tuple[str, ...], sentence: str) -> None:
    assert manual.member_sentence(*path).startswith(sentence)
    assert bool(manual.member_sentence(*path)) == bool(sentence)


@pytest.mark.parametrize(
    "tag, sentence",
    [
        ("glass", "what colour the glass has"),
        ("tin", "what colour the tin is painted"),
        ("wood", ""),
    ],
)
def test_the_tag_selects_the_branch(manual: Manual, tag: str, sentence: str) -> None:
    path = ("kettle-boil", "lids", "0", "colour")
    assert manual.member_sentence(*path, given={"type": tag}) == sentence


@pytest.mark.parametrize(
    "word, names",
    [
        ("boil", ["kettle-boil", "KETTLE_BOILED", "KettleBoil"]),
        ("KettleNotFound", ["kettle-boil"]),
        ("way  back", ["kettle-boil"]),
        ("hot", ["kettle-boil", "KettleBase", "KettleMode"]),
        ("TEASPOON", []),
        ("unindent", []),
        ("", []),
    ],
)
def test_search_finds_names_first_and_commands_first(
    manual: Manual, word: str, names: list[str]
) -> None:
    found = manual.search(word)
    assert [name for name, _ in found] == names
    assert all(sentence == manual.first_sentence(name) for name, sentence in found)


def test_the_version_is_that_of_the_title() -> None:
    assert load_manual(str(PAGES / "older.7")).version == "7.9.1"
    assert load_manual(str(PAGES / "newer.7")).version == "10.9.1"
    assert Manual("").version == ""


# ------------------------------------------------------------------------ peculiarities of pages


def term(text: str, body: str) -> ListItem:
    return ListItem(InlineMark.TERM, text, [Paragraph(body)])


def older(name: str, body: str) -> Manual:
    return Manual(f".\n.SS \\fB{name}\\fP (Command)\n{body}\n")


def newer(name: str, body: str) -> Manual:
    return Manual(f".\n.INDENT 0.0\n.TP\n.B Command  {name}  (Since: 1.0)\n{body}\n.UNINDENT\n")


def test_arguments_described_elsewhere_are_brought() -> None:
    manual = older(
        "pour",
        ".sp\nPours.\n.sp\nFor the arguments, see the documentation of Cup.\n"
        ".SS \\fBCup\\fP (Object)\n.SS Members\n.INDENT 0.0\n.TP\n.B \\fBsize\\fP: \\fBint\\fP\n"
        "how much\n.UNINDENT",
    )
    assert entry(manual, "pour").members == {"size": "how much"}
    assert entry(manual, "pour").text.endswith("\n\nArguments:\n  size: int\n      how much")


def test_what_stands_before_the_description_is_told_apart() -> None:
    manual = newer(
        "x-pour",
        "This command is unstable/experimental.\\fIAvailability\\fP: "
        "\\fBCONFIG_CUP\\fP.INDENT 7.0\n"
        ".TP\n.B Return\n\\fBstring\\fP \\-\\- how it went.  Or not.\n.UNINDENT",
    )
    assert entry(manual, "x-pour") == IndexEntry(
        "x-pour",
        "Command",
        "This command is unstable/experimental.\n\n"
        "Returns:\n  string -- how it went. Or not.\n\nSince: 1.0\nOnly if: CONFIG_CUP",
        "how it went",
        {},
    )


def test_a_line_taken_for_a_term_is_text() -> None:
    manual = older(
        "pour",
        ".SS Returns\n.INDENT 0.0\n.TP\n.B error if\n.INDENT 7.0\n.IP \\(bu 2\nit is empty\n"
        ".UNINDENT\n.UNINDENT",
    )
    assert entry(manual, "pour").text == "Returns:\n  error if\n\n    - it is empty"


EXAMPLE_IN_SECTION = r"""
.SS Arguments
.INDENT 0.0
.TP
.B \fBcup\fP (\fBIf: \fP\fBCONFIG_CUP\fP)
the cup
.sp
.nf
 |_|
.fi
.UNINDENT
.sp
Not too much.
.INDENT 0.0
.INDENT 3.5
.IP "Example: to the brim"
.INDENT 0.0
.INDENT 3.5
.sp
.nf
-> {}
.fi
.UNINDENT
.UNINDENT
.UNINDENT
.UNINDENT
"""

NOTES_WITH_FRAMES = r"""
.SS Notes
.INDENT 0.0
.IP 1. 3
.INDENT 3.5
quoted
.UNINDENT
.IP 2. 3
second
.INDENT 3.5
.IP Cups
of tea
.UNINDENT
.UNINDENT
"""

ARGUMENTS_OF_ANOTHER_KIND = r"""
.INDENT 7.0
.TP
.B Arguments
.INDENT 7.0
.IP \(bu 2
in any order
.IP \(bu 2
.nf
x
.fi
.IP Cups
of tea
.UNINDENT
.UNINDENT
"""


def test_a_title_inside_a_section_ends_it() -> None:
    """As QEMU 9 has them: examples are items already, sections are not yet."""
    assert entry(older("pour", EXAMPLE_IN_SECTION), "pour").text == (
        "Arguments:\n  cup (if CONFIG_CUP) - the cup\n\n       |_|\n\n  Not too much.\n\n"
        "Example: to the brim:\n  -> {}"
    )


def test_headings_and_quotes_inside_an_item_are_indented() -> None:
    assert entry(older("pour", NOTES_WITH_FRAMES), "pour").text == (
        "Notes:\n  1.\n       quoted\n  2. second\n       Cups\n         of tea"
    )


def test_what_is_no_member_stays_in_its_list() -> None:
    found = entry(newer("pour", ARGUMENTS_OF_ANOTHER_KIND), "pour")
    assert found.members == {}
    assert found.text == (
        "Arguments:\n  - in any order\n  -\n    x\n  Cups\n    of tea\n\nSince: 1.0"
    )


def test_types_that_include_each_other_come_to_an_end() -> None:
    include = ".SS Members\n.INDENT 0.0\n.TP\n.B The members of \\fB{}\\fP\n.UNINDENT\n"
    manual = older(
        "loop",
        include.format("Egg")
        + ".SS \\fBHen\\fP (Object)\n"
        + include.format("Egg")
        + ".SS \\fBEgg\\fP (Object)\n"
        + include.format("Hen"),
    )
    assert entry(manual, "loop").text == "Members:"
    assert manual.member_sentence("loop", "yolk") == ""


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("One. Two.", "One"),
        ("Only one", "Only one"),
        ("A file, e.g. README. It is long.", "A file, e.g. README"),
        ("The maximum (since: 2.8). And more.", "The maximum"),
        ("Defaults to 1.5 of it. (Since 2.6)", "Defaults to 1.5 of it"),
        ("Is it? (Perhaps)", "Is it?"),
        ("and so on, etc.", "and so on, etc."),
        ("wait...", "wait..."),
        ("since 2.10", ""),
        ("", ""),
    ],
)
def test_first_sentences(text: str, sentence: str) -> None:
    assert first_sentence(text) == sentence


@pytest.mark.parametrize(
    "roff, text",
    [
        (r"\fBjob\-id\fP: \fI\%Type\fP\&.", "job-id: Type."),
        (r"\f(CWcode\f[R] \f[CB]x\fR", "code x"),
        (r"\(aq\(dq\[aq]\[dq]", "'\"'\""),
        (r"a\e\er\~b\ c", r"a\\r b c"),
        (r"\(bu \(em \(zz \*(lq \*[x] \s-1small\s0", '- --  "  small'),
        ("bell\x07 escape\x1b[1m csi\x9b", "bell escape[1m csi"),
        ("ends in \\", "ends in \\"),
    ],
)
def test_escapes(roff: str, text: str) -> None:
    assert plain(roff) == text


@pytest.mark.parametrize(
    "roff, blocks",
    [
        ("a\nb\n.sp\nc", [Paragraph("a b"), Paragraph("c")]),
        ("a\n\nb", [Paragraph("a"), Paragraph("b")]),
        ('.BI "one two" three', [Paragraph("one two three")]),
        (".RS\na\n.RE\nb", [QuotedBlock([Paragraph("a")]), Paragraph("b")]),
        (".IP \\(bu 2\na", [ListItem(InlineMark.BULLET, "-", [Paragraph("a")])]),
        (
            '.IP "Example: ""x"""\na',
            [ListItem(InlineMark.HEADING, 'Example: "x"', [Paragraph("a")])],
        ),
        (".IP\na", [ListItem(InlineMark.BULLET, "-", [Paragraph("a")])]),
        (".TP\n.B a\nb\n.TP\nc\nd", [term("a", "b"), term("c", "d")]),
        (
            ".nf\n a\n\n.ft C\n\tb\\-\n\n.fi\nc",
            [CodeBlock((" a", "", "        b-")), Paragraph("c")],
        ),
        (".nf\n.fi", []),
        (".TS\nl l.\na\tb\n.TE\nc", [Paragraph("c")]),
        (".unknown a\n'also\n.\nb", [Paragraph("b")]),
        ("a\n.UNINDENT\nb", [Paragraph("a")]),
        (".INDENT 3.5\na", [QuotedBlock([Paragraph("a")])]),
    ],
)
def test_blocks(roff: str, blocks: list[ManualBlock]) -> None:
    assert read_blocks(roff) == blocks


def test_nesting_is_bounded() -> None:
    deep = 5000
    text = ".INDENT 3.5\n" * deep + "a\n" + ".UNINDENT\n" * deep + "b"
    blocks = read_blocks(text)
    assert blocks[-1] == Paragraph("b")
    assert repr(blocks).count("Quote") == MAX_INDENT_LEVELS


# ------------------------------------------------------------------------ any text at all

LINES = st.one_of(
    st.sampled_from(
        """
        .INDENT 7.0|.INDENT 0.0|.UNINDENT|.TP|.sp|.nf|.fi|.EX|.EE|.TS|.TE|.RS|.RE|.SH X|.SS Since
        .SS Members|.SS Arguments|.SS If|.IP|.IP "Example:"|.IP \\(bu 2|.IP 1. 3|.B Members
        .B Arguments|.B Features|.B \\fBa\\fP: \\fBT\\fP (optional)|.B The members of \\fBT\\fP
        \\fBa\\fP (\\fBT\\fP, \\fIoptional\\fP) \\-\\- text|The members of \\fI\\%T\\fP\\&.
        When \\fBa\\fP is \\fBb\\fP: The members of \\fI\\%T\\fP\\&.|\\fBNOTE:\\fP
        .SS \\fBT\\fP (Object)|.B Object  T  (Since: 1)|.SS \\fBu\\-v\\fP (Command)
        .B Command  u\\-v|.B Alternate  a|see the documentation of T
        """.strip()
        .replace("\n        ", "|")
        .split("|")
    ),
    st.text(max_size=20),
)


@given(st.lists(LINES, max_size=60).map("\n".join))
def test_any_text_gives_a_manual(page: str) -> None:
    manual = Manual("\n" + page)
    for name in manual.names:
        found = entry(manual, name)
        assert "\n" not in found.first_sentence
        for member in (*found.members, "a"):
            manual.member_sentence(name, member, member, given={"a": "b"})
    manual.search("a")


@given(
    st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1),
    st.integers(1, 60),
    st.integers(1, 100),
)
def test_prose_keeps_to_the_width(word: str, count: int, width: int) -> None:
    manual = older("pour", f".sp\nx {word} " + " ".join(["word"] * count))
    text = entry(manual, "pour", width).text
    assert all(len(line) <= width or " " not in line for line in text.split("\n"))


@given(st.binary(max_size=200))
def test_any_file_gives_a_manual(data: bytes) -> None:
    path = Path(os.environ["XDG_CACHE_HOME"]) / "page.7"
    for content in (data, gzip.compress(data), gzip.compress(data)[:-9], b"\x1f\x8b" + data):
        path.write_bytes(content)
        assert load_manual(str(path)).names == ()


# ------------------------------------------------------------------------ files


def test_a_packed_page_is_the_page(tmp_path: Path) -> None:
    page = (PAGES / "newer.7").read_bytes()
    packed = tmp_path / "page.7.gz"
    packed.write_bytes(gzip.compress(page))
    assert load_manual(str(packed)).entry("kettle-boil", 78) == Manual(page.decode()).entry(
        "kettle-boil", 78
    )


def test_a_page_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_manual(str(tmp_path / "none.7"))


def install(folder: Path, name: str) -> str:
    path = folder / "man7" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return str(path)


def test_pages_are_found_where_man_looks(tmp_path: Path) -> None:
    own = install(tmp_path / "own", "a.7")
    beside = install(tmp_path / "usr" / "share" / "man", "b.7.gz")
    install(tmp_path / "usr" / "share" / "man", "a.7.gz")
    old = install(tmp_path / "usr" / "man", "c.7")
    environ = {"MANPATH": f"{tmp_path}/own:", "PATH": f"relative:{tmp_path}/usr/bin/"}
    assert find_pages(["c", "a", "none-such", "b"], environ) == [old, own, beside]


def test_a_private_path_is_the_only_one(tmp_path: Path) -> None:
    install(tmp_path / "own", "a.7")
    page = install(tmp_path / "private", "b.7")
    environ = {"MANPATH": f"{tmp_path}/own", "QMPSH_MANPATH": f":{tmp_path}/private"}
    assert find_pages(["a", "b"], environ) == [page]
    assert find_pages(["a"], {"QMPSH_MANPATH": ""}) == []


# ------------------------------------------------------------------------ the real pages


def real_pages() -> list[str]:
    """Those of the installed QEMU and of the one that `make qemu-next` unpacks."""
    unpacked = {"QMPSH_MANPATH": str(ROOT / ".qemu-next" / "root" / "usr" / "share" / "man")}
    return find_pages(NAMES, os.environ) + find_pages(NAMES, unpacked)


@pytest.fixture(scope="module", params=real_pages() or [""], ids=lambda path: path or "none")
def real(request: pytest.FixtureRequest) -> Manual:
    """A real page."""
    if not request.param:
        unavailable("no manual page of QEMU is installed, nor unpacked by `make qemu-next`")
    return load_manual(request.param)


@pytest.mark.qemu
def test_every_article_of_a_real_page_is_read(real: Manual) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", real.version)
    entries = [entry(real, name) for name in real.names]
    commands = [found for found in entries if found.kind == "Command"]
    assert len(entries) > 2 * len(commands) > 60
    assert [found.name for found in entries if not found.text] == []
    described = [found for found in commands if found.first_sentence]
    assert len(described) >= 0.9 * len(commands)
    left = [found.name for found in entries if re.search(r"\\f|\\-|\\\(|^\.[A-Z]", found.text)]
    assert left == []


@pytest.mark.qemu
def test_a_real_page_describes_members_wherever_they_stand(real: Manual) -> None:
    if "blockdev-add" not in real.names:
        pytest.skip("a page without block devices")
    members = entry(real, "blockdev-backup").members
    assert all(members[name] for name in ("target", "job-id", "sync", "on-target-error"))
    path = ("blockdev-add", "file", "filename")
    assert real.member_sentence(*path, given={"driver": "file"})
    assert real.member_sentence(*path, given={"driver": "nvme"}) == ""
    assert real.member_sentence("MirrorSyncMode", "full")
