"""What the running VM knows of now: answers to live questions, kept for a few seconds."""

from __future__ import annotations

from collections.abc import Iterator

from qmpsh.complete.feeds import sources_of
from qmpsh.complete.place import Place
from qmpsh.complete.sources import SOURCES, Fact, Query
from qmpsh.jsontypes import Json

KEPT_SECONDS = 3.0
"""how long an answer is taken for the truth"""


class Facts:
    """What live questions have answered; filled in by whoever asks them.

    wanted: questions that a completion missed, for the session to ask
    """

    def __init__(self) -> None:
        self._answers: dict[Query, tuple[float, Json]] = {}
        self.wanted: list[Query] = []
        self.now = 0.0

    def answer(self, query: Query) -> Json:
        """The last answer; None where there is none yet. An old one is wanted anew."""
        known = self._answers.get(query)
        if (known is None or self.now - known[0] > KEPT_SECONDS) and query not in self.wanted:
            self.wanted.append(query)
        return known[1] if known is not None else None

    def fresh(self, query: Query) -> Json:
        """An answer that is no older than is taken for the truth; None for none."""
        asked, answer = self._answers.get(query, (self.now, None))
        return answer if self.now - asked <= KEPT_SECONDS else None

    def take_wanted(self) -> list[Query]:
        """The questions to ask now; each counts as fresh until its answer comes."""
        wanted, self.wanted = self.wanted, []
        for query in wanted:
            self._answers[query] = (self.now, self._answers.get(query, (0.0, None))[1])
        return wanted

    def learn(self, query: Query, value: Json) -> None:
        """Take in a reply's value, None for a refusal."""
        self._answers[query] = (self.now, value)

    def forget(self) -> None:
        """Everything may have changed: the user ran a command."""
        self._answers.clear()


def facts_at(place: Place, facts: Facts) -> Iterator[Fact]:
    """The values that the running VM offers for the member at the place."""
    seen = set()
    for name in sources_of(place.name, place.path):
        source = SOURCES[name]
        query = source.query(place)
        if query is None:
            continue
        for fact in source.read(facts.answer(query), place):
            if fact.value and fact.value not in seen:
                seen.add(fact.value)
                yield fact
