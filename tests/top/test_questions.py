"""What is asked in each round."""

from __future__ import annotations

from qmpsh.top.questions import SIGN_OF_LIFE, Rota

ALL = {
    "query-blockstats",
    "query-status",
    "query-cpus-fast",
    "query-memory-size-summary",
    "query-balloon",
}


def rounds(rota: Rota, count: int) -> list[list[str]]:
    return [rota.next_round() for _ in range(count)]


def test_a_vm_that_is_held_is_asked_one_question_a_tick() -> None:
    found = rounds(Rota(visits=False), 11)
    assert set(found[0]) == ALL
    assert found[1:5] == [["query-blockstats"]] * 4
    assert found[5] == ["query-blockstats", "query-status"]
    assert sum(map(len, found[1:])) == 12


def test_a_vm_that_is_visited_says_its_state_each_time() -> None:
    found = rounds(Rota(visits=True), 6)
    assert set(found[0]) == ALL | {"query-jobs", "query-migrate"}
    assert found[1] == ["query-blockstats", "query-status"]
    assert {"query-balloon", "query-jobs", "query-migrate"} <= set(found[5])


def test_where_nothing_is_due_a_sign_of_life_is_asked_for() -> None:
    rota = Rota(visits=False)
    rota.next_round()
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
    rota.start()
    assert set(rota.next_round()) == ALL
