"""What kind of words a question asks for, and whether an answer is of that kind.

Only what can be seen on the surface: numbers, times, names. A wrong guess costs little, since
how much a fit or a misfit counts is fitted with the other features.
"""

import re

_NUMBER_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion trillion "
    "dozen dozens hundreds thousands millions billions half third quarter none no single couple both once twice"
)
_NUMBER = re.compile(rf"\d|\b(?:{'|'.join(_NUMBER_WORDS.split())})\b", re.IGNORECASE)
_TIME = re.compile(
    r"\d|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day|\b(?:january|february|march|april|may|june|july|august|september|"
    r"october|november|december|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\b|\b(?:today|tonight|yesterday|tomorrow|"
    r"morning|noon|afternoon|evening|night|midnight|dawn|dusk|day|week|weekend|month|year|decade|century|hour|minute|"
    r"spring|summer|autumn|fall|winter|season|christmas|easter|ramadan|thanksgiving|halloween)s?\b|"
    r"\b(?:ago|earlier|later|last|next|before|after|during|until|since)\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"[A-ZÀ-ÖØ-Þ]|[^\x00-\u024f]")
_NUMBER_WANTED = re.compile(
    r"\bhow (?:many|much|old|tall|far|high|big|large|fast|heavy|deep|wide|long(?! ago))\b"
    r"|\b(?:what|which) (?:percent|percentage|number|amount|price|share|proportion|age|score)\b"
    r"|\bwhat is the (?:cost|price|population|number)\b",
    re.IGNORECASE,
)
_TIME_WANTED = re.compile(
    r"\bwhen\b(?! (?:he|she|it|they|you|we|the|a|an)\b)"
    r"|\b(?:what|which) (?:year|day|date|month|time|week|decade|century|weekday)\b"
    r"|\bhow long ago\b|\bsince when\b",
    re.IGNORECASE,
)
_NAME_WANTED = re.compile(
    r"\b(?:who|whom|whose|where)\b(?!['’]?s? (?:was|were|had|has|have) )|^\s*(?:who|where)\b"
    r"|\b(?:what|which) (?:country|city|state|company|team|person|actor|singer|author|president|minister|senator|"
    r"town|island|river)\b",
    re.IGNORECASE,
)
_WANTED = {"number": _NUMBER_WANTED, "time": _TIME_WANTED, "name": _NAME_WANTED}
_SEEN_AS = {"number": _NUMBER, "time": _TIME, "name": _NAME}


def expected_kind(question: str) -> str | None:
    """ "number", "time" or "name"; None when the question's words do not tell. The first asking word decides."""
    found = [(match.start(), kind) for kind, pattern in _WANTED.items() if (match := pattern.search(question))]
    return min(found)[1] if found else None


def fit(question: str, answer: str) -> int:
    """1 when the answer looks like what is asked for, -1 when it does not, 0 when there is no telling."""
    kind = expected_kind(question)
    if kind is None:
        return 0
    return 1 if _SEEN_AS[kind].search(answer) else -1
