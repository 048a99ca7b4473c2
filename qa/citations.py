"""Where exact words stand: citations, and the copies of a text that hold the same words."""

from dataclasses import dataclass
from itertools import count

from index.articles import Article
from index.copies import order_copies
from index.generation import Generation
from index.passages import Passage

_COPIES = 20  # named; a page that a hundred articles consist of is no news


@dataclass(frozen=True, slots=True)
class Citation:
    """``article.text[start:end] == quote``, offsets in code points. ``copies`` hold the quote too."""

    number: int
    article: Article
    passage: Passage
    start: int
    end: int
    quote: str
    copies: tuple[Article, ...] = ()


def cite(number: int, article: Article, passage: Passage, start: int, end: int) -> Citation:
    """The one place where a quote is made: cut from the article, so that it cannot differ from it."""
    return Citation(number, article, passage, start, end, article.text[start:end])


def cite_first(
    generation: Generation, numbers: count, article: Article, passage: Passage, start: int, end: int
) -> Citation:
    """Cites the earliest of an article's copies that holds the same passage, letter for letter, and names the others.

    A copy may lack a paragraph or have other quotation marks: those without the quote are left
    out, and one without the whole passage is named but not cited.
    """
    quote, context = article.text[start:end], article.text[passage.start : passage.end]
    copies = [copy for copy in generation.copies_of(article.id) if quote in copy.text]
    front = next((each for each in order_copies([article, *copies]) if context in each.text), article)
    if front.id != article.id:
        shift = front.text.index(context) - passage.start
        passage = Passage(front.id, passage.start + shift, passage.end + shift)
        start, end = start + shift, end + shift
    others = [each for each in order_copies([article, *copies]) if each.id != front.id]
    return Citation(next(numbers), front, passage, start, end, front.text[start:end], tuple(others[:_COPIES]))
