"""What goes over the wire, field for field."""

import re
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    model_validator,
)
from pydantic.json_schema import WithJsonSchema

LONGEST_QUESTION = 2_000
LONGEST_ANSWER = 10_000


def _day(value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise ValueError("a date is written YYYY-MM-DD, such as 2024-09-09")


def _whole(value: str | None) -> str | None:
    try:
        (value or "").encode()
    except UnicodeEncodeError:
        raise ValueError("it holds half of a surrogate pair, which is not text") from None
    return value


def _asked(value: Any) -> Any:
    if isinstance(value, str):
        if not value.strip():
            raise ValueError("the question is empty; type one")
        if len(value) > LONGEST_QUESTION:
            raise ValueError(f"the question has {len(value):,} characters; at most {LONGEST_QUESTION:,} are read")
    return value


Day = Annotated[
    date | None,
    BeforeValidator(_day),
    WithJsonSchema({"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}),
]
Question = Annotated[
    str,
    BeforeValidator(_asked),
    AfterValidator(_whole),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": LONGEST_QUESTION}),
]
Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_whole)]
Text = Annotated[str | None, AfterValidator(_whole)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")
    nested: ClassVar[dict[str, type[BaseModel]]] = {}


class PastTurn(_Strict):
    """An earlier question of the conversation and what was answered."""

    question: Question
    answer: Text = Field("", max_length=LONGEST_ANSWER, description="Empty when there was no answer.")
    article_id: Text = Field(None, max_length=4_000, description="The article of its first citation.")


class AskRequest(_Strict):
    """A question. Everything else is optional."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"question": "Where will North-Joint 2024 take place?", "limit": 3}]}
    )
    nested: ClassVar[dict[str, type[BaseModel]]] = {"history": PastTurn}

    question: Question
    history: list[PastTurn] | None = Field(
        None, max_length=100, description="Earlier turns, oldest first; when not empty it wins over conversation_id."
    )
    conversation_id: str | None = Field(
        None, pattern=r"^[A-Za-z0-9_-]{1,64}$", description="From an earlier reply; null begins a conversation."
    )
    published_after: Day = Field(None, description="Only articles of this day or later.")
    published_before: Day = Field(None, description="Only articles of this day or earlier.")
    sources: list[Name] | None = Field(None, max_length=100, description="Only articles of these sources.")
    asked_on: Day = Field(None, description='The day that "today" means; null is today.')
    limit: StrictInt = Field(3, ge=1, le=10, description="Answers at most.")
    abstain: StrictBool = Field(True, description="False always gives the best answers, however unlikely.")
    dates: StrictBool = Field(True, description="False prefers no days, whatever days the question names.")
    standalone: StrictBool = Field(False, description="True searches the question as it stands, whatever was before.")
    replaces: StrictInt | None = Field(
        None, ge=0, le=2**53, description="A turn of the conversation in whose place this goes; later ones go too."
    )

    @model_validator(mode="after")
    def _in_order(self) -> "AskRequest":
        if self.published_after and self.published_before and self.published_after > self.published_before:
            raise ValueError("the first day (published_after) is later than the last (published_before); swap them")
        return self


class CitedPassage(BaseModel):
    start: int
    end: int
    text: str = Field(description="The article's text from start to end.")


class CopyOf(BaseModel):
    article_id: str
    title: str
    source: str | None
    url: str | None
    published: str | None
    href: str


class CorrectionOut(BaseModel):
    """Where an article corrects or retracts itself."""

    kind: Literal["correction", "clarification", "retraction"]
    start: int
    end: int
    quote: str = Field(description="The article's text from start to end.")
    href: str = Field(description="The article on this server, with the note marked.")


class CitationOut(BaseModel):
    """Where the exact words stand. Offsets are code points of the article's text."""

    number: int
    article_id: str
    title: str
    source: str | None
    url: str | None
    published: str | None = Field(description="ISO 8601 date or time, with a zone only where the source gave one.")
    quote: str = Field(description="The article's text from start to end, to the letter.")
    start: int
    end: int
    passage: CitedPassage
    href: str = Field(description="The article on this server, with these words marked.")
    original: str | None = Field(description="The original page, scrolled to these words.")
    copies: list[CopyOf] = Field(description="Other articles with the same text.")
    correction: CorrectionOut | None = Field(None, description="The article's own note that it was wrong.")


class NearestOut(CitationOut):
    confidence: float = Field(ge=0, le=1)


class EarlierOut(BaseModel):
    text: str
    published: str | None
    status: Literal["superseded"] = "superseded"
    citations: list[CitationOut]


class TimelineOut(BaseModel):
    """A picture of the values by date."""

    src: str = Field(description="Its address on this server.")
    text: str = Field(description="The same in words.")


class AnswerOut(BaseModel):
    text: str = Field(description="The quote of the first citation.")
    sentence: str = Field(description="The sentence or two around it, as they stand in the article.")
    confidence: float = Field(ge=0, le=1)
    resolved_date: str | None = Field(description="YYYY-MM-DD, YYYY-MM, YYYY, or an inclusive interval A/B.")
    status: Literal["current", "conflicting"]
    earlier: list[EarlierOut] = Field(description="Superseded values, newest first.")
    citations: list[CitationOut]
    timeline: TimelineOut | None = Field(None, description="Given when there are superseded values.")


class UnderstoodOut(BaseModel):
    """The period that a question was taken to name; articles of it are preferred."""

    kind: Literal["within", "before", "after", "as_of", "event", "latest"]
    text: str = Field(description="The words of the searched question that name it.")
    after: str | None = Field(description="Its first day, YYYY-MM-DD; null is open.")
    before: str | None = Field(description="Its last day, YYYY-MM-DD; null is open.")


class FreshnessOut(BaseModel):
    newest_article: str | None = Field(description="The day of the newest article.")
    age_days: int | None = Field(description="From that day to the day of asking.")
    warning: str | None = Field(description="A sentence, when the question asks about days after that one.")


class IndexBrief(BaseModel):
    generation: str
    built_at: str
    articles: int
    newest_article: str | None


class Timings(BaseModel):
    model_config = ConfigDict(extra="allow")
    resolve: float = 0
    retrieve: float = 0
    read: float = 0
    total: float = 0


class AskReply(BaseModel):
    question: str
    searched_for: str = Field(description="The standalone question that was searched.")
    answered: bool
    answers: list[AnswerOut] = Field(description="Best first; empty when the archive does not say.")
    nearest: list[NearestOut] = Field(description="Without an answer: the closest passages.")
    conversation_id: str
    turn: int = Field(0, description="The number of this turn in its conversation; the first is 0.")
    language: str | None = Field(None, description="What the question seems to be written in, if not in English.")
    index: IndexBrief
    understood: UnderstoodOut | None = Field(None, description="What the question was taken to say of time.")
    freshness: FreshnessOut | None = None
    timings_ms: Timings


class IndexOut(IndexBrief):
    passages: int
    embedder: str
    size_bytes: int
    damaged: list[str]
    skipped: int


class ArticleOut(BaseModel):
    id: str
    title: str
    text: str = Field(description="In full; offsets in citations count its code points.")
    url: str | None
    source: str | None
    published: str | None
    authors: list[str]


class State(BaseModel):
    status: str = Field(examples=["ready"])


class Readiness(State):
    damaged: list[str] = Field([], description="Files of the index that are damaged, if any: others answer.")


class ConversationOut(BaseModel):
    """A conversation in the list."""

    id: str
    title: str
    began: str = Field(description="UTC.")
    turns: int
    href: str = Field(description="Its page.")


class ConversationList(BaseModel):
    conversations: list[ConversationOut] = Field(description="This browser's own, last used first.")


class KeptTurn(BaseModel):
    turn: int
    asked_at: str = Field(description="UTC.")
    question: str
    answer: str = Field(description="The first answer's words; empty when there was none.")
    asking: dict[str, Any] = Field(description="What narrowed the question: the fields of POST /ask that were given.")
    reply: AskReply | None = Field(description="As it was given; null where only the words are known.")


class KeptConversation(ConversationOut):
    """A conversation in full, with all citations."""

    exchanges: list[KeptTurn]


class Renaming(_Strict):
    title: Annotated[str, Field(min_length=1, max_length=120, pattern=r"\S"), AfterValidator(_whole)]


class Judgement(_Strict):
    """What a person thinks of one answer."""

    conversation_id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    turn: int = Field(ge=0, le=2**53)
    answer: int = Field(0, ge=0, le=9, description="Which of the answers; the first is 0. 0 where there was none.")
    verdict: Literal["right", "wrong", "wrong source"]
    line: Annotated[str, AfterValidator(_whole)] = Field(
        "", max_length=1_000, description="In the person's own words; or the passage's, which then are the answer."
    )


class ConsideredOut(BaseModel):
    """A passage that was found for a question, and what the reader made of it."""

    article_id: str
    title: str
    source: str | None
    published: str | None
    passage: CitedPassage
    quote: str | None = Field(description="The likeliest words in it; null when it was not read or holds none.")
    start: int | None
    end: int | None
    href: str
    found_by: Literal["dense", "lexical", "both"]
    score: float = Field(description="Of the two searches together; the passages are in its order.")
    cosine: float = Field(description="Nearness in meaning; 0 where that search did not find it.")
    bm25: float = Field(description="Weight of the words in common; 0 where that search did not find it.")
    confidence: float | None = Field(description="How likely its words are the right answer; null when not read.")


class WhyReply(BaseModel):
    searched_for: str
    threshold: float = Field(description="The confidence below which no answer is given.")
    considered: list[ConsideredOut]
