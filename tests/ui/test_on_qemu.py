"""The screen on a real session with a real QEMU, without a terminal."""

from __future__ import annotations

from tests.qemu import Vm
from tests.ui.harness import ScreenHarness, on_vm


@on_vm("-S", name="vm1")
async def test_what_the_vm_is_comes_by_itself(ui: ScreenHarness) -> None:
    await ui.sees("vm1 · paused (prelaunch) · ./monitor.sock")
    await ui.sees(" commands · ")
    await ui.sees(" events · Tab completes")
    await ui.sees(" vm1  prelaunch  QEMU ")


@on_vm()
async def test_replies_and_events(ui: ScreenHarness) -> None:
    ui.keys("stop\rcont\rquery-status\r")
    await ui.sees('  "running": true')
    await ui.until(lambda: ui.screen.state.events.total == 2)
    await ui.sees("RESUME")
    await ui.sees(" running  QEMU ")


@on_vm()
async def test_an_error_of_the_server(ui: ScreenHarness) -> None:
    ui.keys("device_del id=net9\r")
    await ui.sees("DeviceNotFound: Device 'net9' not found")


@on_vm()
async def test_the_whole_schema_is_folded_and_unfolds(ui: ScreenHarness) -> None:
    ui.keys("query-qmp-schema\r")
    await ui.sees(" more lines, ")
    ui.keys("\x1bOS\x1b[1;5F")
    await ui.until(lambda: ui.screen.output.store.end > 15_000)
    await ui.sees("\n]")


@on_vm()
async def test_names_complete_and_members_are_hinted(ui: ScreenHarness) -> None:
    await ui.sees(" events · Tab completes")
    ui.keys("query-st\t")
    await ui.sees("query-stats-schemas")
    ui.keys("\x03device_del ")
    await ui.sees("id*: str")


@on_vm()
async def test_a_transaction(ui: ScreenHarness) -> None:
    ui.keys("transaction(\r")
    await ui.sees("TRANS 1> _")
    ui.keys("\x03")
    await ui.sees("(QEMU) _")


@on_vm()
async def test_a_raw_command_that_is_pasted_over_several_lines(ui: ScreenHarness) -> None:
    ui.keys('\x1b[200~{ "execute": "query-status",\n  "id": 7 }\x1b[201~\r')
    await ui.sees('  "running": true')


@on_vm()
async def test_the_end_of_the_vm(ui: ScreenHarness, vm: Vm) -> None:
    ui.keys("query-status\r")
    await ui.sees('  "running": true')
    vm.kill()
    await ui.sees("the VM is gone; waiting")
    assert ui.picture().count("killed or crashed: the VM has ended.") == 1
    ui.keys("query-status\r")
    await ui.sees("error: ")


@on_vm()
async def test_quit_is_answered_and_the_vm_ends(ui: ScreenHarness) -> None:
    ui.keys("quit\r")
    await ui.sees("[q]uit the VM")
    ui.keys("q")
    await ui.sees("the VM has ended")
    assert "connection lost" not in ui.picture()


@on_vm()
async def test_a_search_through_the_whole_schema(ui: ScreenHarness) -> None:
    ui.keys("query-qmp-schema\r")
    await ui.sees(" more lines, ")
    ui.keys('\x1b/"x-blockdev-change"')
    await ui.sees("1 of 1 line ")
    await ui.sees('"name": "x-blockdev-change"')


@on_vm()
async def test_a_table(ui: ScreenHarness) -> None:
    ui.keys("query-chardev --table\r")
    await ui.until(lambda: "compat_monitor0" in ui.picture())
    assert "{" not in ui.picture()


@on_vm()
async def test_events_are_filtered(ui: ScreenHarness) -> None:
    ui.keys(".events RES*\rstop\rcont\r")
    await ui.sees(" RESUME")
    await ui.sees("events 2  only RES*")
    assert " STOP" not in ui.picture()
    ui.keys(".events\r")
    await ui.sees(" STOP")
