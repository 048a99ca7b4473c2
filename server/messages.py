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

    @model_validator(mode="after")
    def _in_order(self) -> "AskRequest":
        if self.published_after and self.published_before and self.published_after > self.published_before:
            raise ValueError("published_after is later than published_before; swap them")
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


class NearestOut(CitationOut):
    confidence: float = Field(ge=0, le=1)


class EarlierOut(BaseModel):
    text: str
    published: str | None
    status: Literal["superseded"] = "superseded"
    citations: list[CitationOut]


class AnswerOut(BaseModel):
    text: str = Field(description="The quote of the first citation.")
    sentence: str = Field(description="The sentence or two around it, as they stand in the article.")
    confidence: float = Field(ge=0, le=1)
    resolved_date: str | None = Field(description="YYYY-MM-DD, YYYY-MM, YYYY, or an inclusive interval A/B.")
    status: Literal["current", "conflicting"]
    earlier: list[EarlierOut] = Field(description="Superseded values, newest first.")
    citations: list[CitationOut]


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
    index: IndexBrief
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
