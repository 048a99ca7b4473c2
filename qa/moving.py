"""Questions whose answer moves with time: how many were killed, what something costs, who leads."""

import re
from dataclasses import dataclass
from typing import Literal

from qa.expectation import expected_kind
from qa.periods import Period
from qa.values import Value


@dataclass(frozen=True, slots=True)
class Moving:
    """What such a question asks for. ``numbers`` are the kinds of number that can answer it; empty is any."""

    kind: Literal["number", "name"]
    numbers: frozenset[str] = frozenset()
    ranges: bool = False  # only "3% to 3.25%" will do
    surely: bool = False  # it moves by its nature, and is not only told differently
    onward: bool = False  # its newest value is asked for, which any later article may give

    def admits(self, value: Value) -> bool:
        if self.kind == "name" or value.kind == "name":
            return self.kind == value.kind
        if self.ranges and value.low == value.high:
            return False
        return not self.numbers or value.kind in self.numbers


_STANDING = re.compile(r"\bhow (?:old|tall|far|deep|wide|long|heavy|fast)\b", re.IGNORECASE)
_FIGURE = re.compile(
    r"\b(?:what|which)(?:['’]s|\s+(?:is|are|was|were|did|does|do|has|have|level|range|value|figure|total))\b.*\b(?:rates?|"
    r"prices?|costs?|tolls?|number|total|range|average|percentages?|share|figure|level|record|count|population|value|"
    r"wages?|temperature|salary|odds|majority|lead|margin|turnout|deficit|debt|inflation|unemployment|worth)\b",
    re.IGNORECASE,
)
_TO_WHAT = re.compile(r"\bto what (?:range|level|rate|price|share|percentage|number)\b", re.IGNORECASE)
_HOLDER = re.compile(
    r"^\W*(?:who(?:['’]s|\s+(?:is|are))\s+(?:currently\s+|now\s+)?(?:the\s+(?:\w+['’]s\s+)?(?-i:[a-z])|(?:the\s+)?[\w.]+['’]s?\s+(?-i:[a-z]))"
    r"|who\s+(?:currently\s+|now\s+)?(?:leads?|holds?|owns?|runs?|heads?|tops?|rules?|governs?|chairs?|coaches)\b"
    r"|(?:which|what)\s+(?:\w+\s+)?(?:team|party|country|company|candidate|player|person|film|movie|club|city)\s+"
    r"(?:currently\s+|now\s+)?(?:leads?|holds?|tops?|is\s+(?:now\s+|currently\s+)?(?:leading|ahead|first|top"
    r"|in the lead|the\s+\w+est)))",
    re.IGNORECASE,
)
_HELD = re.compile(
    r"^\W*(?:who\s+(?:was|were)\s+(?:the\s+|[\w.’']+['’]s?\s+)|who\s+(?:led|held|owned|ran|headed|topped)\b)",
    re.IGNORECASE,
)


def find_moving(question: str, period: Period | None = None) -> Moving | None:
    """What a question asks for that moves; None where it asks for something else.

    "Who was" asks for one that moves only with a ``period``: without it, it asks for a story.
    """
    if _HOLDER.match(question) or (period and period.kind in ("within", "as_of") and _HELD.match(question)):
        return Moving("name", surely=True)
    if _STANDING.search(question):
        return None
    if expected_kind(question) == "number" or _FIGURE.search(question) or _TO_WHAT.search(question):
        ranges = re.search(r"\brange\b", question, re.IGNORECASE) is not None
        grows = only_grows(question)
        surely = grows or _FLOWING.search(question) is not None
        return Moving("number", _numbers(question), ranges, surely, onward=surely and (grows or not _placed(period)))
    return None


def _placed(period: Period | None) -> bool:
    """Whether a question names a time whose value it asks for, rather than the newest."""
    return period is not None and period.kind in ("within", "as_of", "before")


_MONEY = re.compile(
    r"\b(?:costs?|prices?|pay|paid|worth|money|box office|gross(?:ed)?|earn(?:ed)?|salary|fine|budget|debt|wages?"
    r"|fortune|damages|settlement|revenue|profit|spend|spent|sell|sold for)\b",
    re.IGNORECASE,
)
_SHARE = re.compile(
    r"\b(?:rates?|percent(?:age)?|proportion|share|inflation|unemployment|turnout|approval)\b", re.IGNORECASE
)
_COUNTED = re.compile(r"\bhow many\b|\b(?:number|count|toll) of\b|\btoll\b|\bpopulation\b", re.IGNORECASE)


def _numbers(question: str) -> frozenset[str]:
    """The kinds of number that the question's words point to."""
    if _COUNTED.search(question):
        return frozenset({"count", "measure"})
    if _SHARE.search(question):
        return frozenset({"percent", "count"} if "birth" in question.lower() else {"percent"})
    if _MONEY.search(question) and "how many" not in question.lower():
        return frozenset({"money"})
    return frozenset()


_FLOWING = re.compile(
    r"\b(?:average|rates?|prices?|inflation|unemployment|record|current(?:ly)?|latest|now|today|so far|poll(?:s|ing)?"
    r"|approval|lead|odds|a gallon|per gallon|a barrel|exchange)\b",
    re.IGNORECASE,
)
_GROWING = re.compile(
    r"\b(?:die[ds]?|dead|deaths?|kill(?:ed|s)?|lives|injured|hurt|wounded|infected|cases|casualties|victims|tolls?"
    r"|box office|gross(?:ed)?|raised|sold|taken|titles|medals|wins?|goals|so far|claimed)\b",
    re.IGNORECASE,
)


def only_grows(question: str) -> bool:
    """Whether what is asked for can only become more: people killed, tickets sold."""
    return _GROWING.search(question) is not None
