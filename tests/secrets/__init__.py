"""Lines that hold a secret, in every form that the shell takes, for the tests of many layers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

Form = Callable[[str], str]


def quoted(secret: str) -> str:
    return json.dumps(secret)


def json_line(command: str, **arguments: object) -> str:
    members = {name.replace("_", "-"): value for name, value in arguments.items()}
    return json.dumps({"execute": command, "arguments": members})


def url(secret: str) -> str:
    return f"https://user:{secret}@host/path"


def bare(secret: str) -> str:
    """The secret as it may stand without quotes."""
    return secret.replace(" ", "")


def plain(secret: str) -> str:
    """The secret without the marks that mean something in a URL or a list."""
    return re.sub(r"[^A-Za-z0-9]", "", secret)


def hidden(name: str, secret: str) -> str:
    """A JSON object in which an escape hides the name."""
    return f'{{"\\u{ord(name[0]):04x}{name[1:]}": {quoted(secret)}}}'


QMP: dict[str, Form] = {
    "object": lambda s: f"object-add qom-type=secret id=s data={quoted(s)}",
    "object, data first": lambda s: f"object-add data={quoted(s)} id=s qom-type=secret",
    "object, single quotes": lambda s: f"object-add id=s qom-type='secret' data='{s}'",
    "object, no type": lambda s: f"object-add id=s data={quoted(s)}",
    "object, dotted": lambda s: f"object-add qom-type=secret id=s props.data={quoted(s)}",
    "object, braces": lambda s: f"object-add id=s props={{data: {quoted(s)}}} qom-type=secret",
    "object, wrong name": lambda s: f"object-add qom-type=secret id=s dat={quoted(s)}",
    "object, whole argument": lambda s: f"object-add qom-type=secret id=s 'data={s}'",
    "object, missing id": lambda s: f"object-add qom-type=secret data={quoted(s)}",
    "vnc": lambda s: f"set_password protocol=vnc password={quoted(s)}",
    "vnc, password first": lambda s: f"set_password password={quoted(s)} protocol=vnc",
    "vnc, wrong protocol": lambda s: f"set_password protocol=vmc password={quoted(s)}",
    "vnc, wrong member": lambda s: f"set_password protocol=vnc pasword={quoted(s)}",
    "vnc, wrong type": lambda s: f"set_password protocol=vnc password=[{quoted(s)}]",
    "vnc, blanks": lambda s: f"set_password protocol=vnc password = {quoted(s)}",
    "vnc, words": lambda s: f"set_password vnc {quoted(s)}",
    "vnc, glued": lambda s: f"set_password protocol=vnc password={quoted(s)}{s}",
    "vnc, comment": lambda s: f"set_password protocol=vnc # password={quoted(s)}",
    "guest program": lambda s: f"guest-exec path=p input-data={quoted(s)}",
    "guest program, env": lambda s: f"guest-exec path=p env=[{quoted(s)}, {quoted(s)}]",
    "guest program, dotted": lambda s: f"guest-exec path=p env.0={quoted(s)}",
    "guest program, json": lambda s: json_line("guest-exec", path="p", input_data=s, env=[s]),
    "guest user": lambda s: f"guest-set-user-password username=u password={quoted(s)} crypted=off",
    "change": lambda s: f"change-vnc-password password={quoted(s)}",
    "change, redirect": lambda s: f"change-vnc-password password={quoted(s)} > /dev/null",
    "agent": lambda s: f"guest-set-user-password crypted=false password={quoted(s)} username=u",
    "qom-set": lambda s: f"qom-set path=/objects/s property=data value={quoted(s)}",
    "json": lambda s: json_line("set_password", protocol="vnc", password=s),
    "json, object": lambda s: json_line("object-add", data=s, id="s", qom_type="secret"),
    "json, spread": lambda s: json.dumps(
        json.loads(json_line("object-add", qom_type="secret", data=s)), indent=1
    ),
    "json, single quotes, escapes": lambda s: (
        f"{{'execute': 'set_p\\u0061ssword', 'arguments': {{'p\\u0061ssword': {quoted(s)}}}}}"
    ),
    "braces, single quotes, escapes": lambda s: (
        f"object-add id=s props={{'d\\u0061ta': {quoted(s)}}} qom-type=secret"
    ),
    "json, bad": lambda s: (
        f'{{"execute": "set_password", "arguments": {{"password": {quoted(s)},, "protocol": 1}}}}'
    ),
    "json, bare word": lambda s: (
        f'{{"execute": "set_password", "arguments": {{"protocol": "vnc", "password": {s}}}}}'
    ),
    "json, nested": lambda s: json_line("x", a=[{"b": {"qom-type": "secret", "data": s}}]),
    "json, transaction": lambda s: json_line(
        "transaction", actions=[{"type": "set_password", "data": {"password": s}}]
    ),
    "transaction, one line": lambda s: f"transaction( set_password password={quoted(s)} )",
    "transaction, dotted": lambda s: (
        f"transaction actions.0.type=x actions.0.data.password={quoted(s)}"
    ),
    "transaction, braces": lambda s: (
        f"transaction actions=[{{type: x, data: {{password: {quoted(s)}}}}}]"
    ),
    "typed": lambda s: f".type {quoted(s)}",
    "typed, single quotes": lambda s: f".type --layout de '{s}'",
    "typed, bare": lambda s: f".type {s} --rate 50ms",
    "typed, after a word": lambda s: f".type login {quoted(s)}",
    "typed, piece of a pipe": lambda s: f".type a | {plain(s)}",
    "typed, unknown escape": lambda s: f".type {quoted(s)}\\q",
    "typed, comment": lambda s: f".type a # {plain(s)}",
    "hmp": lambda s: f'.hmp set_password vnc "{s}"',
    "hmp, bare verb": lambda s: f'hmp set_password vnc "{s}"',
    "hmp, change": lambda s: f'.hmp change vnc password "{s}"',
    "hmp, object": lambda s: f".hmp object_add secret,id=s,data={s}",
    "hmp, data first": lambda s: f".hmp object_add data={s},id=s,qom-type=secret",
    "hmp, comma": lambda s: f".hmp object_add secret,id=s,data=a,{s}",
    "hmp, command": lambda s: f"human-monitor-command command-line='set_password vnc {s}'",
    "hmp, escaped": lambda s: (
        "human-monitor-command command-line=" + quoted(f'set_password vnc "{s}"')
    ),
    "hmp, json": lambda s: json_line("human-monitor-command", command_line=f"set_password vnc {s}"),
    "hmp, json object": lambda s: json_line(
        "human-monitor-command", command_line=f"object_add id=s,data={s},qom-type=secret"
    ),
    "hmp, in QMP": lambda s: f"object_add secret,id=s,data={s}",
    ".json": lambda s: f".json set_password protocol=vnc password={quoted(s)}",
    ".export": lambda s: f".export bash object-add id=s data={quoted(s)} qom-type=secret",
    "url": lambda s: f"blockdev-add driver=https node-name=n url={quoted(url(s))}",
    "url, proxy": lambda s: f"x proxy={quoted(url(s))} a=1",
    "url, in a name": lambda s: f"x filename={quoted('exec:curl ' + url(bare(s)))}",
    "url, bare": lambda s: f"blockdev-add driver=https node-name=n url={url(bare(s))}",
    "url, iscsi": lambda s: f"x filename={quoted(f'iscsi://u%{s}@h/t/0')}",
    "url, token": lambda s: f"x url=https://h/x?a=b&token={plain(s)}&c=d",
    "url, json": lambda s: json_line("blockdev-add", driver="https", node_name="n", url=url(s)),
    "url, two words": lambda s: f"blockdev-add driver=https node-name=n url={url(f'a {s}')}",
    "url, migration": lambda s: f"migrate uri={quoted(url(s))}",
    "url, redirect": lambda s: f"query-status | curl -s -m 1 {url(bare(s))}",
    "url, wait": lambda s: f"x a={quoted(url(s))} --wait=STOP",
    "cookie": lambda s: f"blockdev-add driver=https node-name=n url=https://h cookie={quoted(s)}",
    "cookie, json": lambda s: json_line("blockdev-add", driver="https", cookie=s),
    "cookie, file name": lambda s: (
        f"x filename={quoted('json:' + json.dumps({'driver': 'https', 'cookie': s}))}"
    ),
    "cookie, single quotes": lambda s: f"""x filename='json:{{"cookie": {quoted(s)}}}'""",
    "cookie, hidden": lambda s: f"x filename={quoted('json:' + hidden('cookie', s))}",
    "url, file name": lambda s: f"x filename={quoted('json:' + json.dumps({'url': url(s)}))}",
    "rbd": lambda s: f"x filename=rbd:pool/image:id=admin:key={plain(s)}:conf=c",
    "tunnel": lambda s: f"netdev_add type=l2tpv3 id=n src=a dst=b txsession=1 txcookie={quoted(s)}",
    "sev": lambda s: f"sev-inject-launch-secret packet-header=x secret={quoted(s)} gpa=1",
    "sev, wrong name": lambda s: f"sev-inject-launch-secret packet-header=x secrt={quoted(s)}",
    "sev, json": lambda s: json_line("sev-inject-launch-secret", packet_header="x", secret=s),
    "member of a kind": lambda s: f"x proxy-password={quoted(s)} a=1",
    "hmp, drive": lambda s: f".hmp drive_add 0 file={url(plain(s))},if=none",
    "hmp, drive, quoted": lambda s: f'.hmp drive_add 0 "file={url(s)},if=none"',
    "hmp, drive, cookie": lambda s: f'.hmp drive_add 0 "driver=https,cookie={s},url=https://h"',
    "hmp, drive, password": lambda s: f".hmp drive_add 0 driver=ssh,file.password={bare(s)},a=b",
    "hmp, medium": lambda s: f'.hmp change cd0 "{url(s)}"',
    "hmp, as JSON": lambda s: json_line("human-monitor-command", command_line=f"migrate {url(s)}"),
    ".watch": lambda s: f".watch 9 --count=1 x password={quoted(s)}",
    ".watch, wrong": lambda s: f".watch 9 --count=1 x password={quoted(s)} b = c",
    ".wait": lambda s: f".wait STOP password={quoted(s)} --timeout=0.01",
    ".source": lambda s: f".source {quoted(url(s))}",
    "verb, unknown": lambda s: f".hnp set_password vnc password={quoted(s)}",
    "transcript": lambda s: f"(QEMU) set_password protocol=vnc password={quoted(s)}",
    "transcript, json": lambda s: "-> " + json_line("set_password", protocol="vnc", password=s),
    "escape": lambda s: f'set_password protocol=vnc password="\\q{s}"',
    ".json, bad": lambda s: f".json set_password protocol=vnc password = {quoted(s)}",
}
"""Lines of the prompt, some of them wrong: what a person mistypes holds the secret all the same."""

OPEN: dict[str, Form] = {
    "url, unclosed": lambda s: f"blockdev-add driver=https node-name=n url='{url(s)}",
    "unclosed": lambda s: f"object-add qom-type=secret id=s data='{s}",
    "unclosed, bracket": lambda s: f"object-add qom-type=secret id=s props={{data: {quoted(s)}",
    "unclosed, json": lambda s: '{"execute": "object-add", "arguments": {"data": ' + quoted(s),
}
"""Lines that go on: at the prompt until Ctrl-C, in a script until its end."""

HMP: dict[str, Form] = {
    "set_password": lambda s: f'set_password vnc "{s}"',
    "set_password, option": lambda s: f'set_password -d d0 vnc "{s}" keep',
    "set_password, no protocol": lambda s: f'set_password "{s}"',
    "set_password, unclosed": lambda s: f'set_password vnc "{s} keep',
    "change": lambda s: f'change vnc password "{s}"',
    "change, force": lambda s: f'change -f vnc passwd "{s}"',
    "object": lambda s: f"object_add secret,id=s,data={s}",
    "object, named": lambda s: f"object_add qom-type=secret,id=s,data={s},format=raw",
    "object, data first": lambda s: f"object_add data={s},id=s,qom-type=secret",
    "object, json": lambda s: f'object_add {{"qom-type": "secret", "id": "s", "data": "{s}"}}',
    "qom-set": lambda s: f'qom-set /objects/s data "{s}"',
    "verb": lambda s: f'.hmp set_password vnc "{s}"',
    "json": lambda s: f'.json set_password vnc "{s}"',
}
"""Lines of HMP mode."""
