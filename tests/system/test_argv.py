"""Which monitors a command line makes: a table of real ones."""

from __future__ import annotations

import pytest

from qmpsh.system.argv import (
    AGENT,
    HMP,
    QMP,
    SERIAL,
    MonitorChannel,
    maybe_command_line,
    read_options,
)

QEMU = "/usr/bin/qemu-system-x86_64"


@pytest.mark.parametrize(
    "line, channels",
    [
        ("-qmp unix:/a,server=on,wait=off", [MonitorChannel(QMP, "/a")]),
        ("-qmp unix:/a,server,nowait", [MonitorChannel(QMP, "/a")]),
        ("--qmp unix:/a,server=on", [MonitorChannel(QMP, "/a")]),
        ("-qmp=unix:/a,server=on", [MonitorChannel(QMP, "/a")]),
        ("-qmp unix:/a,,b,server=on", [MonitorChannel(QMP, "/a,b")]),
        ("-qmp-pretty unix:rel/a,server=on", [MonitorChannel(QMP, "rel/a")]),
        ("-qmp unix:/a", []),  # it dials
        ("-qmp unix:/a,server=off", []),
        ("-qmp unix:/a,noserver", []),
        ("-qmp unix:/a,server=on,websocket=on", [MonitorChannel(QMP, "/a", wrap="websocket")]),
        ("-qmp unix:a,abstract=on,server=on", [MonitorChannel(QMP, "a", abstract=True)]),
        ("-qmp tcp:localhost:4444,server=on", [MonitorChannel(QMP, host="localhost", port=4444)]),
        ("-qmp tcp::4444,server=on", [MonitorChannel(QMP, port=4444)]),
        ("-qmp tcp:[::1]:4444,server=on", [MonitorChannel(QMP, host="::1", port=4444)]),
        ("-qmp tcp:h:x,server=on", [MonitorChannel(QMP, host="h")]),
        ("-qmp telnet:h:1,server=on", [MonitorChannel(QMP, host="h", port=1, wrap="telnet")]),
        (
            "-qmp tcp:h:1,server=on,telnet=on",
            [MonitorChannel(QMP, host="h", port=1, wrap="telnet")],
        ),
        ("-qmp stdio", []),
        ("-qmp", []),
        ("-monitor unix:/h,server=on", [MonitorChannel(HMP, "/h")]),
        ("-serial mon:unix:/h,server=on", [MonitorChannel(HMP, "/h")]),
        ("-serial unix:/h,server=on", [MonitorChannel(SERIAL, "/h")]),
        ("-serial stdio", []),
        (
            "-serial chardev:c -chardev socket,id=c,path=/s,server=on -qmp unix:/a,server=on",
            [MonitorChannel(QMP, "/a"), MonitorChannel(SERIAL, "/s")],
        ),
        (
            "-chardev socket,id=c,path=/s,server=on -device isa-serial,chardev=c",
            [MonitorChannel(SERIAL, "/s")],
        ),
        (
            "-chardev socket,id=c,path=/s,server=on,mux=on -serial chardev:c -mon c",
            [MonitorChannel(HMP, "/s"), MonitorChannel(SERIAL, "/s")],
        ),
        ("-chardev socket,id=c,path=/s,server=on -device virtio-net-pci,chardev=c", []),
        ("-chardev socket,id=m,path=/a,server=on -mon m,mode=control", [MonitorChannel(QMP, "/a")]),
        (
            "-mon chardev=m,mode=control -chardev socket,path=/a,id=m,server=on",
            [MonitorChannel(QMP, "/a")],
        ),
        ("-chardev socket,id=m,path=/a,server=on -mon chardev=m", [MonitorChannel(HMP, "/a")]),
        ("-chardev socket,id=m,path=/a,server=on -qmp chardev:m", [MonitorChannel(QMP, "/a")]),
        ("-chardev socket,id=m,path=/a,server=on", []),  # nothing uses it
        ("-chardev pty,id=m -mon chardev=m,mode=control", []),
        ("-mon chardev=nope,mode=control", []),
        (
            "-chardev socket,id=m,fd=25,server=on -mon chardev=m,mode=control",
            [MonitorChannel(QMP, fd=25)],
        ),
        (
            "-chardev socket,id=m,host=0.0.0.0,port=1,server=on,tls-creds=t -mon m,mode=control",
            [MonitorChannel(QMP, host="0.0.0.0", port=1, wrap="tls")],
        ),
        (
            "-chardev socket,id=g,path=/g,server=on"
            " -device virtserialport,chardev=g,name=org.qemu.guest_agent.0",
            [MonitorChannel(AGENT, "/g")],
        ),
        (
            "-chardev socket,id=g,path=/g,server=on -device"
            ' {"driver":"virtserialport","chardev":"g","name":"org.qemu.guest_agent.0","x":true}',
            [MonitorChannel(AGENT, "/g")],
        ),
        (
            "-chardev socket,id=g,path=/g,server=on -device virtserialport,chardev=g,name=other",
            [MonitorChannel(SERIAL, "/g")],
        ),
        ("-device {broken -qmp unix:/a,server=on", [MonitorChannel(QMP, "/a")]),
        ("-device [1] -qmp unix:/a,server=on", [MonitorChannel(QMP, "/a")]),
    ],
)
def test_emulator(line: str, channels: list[MonitorChannel]) -> None:
    command = maybe_command_line([QEMU, *line.split()])
    assert command is not None
    assert list(command.channels) == channels


@pytest.mark.parametrize(
    "line, channels",
    [
        (
            "qemu-storage-daemon --chardev socket,path=/a,server=on,id=c --monitor chardev=c",
            [MonitorChannel(QMP, "/a")],
        ),
        (
            "qemu-storage-daemon --monitor c --chardev socket,path=/a,server=on,id=c",
            [MonitorChannel(QMP, "/a")],
        ),
        ("qemu-storage-daemon --chardev socket,path=/a,server=on,id=c", []),
        ("stratovirt -machine microvm -qmp unix:/a,server,nowait", [MonitorChannel(QMP, "/a")]),
        ("qemu-ga -m unix-listen -p /a", [MonitorChannel(AGENT, "/a")]),
        ("qemu-ga -munix-listen -p/a --pidfile=/b", [MonitorChannel(AGENT, "/a")]),
        ("qemu-ga --method=unix-listen --path=/a", [MonitorChannel(AGENT, "/a")]),
        ("qemu-ga --method unix-listen --path /a", [MonitorChannel(AGENT, "/a")]),
        ("qemu-ga -m virtio-serial -p /dev/virtio-ports/org.qemu.guest_agent.0", []),
        ("qemu-ga", []),
        ("/usr/libexec/qemu-kvm -qmp unix:/a,server=on", [MonitorChannel(QMP, "/a")]),
        ("kvm -qmp unix:/a,server=on", [MonitorChannel(QMP, "/a")]),
    ],
)
def test_other_programs(line: str, channels: list[MonitorChannel]) -> None:
    command = maybe_command_line(line.split())
    assert command is not None
    assert list(command.channels) == channels


@pytest.mark.parametrize(
    "line", ["", "vim qemu-system-x86_64", "qemu-img info a", "/bin/qemu-nbd a"]
)
def test_no_server_of_ours(line: str) -> None:
    assert maybe_command_line(line.split()) is None


@pytest.mark.parametrize(
    "line, name",
    [
        ("-name web", "web"),
        ("-name guest=web,debug-threads=on", "web"),
        ("-name debug-threads=on", ""),
        ("-name a,,b", "a,b"),
        ("-S", ""),
    ],
)
def test_names(line: str, name: str) -> None:
    command = maybe_command_line([QEMU, *line.split()])
    assert command is not None
    assert (command.program, command.name) == ("qemu-system-x86_64", name)


def test_options() -> None:
    assert read_options("a,b=1,,2,server,nowait,c=", "first") == {
        "first": "a",
        "b": "1,2",
        "server": "on",
        "wait": "off",
        "c": "",
    }
    assert read_options("", "first") == {}
    assert read_options("[1]") == {"[1]": "on"}
