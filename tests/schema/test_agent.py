"""A guest agent's commands with types, from the manual; both of its layouts."""

from __future__ import annotations

import pytest

from qmpsh.errors import SchemaMismatch
from qmpsh.jsontypes import JsonObject
from qmpsh.language.lines import parse_line
from qmpsh.language.syntax import CommandLine
from qmpsh.schema.agent import manual_schema
from qmpsh.schema.check import check_arguments
from qmpsh.schema.describe import command_signature
from qmpsh.schema.manual.find import Manual
from qmpsh.schema.model import Schema

OLD = r"""
.TH "QEMU-GA-REF" "7" "May 25, 2026" "7.2.22" "QEMU"
.SS \fBToyWhence\fP (Alternate)
.SS Members
.INDENT 0.0
.TP
.B \fBvalue\fP: \fBint\fP
a number
.TP
.B \fBname\fP: \fBToySeek\fP
a word
.UNINDENT
.SS \fBToySeek\fP (Enum)
.SS Values
.INDENT 0.0
.TP
.B \fBset\fP
from the start
.TP
.B \fBend\fP
from the end
.UNINDENT
.SS \fBToyBase\fP (Object)
.SS Members
.INDENT 0.0
.TP
.B \fBkind\fP: \fBToyKind\fP
what it is
.UNINDENT
.SS \fBToyKind\fP (Enum)
.SS Values
.INDENT 0.0
.TP
.B \fBcar\fP
on wheels
.UNINDENT
.SS \fBToyCar\fP (Object)
.SS Members
.INDENT 0.0
.TP
.B \fBwheels\fP: \fBint\fP
how many
.UNINDENT
.SS \fBToy\fP (Object)
.SS Members
.INDENT 0.0
.TP
.B The members of \fBToyBase\fP
.TP
.B The members of \fBToyCar\fP when \fBkind\fP is \fB\(dqcar\(dq\fP
.UNINDENT
.SS \fBguest\-play\fP (Command)
.sp
Play.
.SS Arguments
.INDENT 0.0
.TP
.B \fBpath\fP: \fBstring\fP
where
.TP
.B \fBwhence\fP: \fBToyWhence\fP (optional)
from where
.TP
.B \fBtoys\fP: \fBarray of Toy\fP (optional)
with what
.TP
.B \fBloud\fP: \fBboolean\fP (optional)
how
.TP
.B \fBodd\fP: \fBNowhere\fP (optional)
not explained
.UNINDENT
.SS Returns
.sp
\fBToyCar\fP on success.
.SS \fBguest\-rest\fP (Command)
.sp
Rest.
.SS Returns
.sp
Nothing on success.
.SS \fBguest\-hidden\fP (Command)
.sp
Of another build.
"""

NEW = r"""
.TH "QEMU-GA-REF" "7" "May 25, 2026" "10.0.2" "QEMU"
.INDENT 0.0
.TP
.B Object  ToyCar  (Since: 9.0)
.INDENT 7.0
.TP
.B Members
.INDENT 7.0
.IP \(bu 2
\fBwheels\fP (\fBint\fP) \-\- how many
.UNINDENT
.UNINDENT
.UNINDENT
.INDENT 0.0
.TP
.B Command  guest\-play  (Since: 9.0)
Play.
.INDENT 7.0
.TP
.B Arguments
.INDENT 7.0
.IP \(bu 2
\fBpath\fP (\fBstring\fP) \-\- where
.IP \(bu 2
\fBsizes\fP (\fB[\fP\fBuint64\fP\fB]\fP, \fIoptional\fP) \-\- how large
.IP \(bu 2
\fBcar\fP (\fI\%ToyCar\fP, \fIoptional\fP) \-\- which
.UNINDENT
.TP
.B Features
.INDENT 7.0
.IP \(bu 2
\fBunstable\fP \-\- may go away
.UNINDENT
.TP
.B Return
\fB[\fP\fI\%ToyCar\fP\fB]\fP \-\- those played with
.UNINDENT
.UNINDENT
"""

LISTED = ("guest-play", "guest-rest", "guest-newer")


def schema(page: str = OLD, version: str = "7.2.5") -> Schema:
    return manual_schema(Manual(page), LISTED, version)


def signature(of: Schema, name: str) -> list[str]:
    info = of.command(name)
    assert info is not None
    return command_signature(of, info, {}, 78, lambda name: "")


def checked(of: Schema, text: str) -> JsonObject:
    [line] = parse_line(text)
    assert isinstance(line, CommandLine)
    return check_arguments(of, line)


def test_signatures_of_the_older_layout() -> None:
    assert signature(schema(), "guest-play") == [
        "guest-play  (command)",
        "  path*   str",
        "  whence  int | set | end",
        "  toys    [{kind, …}]",
        "  loud    bool",
        "  odd     any",
        "returns {wheels}",
        "* must be given",
    ]
    assert signature(schema(), "guest-rest") == ["guest-rest  (command)", "returns nothing"]


def test_signatures_of_the_newer_layout() -> None:
    assert signature(schema(NEW, "10.0.1"), "guest-play") == [
        "guest-play  (command, unstable)",
        "  path*  str",
        "  sizes  [int]",
        "  car    {wheels}",
        "returns [{wheels}]",
        "* must be given",
    ]


def test_only_what_the_server_has_and_the_manual_tells() -> None:
    assert schema().commands == ("guest-play", "guest-rest")
    assert schema().command("guest-hidden") is None
    assert schema().command("ToyCar") is None
    assert schema().events == ()


@pytest.mark.parametrize(
    "line, arguments",
    [
        ("guest-play path=007 loud=on", {"path": "007", "loud": True}),
        ("guest-play path=/ whence=end", {"path": "/", "whence": "end"}),
        ("guest-play path=/ whence=1", {"path": "/", "whence": 1}),
        ("guest-play path=/ odd=[1, a]", {"path": "/", "odd": [1, "a"]}),
        (
            "guest-play path=/ toys=[{kind: car, wheels: 4}]",
            {"path": "/", "toys": [{"kind": "car", "wheels": 4}]},
        ),
    ],
)
def test_typed_arguments(line: str, arguments: JsonObject) -> None:
    assert checked(schema(), line) == arguments


@pytest.mark.parametrize(
    "line, said",
    [
        ("guest-play pth=/", "guest-play has no argument 'pth'; did you mean path?"),
        ("guest-play path=/ loud=2", "loud: expected one of true, false, on, off, yes, no"),
        ("guest-play loud=on", "guest-play needs path=..."),
    ],
)
def test_refused(line: str, said: str) -> None:
    with pytest.raises(SchemaMismatch) as caught:
        checked(schema(), line)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    "version, binding", [("7.2.5", True), ("7.2.22", True), ("10.0.2", False), ("", False)]
)
def test_another_release_does_not_bind(version: str, *, binding: bool) -> None:
    assert schema(OLD, version).binding is binding


def test_any_page() -> None:
    assert manual_schema(Manual(""), LISTED, "7.2").commands == ()
