"""Every word of the interface, and how dates and confidence are put into words.

Templates use these; the page's script gets the ones it needs from ``script_texts``.
"""

import json
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from server.messages import AnswerOut, UnderstoodOut

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

# Lowest confidence for each wording, the highest first.
CONFIDENCE = (
    (0.9, "Very likely right"),
    (0.75, "Likely right"),
    (0.5, "More likely right than not"),
    (0.25, "Uncertain"),
    (0.0, "Unlikely to be right"),
)


@dataclass(frozen=True, slots=True)
class Texts:
    name: str = "Verbatim"
    title: str = "Verbatim: answers in the articles’ own words"
    skip: str = "Skip to the question"
    new_conversation: str = "New conversation"
    conversation: str = "Conversation"
    welcome: str = "Ask the archive"
    welcome_more: str = "Answers are the articles’ own words, marked where they stand. Nothing is written by a machine."
    suggestions: str = "For instance"
    question: str = "Your question"
    placeholder: str = "Ask a question"
    ask: str = "Ask"
    asked: str = "You asked"
    searched_for: str = "Searched for:"
    looking: str = "Looking through the articles …"
    other_answers: str = "Other possible answers"
    conflicting: str = "The articles do not agree on this."
    resolved: str = "That is"
    passage: str = "Show the passage"
    original: str = "Original at these words"
    copies: str = "The same text also in:"
    earlier: str = "Earlier articles said:"
    undated: str = "no date"
    behind: str = "The newest article here is of %s, %s. What is newer cannot be known here."
    correction: str = "This article was corrected:"
    clarification: str = "This article was clarified:"
    retraction: str = "This article was retracted:"
    timeline: str = "Values by date"
    refusal: str = "The archive does not say."
    nearest: str = "These passages come closest."
    nothing_near: str = "No passage comes close."
    failed: str = "That did not work."
    unreachable: str = "The server cannot be reached. Your question is still in the box: try again."
    articles_one: str = "article"
    articles: str = "articles"
    newest: str = "newest"
    generation: str = "index"
    no_index: str = "No articles are indexed yet"
    no_index_more: str = "In a terminal, type this with the folder or file of your articles, then load this page again:"
    back: str = "Back to the questions"
    original_at: str = "These words on the original page"
    original_page: str = "The original page"
    moved: str = "The cited words are not at this place in the article any more: it was changed since."
    by: str = "By"
    to: str = "to"
    problem_request: str = "Request"
    archive: str = "Archive"
    add_here: str = "Or add articles on the page of the archive"
    login: str = "Log in"
    searching: str = "Searching"
    ready: str = "Answer ready, %s"
    sources_one: str = "source"
    sources: str = "sources"
    source: str = "Source"
    edit: str = "Edit"
    edit_question: str = "Edit this question and go on from there"
    edit_searched: str = "Edit what was searched for"
    editing: str = "You are changing an earlier question. What came after it will be replaced."
    stop_editing: str = "Leave it as it is"
    language: str = "This looks like %s. The archive is read in English: a question in English finds more."
    understood: str = "“%s” read as %s"
    no_dates: str = "Ask without this"
    narrow: str = "Dates and sources"
    after: str = "From"
    before: str = "Until"
    only_source: str = "Source"
    take_away: str = "Take away"
    no_such_source: str = "No article is from this source."
    hint: str = "Enter sends, Shift+Enter begins a line."
    slash: str = "/ jumps here"
    copy: str = "Copy with citations"
    copied: str = "Copied."
    not_copied: str = "Could not be copied."
    why: str = "Why this answer"
    why_not: str = "Why no answer"
    why_title: str = "What was considered"
    why_order: str = "The passages that were found, best first. Answers less likely than %s are not given."
    why_none: str = "No passage was found."
    found_by_dense: str = "found by meaning"
    found_by_lexical: str = "found by its words"
    found_by_both: str = "found by meaning and by its words"
    score: str = "score"
    cosine: str = "meaning"
    bm25: str = "words"
    not_read: str = "Left unread, or nothing in it answers."
    likeliest: str = "Likeliest words:"
    judge: str = "Is this right?"
    judge_line: str = "Say more, or give the article’s words that answer it"
    right: str = "Right"
    wrong: str = "Wrong"
    wrong_source: str = "Wrong source"
    judged: str = "You said: %s. Thank you."
    reader: str = "The article"
    close: str = "Close"
    as_page: str = "As a page of its own"
    mark_of: str = "Mark %s of %s"
    next_mark: str = "Next mark"
    last_mark: str = "Previous mark"
    marked_here: str = "The words in the article"
    history: str = "History"
    history_none: str = "Nothing was asked in this browser yet."
    history_not_found: str = "No conversation has these words."
    search_history: str = "Search what was asked"
    search: str = "Search"
    rename: str = "Rename"
    new_name: str = "New name"
    delete: str = "Delete"
    delete_sure: str = "Delete this conversation"
    delete_all: str = "Delete all"
    delete_all_sure: str = "Delete every conversation of this browser"
    export: str = "Export"
    turns_one: str = "question"
    turns: str = "questions"
    older: str = "Show what was asked before (%s)"


TEXTS = Texts()


def script_texts() -> str:
    """JSON with the texts that the page's script shows, and the tables to word dates and confidence."""
    names = ("refusal", "nearest", "nothing_near", "failed", "unreachable", "undated", "to", "moved")
    names += ("resolved", "searching", "ready", "sources_one", "sources", "language", "after", "before", "understood")
    names += ("take_away", "no_such_source", "copied", "not_copied", "why", "why_not", "why_order", "why_none")
    names += ("found_by_dense", "found_by_lexical", "found_by_both", "judged", "mark_of", "name", "by")
    names += ("correction", "clarification", "retraction")
    names += ("history_none", "history_not_found", "turns_one", "turns")
    texts = {name: getattr(TEXTS, name) for name in names}
    return json.dumps(texts | {"months": MONTHS, "confidence": CONFIDENCE}, ensure_ascii=False)


def human_date(iso: str | None) -> str | None:
    """``2024-09-09T10:00:55`` as "9 September 2024"; also ``2024-09``, ``2024`` and an interval ``A/B``."""
    if not iso:
        return None
    if "/" in iso:
        return f" {TEXTS.to} ".join(human_date(part) or "" for part in iso.split("/"))
    year, *rest = iso[:10].split("-")
    day = str(int(rest[1])) if len(rest) > 1 else ""
    month = MONTHS[int(rest[0]) - 1] if rest else ""
    return " ".join(part for part in (day, month, year.lstrip("0") or "0") if part)


def human_resolved(answer: "AnswerOut") -> str:
    """The date an answer's words stand for, as "That is 1 June 2025"; empty when they say it themselves."""
    day = human_date(answer.resolved_date)
    return f"{TEXTS.resolved} {day}" if day and day != answer.text else ""


def human_understood(understood: "UnderstoodOut | None") -> str:
    """The period that a question was taken to name, as "“last week” read as 2 March 2025 to 8 March 2025"."""
    if understood is None:
        return ""
    after, before = human_date(understood.after), human_date(understood.before)
    if understood.after == understood.before:
        period = after or ""
    elif after and before:
        period = f"{after} {TEXTS.to} {before}"
    else:
        period = f"{TEXTS.after} {after}".lower() if after else f"{TEXTS.before} {before}".lower() if before else ""
    return TEXTS.understood % (understood.text, period) if understood.text and period else ""


def human_confidence(confidence: float) -> str:
    """0.94 as "Very likely right, 94 %". Never 0 or 100 %: nothing is certain."""
    words = next((words for lowest, words in CONFIDENCE if confidence >= lowest), CONFIDENCE[-1][1])
    return f"{words}, {human_percent(min(0.99, max(0.01, confidence)))}"


def human_percent(share: float) -> str:
    """0.94 as "94 %"."""
    return f"{int(share * 100 + 0.5)}\u00a0%"


def human_age(days: int) -> str:
    """How long ago a day was: 40 as "6 weeks ago"."""
    if days < 2:
        return ("today", "yesterday")[days]
    for unit, length in (("year", 365.25), ("month", 30.44), ("week", 7)):
        if days >= 2 * length:
            return f"{int(days / length)} {unit}s ago"
    return f"{days} days ago"


def age_of(day: date) -> str:
    """How long ago that day was, today."""
    return human_age(max(0, (date.today() - day).days))


def human_warning(newest: str, age: int) -> str:
    """Said when a question asks about days after the newest article's."""
    return TEXTS.behind % (human_date(newest), human_age(age))


def human_count(number: int, one: str, many: str) -> str:
    """1234 as "1,234 articles"."""
    return f"{number:,} {one if number == 1 else many}"


def full_sentence(text: str) -> str:
    """An error's line, which begins small, as a sentence to be shown."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


@dataclass(frozen=True, slots=True)
class IndexTexts:
    """Of the page on which the index is looked after."""

    title: str = "The archive"
    empty: str = "No articles are indexed yet. Add some below; then questions can be asked."
    fault: str = "The index cannot be used as it is."
    damaged: str = "Files of the index are damaged:"
    damaged_more: str = "Go back to an older state below, or start over."
    now: str = "What is being done"
    last: str = "What was done last"
    rebuilding: str = "Bringing the index up to date"
    adding: str = "Adding"
    removing: str = "Removing articles"
    states: tuple[tuple[str, str], ...] = (
        ("enqueued", "Waiting for its turn"),
        ("processing", "Beginning"),
        ("succeeded", "Done"),
        ("failed", "Failed; nothing was changed"),
        ("canceled", "Canceled; nothing was changed"),
    )
    stages: tuple[tuple[str, str], ...] = (
        ("reading", "Reading"),
        ("splitting", "Splitting"),
        ("embedding", "Embedding"),
        ("writing", "Writing"),
        ("checking", "Checking"),
    )
    stage: str = "Stage"
    of: str = "of"
    left: str = "about %s left"
    cancel: str = "Cancel"
    canceling: str = "Stopping …"
    reload: str = "See how far it is"
    added: str = "added"
    changed: str = "changed"
    removed: str = "removed"
    skipped: str = "could not be read"
    anew: str = "Made anew, since"
    facts: str = "What is in it"
    articles: str = "Articles"
    passages: str = "Passages"
    newest: str = "Newest article"
    size: str = "Size on disk"
    embedder: str = "Embedding model"
    generation: str = "Generation"
    built: str = "Built"
    skipped_title: str = "Not readable at the last build"
    skipped_first: str = "Which, and why"
    line: str = "line"
    dates: str = "Articles by date"
    undated: str = "without a date"
    most: str = "most, %s, in"
    numbers: str = "The numbers"
    sources: str = "Sources"
    more_sources: str = "More sources"
    add: str = "Add articles"
    add_more: str = "Text, Markdown, web pages, feeds, PDF, JSON or JSON Lines; copied into Verbatim’s own folder."
    files: str = "Files"
    drop: str = "or drop them here"
    chosen: str = "chosen"
    no_folder: str = "A folder cannot be dropped: open it and choose its files."
    add_button: str = "Add to the archive"
    sending: str = "Sending …"
    unreachable: str = "The server cannot be reached; try again."
    update: str = "Bring up to date"
    update_more: str = "Reads all that the index was built from again, and takes in what is new, changed or gone."
    built_from: str = "What is read again"
    full: str = "Start over, reusing nothing"
    update_button: str = "Rebuild"
    remove: str = "Remove an article"
    remove_more: str = "From the index and from all its older states. Its id is at the end of its page’s address."
    article_id: str = "Id of the article"
    remove_button: str = "Remove"
    history: str = "History"
    history_more: str = "Older states of the index, to go back to."
    in_use: str = "in use"
    aside: str = "kept aside"
    unreadable: str = "cannot be read"
    go_back: str = "Use this one"
    go_back_to: str = "Use generation %s"
    rolled_back: str = "The index in use is now generation"
    tasks: str = "Earlier tasks"
    login_needed: str = "To change the archive, log in with this server’s token."
    login: str = "Log in"
    logout: str = "Log out"
    token: str = "Token"
    wrong_token: str = "That is not the token of this server."
    token_more: str = "It is in VERBATIM_TOKEN, or in the file that the server named when it started."


INDEX_TEXTS = IndexTexts()


def index_script_texts() -> str:
    """JSON with the texts that the script of the index's page shows."""
    names = ("states", "stages", "stage", "of", "left", "canceling", "chosen", "no_folder", "sending", "unreachable")
    texts = {name: getattr(INDEX_TEXTS, name) for name in names}
    return json.dumps(texts | {"failed": TEXTS.failed}, ensure_ascii=False)


def human_size(size: int) -> str:
    """9000000 as "9.0 MB"."""
    number, unit = float(size), "bytes"
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if number < 1000 or unit == "TB":
            break
        number /= 1000
    return f"{number:,.0f} {unit}" if unit == "bytes" or number >= 100 else f"{number:,.1f} {unit}"


def human_seconds(seconds: float) -> str:
    """90.0 as "2 min"."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
