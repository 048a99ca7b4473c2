"""What a question is limited to, as a page shows it: chips, each of which can be taken away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from server.texts import TEXTS, human_date

_MOST = 20  # sources


@dataclass(frozen=True, slots=True)
class Chip:
    """``without`` is the query of the page without this limit; ``source`` is the name, if it is one."""

    text: str
    without: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Days are ``YYYY-MM-DD``, both included; None and no sources for no limit."""

    after: str | None = None
    before: str | None = None
    sources: tuple[str, ...] = ()

    @classmethod
    def of(cls, asking: Mapping[str, Any]) -> "Narrowing":
        """From the fields of POST /ask."""
        sources = tuple(asking.get("sources") or ())
        return cls(asking.get("published_after") or None, asking.get("published_before") or None, sources[:_MOST])

    @classmethod
    def of_query(cls, query: QueryParams) -> "Narrowing":
        return cls.of(dict(query) | {"sources": query.getlist("sources")})

    def __bool__(self) -> bool:
        return bool(self.after or self.before or self.sources)

    def fields(self) -> dict[str, Any]:
        """As fields of POST /ask."""
        return {
            "published_after": self.after,
            "published_before": self.before,
            "sources": list(self.sources) or None,
        }

    def chips(self) -> list[Chip]:
        chips = []
        if self.after:
            text = f"{TEXTS.after} {human_date(self.after)}"
            chips.append(Chip(text, Narrowing(None, self.before, self.sources)._query()))
        if self.before:
            text = f"{TEXTS.before} {human_date(self.before)}"
            chips.append(Chip(text, Narrowing(self.after, None, self.sources)._query()))
        for source in self.sources:
            others = tuple(each for each in self.sources if each != source)
            chips.append(Chip(source, Narrowing(self.after, self.before, others)._query(), source))
        return chips

    def _query(self) -> str:
        """A query that says so even where nothing is left: else the last question's limits would hold again."""
        days = [("published_after", self.after), ("published_before", self.before)]
        return urlencode([("narrow", "1"), *((n, d) for n, d in days if d), *(("sources", s) for s in self.sources)])


def narrowed(asking: Mapping[str, Any]) -> str:
    """The limits of a question that was asked, on one line; empty without any."""
    return " · ".join(chip.text for chip in Narrowing.of(asking).chips())


def known_source(name: str, sources: Sequence[str]) -> str | None:
    """The source of that name, whatever its case."""
    return next((each for each in sources if each.casefold() == name.strip().casefold()), None)
