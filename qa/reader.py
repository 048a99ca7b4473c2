"""Passages -> spans: the trained span reader.

One forward pass over ``question + title. passage`` gives, for every token, how likely the
answer starts and ends there; the same two scores at the first token say how likely the
passage holds none (the null score). ``span - null`` compares within a passage, ``span``
across passages, which is how the shipped reader was trained.
"""

import queue
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from index.embedder import batches_by_length
from index.errors import ModelError
from index.passages import Passage, split_text
from index.runtime import (
    SETTINGS,
    compile_model,
    export_module,
    new_model_folder,
    read_model_folder,
    source_key,
    weights_hash,
)
from qa.words import whole_words

SHIPPED = Path(__file__).parent / "models" / "reader"
_LONGEST_QUESTION = 48  # tokens
_LONGEST_ANSWER = 30  # tokens
_SPANS = 3  # kept per passage
_CANDIDATES = 60  # best pairs of start and end that they are chosen from
_PADDING = 16
_TOKENS_AT_ONCE = 1024
_BREAK = re.compile(r"\n\s*\n")  # between paragraphs, headlines, captions: no answer runs over it
_WORDS_OF_WINDOW, _WORDS_OF_OVERLAP = 150, 40


@dataclass(frozen=True, slots=True)
class Span:
    """``article.text[start:end]`` as a possible answer; ``score`` is the span score less the null score."""

    passage: Passage
    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What the reader made of one text: spans as ``(start, end, score)`` in code points of that text, best
    first and without overlap, and the score of there being no answer."""

    spans: tuple[tuple[int, int, float], ...]
    null: float


class Reader(Protocol):
    """Finds answers in texts."""

    def read(self, question: str, texts: Sequence[tuple[str, str]]) -> list[Reading]:
        """One reading for each ``(title, text)``; the title is read but never answers."""
        ...


class SpanReader:
    """An extractive question-answering model, served by OpenVINO; any thread may call it.

    Raises:
        ModelError: a file of ``folder`` is missing or was altered.
    """

    def __init__(self, folder: Path = SHIPPED, threads: int = 2):
        from tokenizers import Tokenizer

        settings = read_model_folder(folder)
        self.settings = settings
        self._inputs: list[str] = settings["inputs"]
        self._longest: int = settings["longest"]
        self._padding_id: int = settings["padding_id"]
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        model = next(folder / name for name in ("model.onnx", "model.xml") if (folder / name).exists())
        self._model = compile_model(model, streams=threads, threads=threads)
        self._threads = threads
        self._idle: queue.SimpleQueue = queue.SimpleQueue()

    def read(self, question: str, texts: Sequence[tuple[str, str]]) -> list[Reading]:
        windows = self._windows(question, texts)
        scores = self._score([window.ids for window in windows], [window.types for window in windows])
        readings: list[list[Reading]] = [[] for _ in texts]
        for window, (starts, ends) in zip(windows, scores, strict=True):
            readings[window.text].append(decode(window, starts, ends, texts[window.text][1]))
        return [_best_window(found) for found in readings]

    def read_text(self, question: str, text: str) -> Reading:
        """Reads a text of any length in overlapping windows of sentences; the best window speaks for it."""
        cuts = split_text(text, _WORDS_OF_WINDOW, _WORDS_OF_OVERLAP)
        readings = self.read(question, [("", text[start:end]) for start, end in cuts])
        shifted = [
            Reading(tuple((start + s, start + e, score) for s, e, score in reading.spans), reading.null)
            for (start, _), reading in zip(cuts, readings, strict=True)
        ]
        return _best_window(shifted)

    def _windows(self, question: str, texts: Sequence[tuple[str, str]]) -> list["Window"]:
        asked = self._tokenizer.encode(question, add_special_tokens=False)
        if len(asked.ids) > _LONGEST_QUESTION:
            question = question[: asked.offsets[_LONGEST_QUESTION - 1][1]]
        windows = []
        # Long texts overflow into further windows that share a quarter of their tokens.
        longest = self._longest
        pairs = [(question, f"{title}. {text}" if title else text) for title, text in texts]
        for number, encoding in enumerate(self._tokenizer.encode_batch(pairs)):
            prefix = len(pairs[number][1]) - len(texts[number][1])
            windows += cut_windows(number, encoding, prefix, longest)
        return windows

    def _score(self, ids: list[list[int]], types: list[list[int]]) -> list[tuple[np.ndarray, np.ndarray]]:
        """Start and end scores of each row, (length,) float32 each, over all streams at once."""
        scores: list = [None] * len(ids)
        running = []
        lengths = [len(row) for row in ids]
        # As many batches as streams, of equal size, so that none of them is idle while another works.
        share = -(-len(ids) // self._threads) * max(lengths, default=0)
        for rows in batches_by_length(lengths, tokens=min(share, _TOKENS_AT_ONCE)):
            request = self._request()
            request.start_async(self._pad([ids[row] for row in rows], [types[row] for row in rows]))
            running.append((request, rows))
        for request, rows in running:
            request.wait()
            starts, ends = (request.get_output_tensor(i).data for i in (0, 1))
            for place, row in enumerate(rows):
                length = len(ids[row])
                scores[row] = (starts[place, :length].astype(np.float32), ends[place, :length].astype(np.float32))
            self._idle.put(request)
        return scores

    def _request(self):
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            return self._model.create_infer_request()

    def _pad(self, ids: list[list[int]], types: list[list[int]]) -> dict[str, np.ndarray]:
        longest = -(-max(map(len, ids)) // _PADDING) * _PADDING
        padded = np.full((len(ids), longest), self._padding_id, dtype=np.int64)
        mask, kinds = np.zeros_like(padded), np.zeros_like(padded)
        for row, (tokens, kind) in enumerate(zip(ids, types, strict=True)):
            padded[row, : len(tokens)] = tokens
            kinds[row, : len(tokens)] = kind
            mask[row, : len(tokens)] = 1
        inputs = {"input_ids": padded, "attention_mask": mask, "token_type_ids": kinds}
        return {name: inputs[name] for name in self._inputs}


@dataclass(frozen=True, slots=True)
class Window:
    """What the model sees at once: part of text number ``text``. ``offsets`` are code points of that
    text, ``(-1, -1)`` for tokens that are not part of it."""

    text: int
    ids: list[int]
    types: list[int]
    offsets: list[tuple[int, int]]


def cut_windows(number: int, encoding, prefix: int, longest: int) -> list[Window]:
    """Windows of at most ``longest`` tokens over one encoded (question, title. text) pair."""
    sequences = encoding.sequence_ids
    offsets = [
        (s - prefix, e - prefix) if sequence == 1 and s >= prefix and e > s else (-1, -1)
        for (s, e), sequence in zip(encoding.offsets, sequences, strict=True)
    ]
    ids, types = encoding.ids, encoding.type_ids
    if len(ids) <= longest:
        return [Window(number, ids, types, offsets)]
    head = sequences.index(1)  # the question and what frames it
    tail = 1 + max(i for i, s in enumerate(sequences) if s == 1)
    room = longest - head - (len(ids) - tail)
    windows = []
    for start in range(head, tail, max(1, room - room // 4)):
        end = min(start + room, tail)
        parts = [(0, head), (start, end), (tail, len(ids))]
        windows.append(Window(number, *([x for a, b in parts for x in row[a:b]] for row in (ids, types, offsets))))
        if end == tail:
            break
    return windows


def decode(window: Window, starts: np.ndarray, ends: np.ndarray, text: str) -> Reading:
    """The best spans of one window that lie in its text, at most ``_LONGEST_ANSWER`` tokens each, of whole words and
    within one paragraph."""
    null = float(starts[0] + ends[0])
    readable = np.array([start >= 0 for start, _ in window.offsets])
    places = np.flatnonzero(readable)
    if not len(places):
        return Reading((), null)
    # Row i holds the spans that start at token i, by length; ends past the last token count for nothing.
    past = np.full(_LONGEST_ANSWER - 1, -np.inf, dtype=ends.dtype)
    reach = sliding_window_view(np.concatenate([ends[places], past]), _LONGEST_ANSWER)
    pairs = starts[places][:, None] + reach
    spans: list[tuple[int, int, float]] = []
    candidates = min(pairs.size, _CANDIDATES)
    best = np.argpartition(pairs, pairs.size - candidates, axis=None)[-candidates:]
    for flat in best[np.argsort(-pairs.ravel()[best], kind="stable")]:
        first, more = divmod(int(flat), _LONGEST_ANSWER)
        if not np.isfinite(pairs[first, more]):
            break
        last = first + more
        start, end = whole_words(text, window.offsets[places[first]][0], window.offsets[places[last]][1])
        if start >= end or _BREAK.search(text, start, end):
            continue
        if all(end <= s or e <= start for s, e, _ in spans):
            spans.append((start, end, float(pairs[first, more])))
        if len(spans) == _SPANS:
            break
    return Reading(tuple(spans), null)


def _best_window(readings: Sequence[Reading]) -> Reading:
    """The reading with the best span, whose scores compare across windows; one without spans where there is none."""
    return max(
        readings,
        key=lambda reading: reading.spans[0][2] if reading.spans else -np.inf,
        default=Reading((), 0.0),
    )


def load_reader(
    model: str | None, cache: Path, threads: int = 2, say: Callable[[str], None] = lambda line: None
) -> SpanReader:
    """The shipped reader, or any extractive question-answering model in the Hugging Face layout, by folder.

    The confidence of another model's answers is the shipped one's, until it is fitted anew with
    ``training/confidence.py``: the order of answers is sound, the probabilities are rough.

    Raises:
        ModelError: there is no such model, or it cannot be exported.
    """
    if model is None:
        return SpanReader(SHIPPED, threads)
    source = Path(model).expanduser().resolve()
    if not (source / "config.json").exists():
        raise ModelError(f"{source} holds no model; give a folder with config.json, weights and tokenizer.json")
    folder = cache / f"reader-{source_key(source)}"
    if not (folder / SETTINGS).exists():
        say(f"preparing the reader in {source} for this machine (once)")
        export_reader(source, folder)
    return SpanReader(folder, threads)


def export_reader(source: Path, folder: Path) -> None:
    """Writes a ``*ForQuestionAnswering`` model as a model folder for :class:`SpanReader`."""
    import torch
    from transformers import AutoModelForQuestionAnswering, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        model = AutoModelForQuestionAnswering.from_pretrained(source, local_files_only=True).float().eval()
        tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=True)
        backend = tokenizer.backend_tokenizer
    except Exception as error:  # whatever a foreign model's files may raise
        raise ModelError(f"{source} is no question-answering model: {error}".replace("\n", " ")) from error
    inputs = [n for n in ("input_ids", "attention_mask", "token_type_ids") if n in tokenizer.model_input_names]

    class Graph(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *tensors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            out = self.model(**dict(zip(inputs, tensors, strict=True)))
            return out.start_logits, out.end_logits

    settings = {
        "name": source.name,
        "fingerprint": weights_hash(source),
        "longest": min(getattr(model.config, "max_position_embeddings", 512), 384),
        "padding_id": tokenizer.pad_token_id or 0,
        "inputs": inputs,
        "confidence": read_model_folder(SHIPPED)["confidence"],
    }
    with new_model_folder(folder, settings) as partial:
        export_module(Graph(), inputs, partial / "model.xml")
        backend.save(str(partial / "tokenizer.json"))
