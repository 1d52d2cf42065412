"""What is asked in each round."""

from __future__ import annotations

from qmpsh.top.questions import SIGN_OF_LIFE, Rota, command_of

ALL = {
    "query-blockstats",
    "query-stats",
    "query-status",
    "query-cpus-fast",
    "query-memory-size-summary",
    "query-balloon",
}


def rounds(rota: Rota, count: int) -> list[list[str]]:
    return [rota.next_round() for _ in range(count)]


def without_kvm(*, visits: bool) -> Rota:
    """The questions to a VM that has said that it counts no exits."""
    rota = Rota(visits=visits)
    assert "query-stats" in rota.next_round()
    rota.on_refusal("query-stats")
    return rota


def test_a_vm_that_is_held_is_asked_one_question_a_tick() -> None:
    assert set(Rota(visits=False).next_round()) == ALL
    found = [[], *rounds(without_kvm(visits=False), 10)]
    assert found[1:5] == [["query-blockstats"]] * 4
    assert found[5] == ["query-blockstats", "query-status"]
    assert sum(map(len, found[1:])) == 12


def test_a_vm_that_is_visited_says_its_state_each_time() -> None:
    assert set(Rota(visits=True).next_round()) == ALL | {"query-jobs", "query-migrate"}
    found = [[], *rounds(without_kvm(visits=True), 5)]
    assert found[1] == ["query-blockstats", "query-status"]
    assert {"query-balloon", "query-jobs", "query-migrate"} <= set(found[5])


def test_where_nothing_is_due_a_sign_of_life_is_asked_for() -> None:
    rota = without_kvm(visits=False)
    rota.on_counters("query-blockstats", [])
    assert rounds(rota, 4) == [[SIGN_OF_LIFE]] * 4
    assert rota.next_round() == ["query-blockstats", "query-status"]


def test_what_was_refused_is_asked_no_more() -> None:
    rota = Rota(visits=False)
    for command in ALL:
        rota.on_refusal(command)
    assert rounds(rota, 40) == [[SIGN_OF_LIFE]] * 40
    assert rota.on_event("STOP") == []


def test_events_make_something_worth_asking() -> None:
    rota = Rota(visits=False)
    assert rota.on_event("STOP") == ["query-status"]
    assert rota.on_event("RTC_CHANGE") == []
    assert "query-cpus-fast" in rota.on_event("RESET")


def test_what_is_wanted_comes_in_the_next_round() -> None:
    rota = Rota(visits=True)
    rota.next_round()
    rota.want("query-jobs")
    assert "query-jobs" in rota.next_round()
    assert "query-jobs" not in rota.next_round()


def test_a_new_start_asks_everything() -> None:
    rota = Rota(visits=False)
    rounds(rota, 3)
    rota.on_refusal("query-stats")
    rota.start()
    assert set(rota.next_round()) == ALL


def test_exits_are_asked_for_by_name() -> None:
    command = command_of("query-stats")
    assert command.arguments == {
        "target": "vcpu",
        "providers": [{"provider": "kvm", "names": ["exits"]}],
    }
    assert command_of("query-status").arguments is None
