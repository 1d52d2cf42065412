"""Which members and words are secret: those between `<` and `>`, and the values `hunter2`."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.jsontypes import Json, JsonObject
from qmpsh.secrets.rules import (
    SecretContext,
    hmp_secrets,
    is_hidden,
    lists_secrets,
    mask_hmp_text,
    mask_json,
    mask_keys,
    property_secrets,
    reads_secret,
    types_character,
    types_keys,
)

MASK = "********"


@pytest.mark.parametrize(
    "marked",
    [
        "set_password vnc <X> keep",
        "set_password spice <X> disconnect",
        "set_password vnc <X> fail",
        "set_password vnc <X> <vnc>",
        "set_password vnc <keep>",
        "set_password vnc <vnc> keep",
        "set_password vnc <spice>",
        "set_password <X>",
        "set_password <keep> <X>",
        "set_password -d d vnc <X> keep",
        "set_password vnc -d d <X> keep",
        "set_password vnc <X> -d d keep",
        "set_password vnc <X> -d",
        "set_password",
        "expire_password vnc now",
        "change vnc password <X>",
        "change vnc passwd <X>",
        "change vnc password <X> <Y>",
        "change vnc password",
        "change vnc <X>",
        "change vnc <:1> <password>",
        "change -f vnc password <X>",
        "change ide0 vnc password",
        "change",
        "block_passwd disk <X>",
        "block_passwd disk <X> <Y>",
        "block_passwd disk",
        "block_passwd",
        "qom-set /objects/s data <X>",
        "qom-set /objects/s data <X Y>",
        'qom-set /objects/s "data" <X>',
        "qom-set /objects/s password <X>",
        "qom-set -j /objects/s data <X>",
        "qom-set /objects/s data",
        "qom-set /objects/s speed X",
        "object_add secret,id=a,data=<X>",
        "object_add secret,id=a,data=<X,,Y>",
        "object_add secret,id=a,data=<X>,<Y>",
        "object_add secret,id=a,<Y>,data=<X>",
        "object_add secret,id=a,<dat=X>",
        "object_add secret,id=a,format=raw,file=X",
        "object_add secret_keyring,id=a,serial=X",
        "object_add qom-type=secret,id=a,data=<X>,<Y>",
        "object_add id=a,qom-type=secret,data=<X>,<Y>",
        "object_add iothread,id=a,data=<X>,Y=Z",
        "object_add iothread,id=a,password=<X>",
        "object_add iothread,id=a,poll-max-ns=5",
        "object_add data=<X>",
        "object_add secret",
        "object_add",
        'object_add <{"qom-type":"secret","id":"a"}>',
        'object_add <{"data":"X"}>',
        'object_add {"qom-type":"iothread","id":"a"}',
        "drive_add 0 if=none,file=https://u:<X>@h/f",
        'drive_add 0 "if=none,file=https://u:<X>@h/f"',
        'drive_add 0 "file=https://u:<X>@h/f',
        r'drive_add 0 "<file=https://u:X\"Y@h/f>" b',
        r'drive_add 0 <"file=https://u:X\"Y@h/f>',
        r'drive_add 0 "a\\b" c',
        "drive_add 0 file=/a,password=<X>,id=b",
        'drive_add 0 "file=/a,password=<X Y>,id=b" c',
        'drive_add 0 "file=/a,password=<X Y>" c',
        'drive_add 0 "file=/a,password=<X Y>',
        'drive_add 0 ""',
        'drive_add 0 "',
        'migrate "password=<X Y>,id=b"',
        '"password=<X Y>"',
        r'drive_add 0 json:<{"p\u0061ssword":"X"}>',
        r'drive_add 0 "<json:{\"p\\u0061ssword\":\"X\"}>"',
        "x / data Y",
        "x a=b,data=Y",
        "object_add ,",
        "object_add secretx=1,Y=Z",
        "object_add iothread,id=secret,Y=Z",
        "object_add secret,id=a,<data>",
        "info status",
        "",
    ],
)
def test_words_of_the_human_monitor(marked: str) -> None:
    line = re.sub("[<>]", "", marked)
    assert mask_hmp_text(line) == re.sub("<[^>]*>", MASK, marked)


@pytest.mark.parametrize(
    "name, arguments",
    [
        ("set_password", {"protocol": "vnc", "password": "hunter2", "connected": "keep"}),
        ("set_password", {"display": "d", "pasword": "hunter2"}),
        ("change-vnc-password", {"password": "hunter2", "target": "hunter2"}),
        ("block_passwd", {"device": "d", "node-name": "n", "pw": "hunter2"}),
        ("guest-set-user-password", {"username": "u", "passw": "hunter2", "crypted": False}),
        ("sev-inject-launch-secret", {"packet-header": "h", "gpa": 1, "x": "hunter2"}),
        ("object-add", {"qom-type": "secret", "id": "a", "data": "hunter2", "format": "raw"}),
        ("object-add", {"qom-type": "secret", "loaded": "l", "iv": "i", "keyid": "k"}),
        ("object-add", {"qom-type": "secret", "props": "p", "type": "t"}),
        ("set_password", {"type": "t", "time": "t", "crypted": "c"}),
        ("object-add", {"qom-type": "secret", "file": "f", "dta": "hunter2"}),
        ("object-add", {"qom-type": "iothread", "data": "hunter2", "a,b": "hunter2", "c": "d"}),
        ("object_add", {"props": {"data": "hunter2", "b": [{"data": "hunter2"}]}}),
        ("blockdev-add", {"url": "https://u:hunter2@h/f", "password-secret": "s"}),
        ("blockdev-add", {"data": "d", "a,b": "c", "env": "e"}),
        ("transaction", {"actions": [{"type": "t", "data": {"password": "hunter2"}}]}),
        ("qom-set", {"path": "/", "property": "data", "value": "hunter2"}),
        ("qom-set", {"path": "/", "property": "password", "value": "hunter2"}),
        ("qom-set", {"path": "/", "property": "password", "value": True}),
        ("qom-set", {"path": "/", "property": "password", "value": None}),
        ("qom-set", {"path": "/", "property": "speed", "value": "v"}),
        ("human-monitor-command", {"command-line": "set_password vnc hunter2"}),
        ("human-monitor-command", {"command-line": 5}),
        ("guest-exec", {"path": "p", "arg": ["a"], "input-data": "hunter2"}),
        ("guest-file-write", {"handle": 1, "buf-b64": "b"}),
    ],
)
@pytest.mark.parametrize("member", ["execute", "exec-oob"])
def test_members_of_a_command(member: str, name: str, arguments: JsonObject) -> None:
    message: JsonObject = {member: name, "arguments": arguments}
    assert json.dumps(mask_json(message)) == json.dumps(message).replace("hunter2", MASK)


@pytest.mark.parametrize(
    "message, masked",
    [
        ({"execute": "guest-exec", "env": ["A=b"]}, {"execute": "guest-exec", "env": MASK}),
        ({"password": 5}, {"password": MASK}),
        ({"property": "data", "value": 5}, {"property": "data", "value": MASK}),
        ({"qom-type": "secret", "a": {"b": 1}}, {"qom-type": "secret", "a": MASK}),
        ({"qom-type": 5, "a": "b"}, {"qom-type": 5, "a": "b"}),
        ({"execute": 5, "data": "d"}, {"execute": 5, "data": "d"}),
        (["https://u:x@h/", 5, None], [f"https://u:{MASK}@h/", 5, None]),
    ],
)
def test_members_of_any_message(message: Json, masked: Json) -> None:
    assert mask_json(message) == masked


@pytest.mark.parametrize(
    "paths, lists",
    [
        (["/machine/peripheral/net0"], False),
        (["/machine/unattached", "/objects/sec0"], True),
        (["sec0"], True),
        (["/machine/../objects/sec0"], True),
        ("/machine/x", True),
        ([5], True),
    ],
)
def test_a_command_that_lists_secrets(paths: Json, lists: bool) -> None:
    assert lists_secrets({"execute": "qom-list-get", "arguments": {"paths": paths}}) is lists
    assert not lists_secrets({"execute": "qom-list", "arguments": {"paths": paths}})


@pytest.mark.parametrize(
    "line, secret",
    [
        (".prop data geheim", "geheim"),
        (".json .prop /objects/s.password 'ge heim'", "'ge heim'"),
        ("prop 'a b/data' geheim  x", "geheim  x"),
        (".prop rombar geheim", None),
        (".property data geheim", None),
    ],
)
def test_a_property_that_is_set_to_a_secret(line: str, secret: str | None) -> None:
    found = [line[start:end] for start, end in property_secrets(line)]
    assert found == ([secret] if secret else [])


@pytest.mark.parametrize(
    "command, reads",
    [
        ({"execute": "qom-get", "arguments": {"path": "/", "property": "data"}}, True),
        ({"exec-oob": "qom-get", "arguments": {"property": "password"}}, True),
        ({"execute": "qom-get", "arguments": {"property": "speed"}}, False),
        ({"execute": "qom-get", "arguments": {"property": 5}}, False),
        ({"execute": "qom-get"}, False),
        ({"execute": "qom-list", "arguments": {"property": "data"}}, False),
        ({"execute": "x", "arguments": {"command-line": "qom-get /objects/s data"}}, True),
        ({"execute": "x", "arguments": {"command-line": 'qom-get / "data"'}}, True),
        ({"execute": "x", "arguments": {"command-line": "qom-get / speed"}}, False),
        ({"execute": "x", "arguments": {"command-line": "info data"}}, False),
        ({"execute": "x", "arguments": {"command-line": ""}}, False),
    ],
)
def test_a_command_that_reads_a_secret(command: JsonObject, reads: bool) -> None:
    assert reads_secret(command) is reads


KEYS: JsonObject = {"keys": [{"type": "qcode", "data": "a"}]}


@pytest.mark.parametrize(
    "command, masked",
    [
        ({"execute": "send-key", "arguments": KEYS}, {"execute": "send-key", "arguments": MASK}),
        (
            {"exec-oob": "input-send-event", "arguments": KEYS, "id": 1},
            {"exec-oob": "input-send-event", "arguments": MASK, "id": 1},
        ),
        ({"execute": "send-key"}, {"execute": "send-key"}),
        ({"execute": "stop", "arguments": KEYS}, {"execute": "stop", "arguments": KEYS}),
        *(
            (
                {"execute": "x", "arguments": {"command-line": line, "cpu-index": 0}},
                {"execute": "x", "arguments": {"command-line": shown, "cpu-index": 0}},
            )
            for line, shown in [
                ("sendkey a-b 100", f"sendkey {MASK}"),
                (" sendkey", f"sendkey {MASK}"),
                ("info sendkey", "info sendkey"),
                ("", ""),
                (5, 5),
            ]
        ),
    ],
)
def test_keys_that_are_typed(command: JsonObject, masked: JsonObject) -> None:
    assert mask_keys(command) == masked


@pytest.mark.parametrize(
    "name, types", [("send-key", True), ("input-send-event", True), ("sendkey", False)]
)
def test_commands_that_type_keys(name: str, types: bool) -> None:
    assert types_keys(name) is types


def test_a_line_without_secrets_has_no_spans() -> None:
    assert hmp_secrets("info status") == []


@pytest.mark.parametrize(
    "path, about, owners, hidden",
    [
        ("a", SecretContext(), [], False),
        ("password", SecretContext(), [], True),
        ("password.0.a", SecretContext(), [], True),
        ("data", SecretContext(), [], False),
        ("data", SecretContext(is_object=True), [], True),
        ("data.0.a", SecretContext(is_object=True), [], True),
        ("a", SecretContext(is_object=True), [], False),
        ("0", SecretContext(), [], False),
        ("0", SecretContext(hands_over=True), [], True),
        ("pw.0", SecretContext(hands_over=True), [], True),
        ("protocol.0", SecretContext(hands_over=True), [], False),
        ("a.b", SecretContext(), [["a"]], True),
        ("a.b.c", SecretContext(), [["a", "b"]], True),
        ("a.file", SecretContext(), [["a"]], False),
        ("b.c", SecretContext(), [["a"]], False),
        ("b", SecretContext(), [[]], True),
        ("a", SecretContext(), [["a"]], True),
        ("file.a", SecretContext(), [["file"]], True),
        ("protocol.pw", SecretContext(hands_over=True), [], True),
        ("env", SecretContext(runs_program=True), [], True),
    ],
)
def test_a_member_by_its_path(
    path: str, about: SecretContext, owners: list[list[str]], hidden: bool
) -> None:
    assert is_hidden(path.split("."), about, {tuple(owner) for owner in owners}) is hidden


PIECES = st.sampled_from(
    [
        *("set_password", "change", "vnc", "password", "block_passwd", "qom-set", "data", "-d"),
        *("object_add", "secret", "qom-type=", "id=a", "data=", "keep", "json:{", "https://u:p@h/"),
        *(",", ",,", "=", '"', "\\", "{", "}", " ", "\n", "x"),
    ]
)


@given(st.lists(PIECES, max_size=12).map("".join))
def test_spans_are_in_order_apart_and_inside(line: str) -> None:
    edges = [edge for span in hmp_secrets(line) for edge in span]
    assert edges == sorted(edges)
    assert all(0 <= edge <= len(line) for edge in edges)


@given(st.lists(PIECES, max_size=6).map("".join))
def test_a_password_is_never_shown(rest: str) -> None:
    assert "hunter2" not in mask_hmp_text(f"set_password vnc hunter2 {rest}")
    assert "hunter2" not in mask_hmp_text(f"object_add secret,id=a,data=hunter2,{rest}")
    assert "hunter2" not in mask_hmp_text(f"qom-set /a password {rest} hunter2")


@pytest.mark.parametrize("word", ["a", "A", "-", "shift-a", "altgr-q", "shift-altgr-q", "shift--"])
def test_a_chord_that_types_a_character(word: str) -> None:
    assert types_character(word)


@pytest.mark.parametrize("word", ["ctrl-c", "f2", "enter", "shift-f1", "alt-x", "ctrl-alt-delete"])
def test_a_chord_that_types_none(word: str) -> None:
    assert not types_character(word)
