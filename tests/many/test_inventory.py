"""Inventories of Ansible's: which sockets their hosts have, and what Ansible says."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.errors import UsageError
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.many.inventory import groups_of, read_inventory, sockets_of
from qmpsh.many.targets import TargetReader
from tests.programs import need

LISTED: JsonObject = {
    "_meta": {"hostvars": {"a": {"qmpsh_sockets": "/x/{1..2}.sock"}, "lone": {}}},
    "all": {"children": ["ungrouped", "dc1"]},
    "dc1": {"children": ["web"]},
    "web": {"hosts": ["a", "b"]},
}


def test_hosts_are_in_the_groups_above_theirs() -> None:
    assert groups_of(LISTED) == {
        "a": ("web", "dc1", "all"),
        "b": ("web", "dc1", "all"),
        "lone": (),
    }
    circle: JsonObject = {"x": {"children": ["y"], "hosts": ["h"]}, "y": {"children": ["x"]}}
    assert groups_of(circle) == {"h": ("x", "y")}


@pytest.mark.parametrize(
    "variables,texts,more",
    [
        ({}, ["ssh://h/run/vms/*.sock"], ()),
        (
            {"ansible_host": "10.0.0.1", "ansible_user": "me", "ansible_port": 2222},
            ["ssh://me@10.0.0.1:2222/run/vms/*.sock"],
            (),
        ),
        ({"ansible_host": "fe80::1", "qmpsh_sockets": ["/a", "/b"]},
         ["ssh://[fe80::1]/a", "ssh://[fe80::1]/b"], ()),
        (
            {"ansible_ssh_private_key_file": "/k", "ansible_ssh_common_args": "-o 'A=b c' -C"},
            ["ssh://h/run/vms/*.sock"],
            ("-i", "/k", "-o", "A=b c", "-C"),
        ),
        ({"ansible_connection": "local", "qmpsh_sockets": "/a{1,2}"}, ["/a1", "/a2"], None),
    ],
)  # fmt: skip
def test_variables_of_a_host(
    variables: JsonObject, texts: list[str], more: tuple[str, ...] | None
) -> None:
    found = [*sockets_of("h", ("web",), variables)]
    assert [one.text for one in found] == texts
    logins = {one.address.login.more if one.address else None for one in found}
    assert logins == {more}


@pytest.mark.parametrize(
    "variables,message",
    [
        ({"ansible_host": "{{ ip }}"}, "ansible_host is a template, which ansible-inventory does"),
        ({"ansible_connection": "docker"}, "it is reached by docker, not by ssh; leave it out"),
        ({"qmpsh_sockets": "run/x"}, "qmpsh_sockets must be a path or a list of paths, each in"),
        ({"qmpsh_sockets": []}, "qmpsh_sockets must be a path or a list of paths, each in"),
        ({"ansible_host": "-oProxyCommand=x"}, "is not an address"),
        ({"ansible_user": "-x"}, "is not an address"),
        ({"ansible_ssh_common_args": "'"}, "ansible_ssh_common_args: No closing quotation"),
    ],
)
def test_hosts_that_cannot_be_reached_so(variables: JsonObject, message: str) -> None:
    with pytest.raises(UsageError) as refused:
        [*sockets_of("h", (), variables)]
    assert message in str(refused.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["_meta", "hostvars", "hosts", "children", "a", "qmpsh_sockets"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["_meta", "all", "a"]), json_values))
def test_any_json_is_hosts_or_refused(content: dict[str, Json]) -> None:
    for host, groups in groups_of(content).items():
        try:
            assert all(one.host == host for one in sockets_of(host, groups, content))
        except UsageError:
            continue


def test_an_inventory_that_was_read_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(LISTED)))
    targets = TargetReader(agent=False, note=pytest.fail).read_all(["@-ansible"])
    assert [(one.text, one.host, one.is_found) for one in targets] == [
        ("ssh://a/x/1.sock", "a", False),
        ("ssh://a/x/2.sock", "a", False),
        ("ssh://b/run/vms/*.sock", "b", True),
        ("ssh://lone/run/vms/*.sock", "lone", True),
    ]
    assert targets[0].tags == (("group", "web"), ("group", "dc1"), ("group", "all"))
    monkeypatch.setattr(sys, "stdin", io.StringIO("[]"))
    with pytest.raises(UsageError, match="it is not what ansible-inventory --list prints"):
        [*read_inventory("@-ansible")]


@pytest.mark.parametrize(
    "script,message",
    [
        (None, "ansible-inventory is not installed; install ansible-core"),
        ("echo 'ERROR! no' >&2; exit 5", "ansible-inventory failed: ERROR! no"),
        ("exit 4", "ansible-inventory failed: exit 4"),
        ("echo '{'", "it is not what ansible-inventory --list prints"),
        ("echo '{}'; echo '[WARNING]: why' >&2", "no host matches: why"),
    ],
)
def test_what_ansible_does_instead(
    script: str | None, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if script is not None:
        program = tmp_path / "ansible-inventory"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError) as refused:
        [*read_inventory("@ansible:inv")]
    assert message in str(refused.value)


def test_a_real_inventory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need("ansible")
    need("ansible-inventory")
    monkeypatch.setenv("ANSIBLE_LOCAL_TEMP", str(tmp_path))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")  # Ansible takes no other encoding
    inventory = tmp_path / "inv.ini"
    inventory.write_text(
        "[web]\nalpha ansible_host=h1 ansible_port=22\nbeta\n[db]\ngamma\n[dc:children]\nweb\n"
    )
    found = [*read_inventory(f"@ansible:{inventory}:dc:!beta")]
    assert [(one.text, one.host) for one in found] == [("ssh://h1:22/run/vms/*.sock", "alpha")]
    assert {"web", "dc", "all"} <= set(found[0].groups)
    assert len([*read_inventory(f"@ansible:{inventory}")]) == 3
    with pytest.raises(UsageError, match="no host matches"):
        [*read_inventory(f"@ansible:{inventory}:none")]
