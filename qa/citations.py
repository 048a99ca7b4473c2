"""Where exact words stand: citations, and the copies of a text that hold the same words."""

from dataclasses import dataclass, replace

from index.articles import Article
from index.copies import order_copies
from index.generation import Generation
from index.passages import Passage
from qa.corrections import Correction, find_correction
from qa.retriever import Filters

_COPIES = 20  # named; a page that a hundred articles consist of is no news


@dataclass(frozen=True, slots=True)
class Citation:
    """``article.text[start:end] == quote``, offsets in code points. ``copies`` hold the quote too; ``correction`` is
    where the article corrects or retracts itself."""

    number: int
    article: Article
    passage: Passage
    start: int
    end: int
    quote: str
    copies: tuple[Article, ...] = ()
    correction: Correction | None = None


def cite(number: int, article: Article, passage: Passage, start: int, end: int) -> Citation:
    """The one place where a quote is made: cut from the article, so that it cannot differ from it."""
    correction = find_correction(article.text)
    return Citation(number, article, passage, start, end, article.text[start:end], correction=correction)


def cite_first(generation: Generation, citation: Citation, filters: Filters) -> Citation:
    """The same words in the earliest copy that holds the whole passage, letter for letter; the others are named.

    A copy may lack a paragraph or have other quotation marks: those without the quote are left out, and so is
    what ``filters`` leave out.
    """
    article, passage = citation.article, citation.passage
    context = article.text[passage.start : passage.end]
    others = [copy for copy in generation.copies_of(article.id) if citation.quote in copy.text and filters.admit(copy)]
    if not others:
        return citation
    ordered = order_copies([article, *others])
    front = next(each for each in ordered if context in each.text)
    shift = front.text.index(context) - passage.start if front.id != article.id else 0
    moved = Passage(front.id, passage.start + shift, passage.end + shift)
    named = tuple(each for each in ordered if each.id != front.id)[:_COPIES]
    cited = cite(citation.number, front, moved, citation.start + shift, citation.end + shift)
    return replace(cited, copies=named)
