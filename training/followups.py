"""Train the follow-up model: four MiniLM layers -> which words of a conversation a question needs.

    python -m training.followups DATA --out runs/followups --init runs/reader/hf     # start, or resume
    python -m training.followups DATA --out runs/followups --evaluate
    python -m training.followups DATA --out runs/followups --export qa/models/followups

``--init`` names a trained reader (training/reader.py): its layers have learnt already to compare
two texts. Without it, the packaged MiniLM's are taken. One process, one thread: with
OMP_NUM_THREADS=1 an idle core makes about 35 examples of 75 tokens a second in bfloat16 autocast.
State is saved every ``--save-minutes``; the same command resumes. DATA is the folder that holds
``followups/`` and ``reader/train``.

What an example is: the question and the texts before it, the latest first, as
:func:`qa.followups.lay_out` puts them. Two scores a token, all learnt by binary cross-entropy:

* first score, on a word of the texts: it belongs into the question, that is, the rewrite has it
  and the question has not (QuReTeC, Voskarides et al. 2020); on [CLS]: the question lacks something;
* second score, on a word of the question: the rewrite has something else in its place ("he");
  on a word of the texts: it is part of what the rewrite has there ("Joe Biden").

Where the examples come from:

* CANARD (crowd-written rewrites of QuAC's questions). Of the answers only content words are at
  hand, which suits: in use answers are a few words, so a few are drawn.
* TREC CAsT 2019-2022 (rewrites by the track's organisers, no answers).
* Made from SQuAD's questions (training/shortened.py): these have real titles and real short answers.
* From all of them: rewrites asked as they are, after their own or after another conversation. They
  stand alone, and nothing may be added.
"""

import argparse
import difflib
import gzip
import json
import random
import re
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import BertModel

from index.runtime import file_hash, new_model_folder
from qa.conversation import Turn, recall
from qa.followups import Layout, find_words, hash_vectors, lay_out, open_vectors, term, terms
from training.export import halve_weights
from training.reader import base_model
from training.shortened import Example, draw_shortened, read_paragraphs

LAYERS = 4  # 7.3 million parameters, 14.7 MB in fp16; the word vectors stay MiniLM's own and are not shipped
BUCKETS = (32, 48, 64, 80, 96, 128, 160, 192, 256)  # every other shape would make oneDNN build new kernels
TOKENS_PER_BATCH = 3072
PEAK_RATE = 2e-4  # few layers and a new task: more than the reader's 1.5e-4
WARMUP = 0.04
FALL_FROM = 0.3  # the share of the run after which the rate falls, linearly, to zero
LEANS_LOSS, INSTEAD_LOSS = 0.3, 0.5  # beside the loss of the added words

# How often a source is drawn.
SOURCES = {"canard": 0.58, "cast": 0.07, "squad": 0.35}
ALONE_SHARE = 0.13  # of examples whose rewrite is asked in place of the question
SHIFTED_SHARE = 0.09  # of examples whose rewrite is asked after another conversation
RETURNED_SHARE = 0.10  # of examples with another conversation before theirs
ASPECTS_SHARE = 0.08  # kept of "are there any other interesting aspects", a tenth of QuAC's questions


Draw = Callable[[random.Random], Example | None]


# ---------------------------------------------------------------- CANARD and CAsT


def read_lines(path: Path) -> list[dict]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def draw_canard(rows: Sequence[dict]) -> Draw:
    rows = [row for row in rows if row["history_questions"]]

    def draw(rng: random.Random) -> Example | None:
        row = rng.choice(rows)
        if "interesting aspects" in row["question"] and rng.random() > ASPECTS_SHARE:
            return None
        # In use the first question of a conversation stands alone; QuAC's first lean on the page's heading.
        asked = [
            rewrite if rng.random() < (0.85 if number == 0 else 0.2) else question
            for number, (question, rewrite) in enumerate(
                zip(row["history_questions"], row["history_rewrites"], strict=True)
            )
        ]
        answers = [
            short_answer(keywords, rewrite, rng)
            for keywords, rewrite in zip(row["history_answer_keywords"], row["history_rewrites"], strict=True)
        ]
        title = headline(row, rng) if rng.random() < 0.6 else ""
        turns = tuple(Turn(question, answer) for question, answer in zip(asked, answers, strict=True))
        return Example(row["question"], row["rewrite"], turns, (title,) * len(turns))

    return draw


def short_answer(keywords: str, rewrite: str, rng: random.Random) -> str:
    """A few of an answer's content words, those that its question has left out, as a span would have them."""
    asked = terms(rewrite)
    words = [word for word in keywords.split(" | ") if word.strip(".") and term(word) not in asked]
    if not words or rng.random() < 0.12:  # refused
        return ""
    if rng.random() < 0.25:
        return " ".join(words)
    size = rng.choice((1, 2, 2, 3, 4))
    start = rng.randrange(max(1, len(words) - size + 1))
    return " ".join(words[start : start + size])


def headline(row: dict, rng: random.Random) -> str:
    """Names of the conversation among some other words: what CANARD has in place of a title."""
    names = re.findall(r"(?<=[a-z,] )[A-Z][\w'.-]+(?: [A-Z][\w'.-]+)*", row["history_rewrites"][0])
    words = [word for keywords in row["history_answer_keywords"] for word in keywords.split(" | ")]
    some = rng.sample(words, min(len(words), rng.randrange(1, 6)))
    parts = names[:2] + some
    if rng.random() < 0.5:
        rng.shuffle(parts)
    return " ".join(parts)


def draw_cast(rows: Sequence[dict]) -> Draw:
    rows = [row for row in rows if row["history"]]

    def draw(rng: random.Random) -> Example | None:
        row = rng.choice(rows)
        turns = tuple(Turn(question.strip()) for question in row["history"])
        return Example(row["question"].strip(), row["rewrite"].strip(), turns, ("",) * len(turns))

    return draw


# ---------------------------------------------------------------- labels


@dataclass(frozen=True)
class Labelled:
    """Tokens and their gold scores; NaN where nothing is learnt."""

    layout: Layout
    first: np.ndarray  # (length,) float32
    second: np.ndarray  # (length,) float32


def said_before(example: Example) -> list[str]:
    """The texts of :func:`qa.conversation.recall`; a title's place among the titles serves as its article's id."""
    turns = [replace(turn, article_id=str(n)) for n, turn in enumerate(example.turns)]
    return [each.text for each in recall(turns, lambda article_id: example.titles[int(article_id)])]


def label(tokenizer: Tokenizer, example: Example) -> Labelled:
    texts = said_before(example)
    layout = lay_out(tokenizer, example.question, texts)
    asked, wanted = terms(example.question), terms(example.rewrite)
    added = wanted - asked
    replaced, instead = aligned(example.question, example.rewrite)
    keys = [[term(text[start:end]) for start, end in find_words(text)] for text in texts]
    first = np.full(len(layout.ids), np.nan, dtype=np.float32)
    second = first.copy()
    first[0] = float(bool(added))
    for place, (text, word) in enumerate(zip(layout.texts, layout.words, strict=True)):
        if word < 0:
            continue
        if text < 0:
            second[place] = float(word in replaced)
            continue
        key = keys[text][word]
        if key:
            first[place] = float(key in added)
            second[place] = float(key in instead)
    return Labelled(layout, first, second)


_POINTERS = frozenset(
    "he him his she her hers it its they them their theirs this that these those there the one ones".split()
)


def aligned(question: str, rewrite: str) -> tuple[set[int], set[str]]:
    """Which words of the question the rewrite replaces by others, and the terms that it has there."""
    old = [question[s:e] for s, e in find_words(question)]
    new = [rewrite[s:e] for s, e in find_words(rewrite)]
    matcher = difflib.SequenceMatcher(None, [w.lower() for w in old], [w.lower() for w in new], autojunk=False)
    asked = terms(question)
    replaced: set[int] = set()
    instead: set[str] = set()
    for kind, i, j, k, m in matcher.get_opcodes():
        names = {term(word) for word in new[k:m]} - {""} - asked
        # "he" -> "Joe Biden" and "the film" -> "Alien"; a rephrased clause is no replacement.
        if kind == "replace" and j - i <= 2 and old[i].lower() in _POINTERS and names and m - k <= 8:
            replaced.update(range(i, j))
            instead |= names
    return replaced, instead


# ---------------------------------------------------------------- batches


def examples(folder: Path, rng: random.Random) -> Iterator[Example]:
    """Examples for ever, from all sources."""
    draws = {
        "canard": draw_canard(read_lines(folder / "followups/canard_train.jsonl.gz")),
        "cast": draw_cast(read_lines(folder / "followups/treccast_rewrites.jsonl.gz")),
        "squad": draw_shortened(read_paragraphs(folder / "reader/train")),
    }
    other: Example | None = None
    while True:
        source = rng.choices(list(SOURCES), list(SOURCES.values()))[0]
        example = draws[source](rng)
        if example is None:
            continue
        here, other = example, example if other is None or rng.random() < 0.5 else other
        yield vary(here, other, rng)


def vary(example: Example, other: Example, rng: random.Random) -> Example:
    """The example as it is, asked in full, asked after another conversation, or with another one before it."""
    chance = rng.random()
    if other.turns == example.turns or chance > ALONE_SHARE + SHIFTED_SHARE + RETURNED_SHARE:
        return example
    if chance < ALONE_SHARE:
        return replace(example, question=example.rewrite)
    if chance < ALONE_SHARE + SHIFTED_SHARE:
        return replace(other, question=example.rewrite, rewrite=example.rewrite)
    turns, titles = other.turns[-2:] + example.turns, other.titles[-2:] + example.titles
    return replace(example, turns=turns, titles=titles)


def batches(folder: Path, tokenizer: Tokenizer, seed: int) -> Iterator[tuple[int, list[Labelled]]]:
    """Batches of fixed shapes for ever."""
    rng = random.Random(seed)
    waiting: dict[int, list[Labelled]] = defaultdict(list)
    for example in examples(folder, rng):
        if rng.random() < 0.15:  # as people type
            example = replace(example, question=example.question.rstrip("?").lower())
        labelled = label(tokenizer, example)
        bucket = next(b for b in BUCKETS if b >= len(labelled.layout.ids))
        waiting[bucket].append(labelled)
        if len(waiting[bucket]) >= TOKENS_PER_BATCH // bucket:
            yield bucket, waiting.pop(bucket)


def to_tensors(rows: Sequence[Layout], length: int) -> dict[str, torch.Tensor]:
    tensors = {name: torch.zeros(len(rows), length, dtype=torch.long) for name in ("ids", "types", "mask")}
    for row, layout in enumerate(rows):
        n = len(layout.ids)
        tensors["ids"][row, :n] = torch.tensor(layout.ids)
        tensors["types"][row, :n] = torch.tensor(layout.types)
        tensors["mask"][row, :n] = 1
    return tensors


# ---------------------------------------------------------------- model and loss


class FollowupModel(torch.nn.Module):
    """The first layers of MiniLM and two scores a token. Takes word vectors, which stay as they are."""

    def __init__(self, source: Path | None = None):
        super().__init__()
        self.bert = BertModel.from_pretrained(
            source or base_model(),
            num_hidden_layers=LAYERS,
            add_pooling_layer=False,
            attn_implementation="eager",  # with no dropout: the fused kernel and dropout cost a third each on a CPU
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        ).float()
        self.head = torch.nn.Linear(self.bert.config.hidden_size, 2)
        self.bert.embeddings.word_embeddings.weight.requires_grad_(False)

    def forward(self, vectors: torch.Tensor, mask: torch.Tensor, types: torch.Tensor) -> torch.Tensor:
        """(batch, length, 384) float32, (batch, length) int64 twice -> (batch, length, 2) scores."""
        out = self.bert(inputs_embeds=vectors, attention_mask=mask, token_type_ids=types)
        return self.head(out.last_hidden_state)

    def score(self, rows: Sequence[Layout], length: int) -> torch.Tensor:
        batch = to_tensors(rows, length)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            vectors = self.bert.embeddings.word_embeddings(batch["ids"])
            return self(vectors, batch["mask"], batch["types"]).float()


def loss_of(scores: torch.Tensor, rows: Sequence[Labelled]) -> torch.Tensor:
    gold = torch.full(scores.shape, float("nan"))
    for row, labelled in enumerate(rows):
        n = len(labelled.first)
        gold[row, :n, 0] = torch.from_numpy(labelled.first)
        gold[row, :n, 1] = torch.from_numpy(labelled.second)
    leans = cross_entropy(scores[:, 0, 0], gold[:, 0, 0])
    added = cross_entropy(scores[:, 1:, 0], gold[:, 1:, 0])
    return added + LEANS_LOSS * leans + INSTEAD_LOSS * cross_entropy(scores[..., 1], gold[..., 1])


def cross_entropy(scores: torch.Tensor, gold: torch.Tensor) -> torch.Tensor:
    known = ~torch.isnan(gold)
    return torch.nn.functional.binary_cross_entropy_with_logits(scores[known], gold[known])


def rate(progress: float) -> float:
    if progress < WARMUP:
        return PEAK_RATE * progress / WARMUP
    return PEAK_RATE * min(1.0, (1 - progress) / (1 - FALL_FROM))


# ---------------------------------------------------------------- evaluation


def read_canard_dev(path: Path) -> list[Example]:
    """CANARD's development turns: the page's heading and section, and the full answers."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = json.load(file)
    found = []
    for row in rows:
        title, section, *said = row["History"]
        turns = [Turn(title, section)] + [Turn(q, a) for q, a in zip(said[::2], said[1::2], strict=True)]
        found.append(Example(row["Question"], row["Rewrite"], tuple(turns), ("",) * len(turns)))
    return found


@torch.inference_mode()
def evaluate(model: FollowupModel, tokenizer: Tokenizer, rows: Sequence[Example]) -> dict[str, float]:
    """Micro precision, recall and F1 of the added terms at the best single threshold."""
    levels, right, gold, leans = [], [], 0, []
    for example in rows:
        texts = said_before(example)
        layout = lay_out(tokenizer, example.question, texts)
        length = next(b for b in BUCKETS if b >= len(layout.ids))
        scores = torch.sigmoid(model.score([layout], length)[0, : len(layout.ids), 0]).numpy()
        asked, wanted = terms(example.question), terms(example.rewrite)
        best: dict[str, float] = {}
        spans = [find_words(text) for text in texts]
        for place, (text, word) in enumerate(zip(layout.texts, layout.words, strict=True)):
            if text >= 0 and word >= 0:
                key = term(texts[text][slice(*spans[text][word])])
                if key and key not in asked:
                    best[key] = max(best.get(key, 0.0), float(scores[place]))
        everything = set().union(*map(terms, texts)) - asked
        gold += len(everything & wanted)
        levels += best.values()
        right += [key in wanted for key in best]
        leans.append((float(scores[0]), bool(wanted - asked)))
    order = np.argsort(-np.array(levels))
    hits = np.cumsum(np.array(right)[order])
    precision, recalled = hits / np.arange(1, len(hits) + 1), hits / gold
    f1 = 2 * precision * recalled / np.maximum(precision + recalled, 1e-9)
    at = int(f1.argmax())
    shares = {
        "f1": f1[at],
        "precision": precision[at],
        "recall": recalled[at],
        "threshold": np.array(levels)[order][at],
        "leans_right": np.mean([(level > 0.5) == lacks for level, lacks in leans]),
    }
    return {name: round(float(value), 4) for name, value in shares.items()}


# ---------------------------------------------------------------- training


def train(args: argparse.Namespace, model: FollowupModel, tokenizer: Tokenizer) -> None:
    optimizer = torch.optim.AdamW(
        [p for p in model.parameters() if p.requires_grad], lr=0.0, betas=(0.9, 0.98), weight_decay=0.01, fused=True
    )
    seen = steps = 0
    if (args.out / "state.pt").exists():
        state = torch.load(args.out / "state.pt", weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        seen, steps = state["seen"], state["steps"]
    dev = read_canard_dev(args.data / "followups/canard_dev.json.gz")
    random.Random(7).shuffle(dev)
    losses, began, began_seen = [], time.monotonic(), seen
    saved = evaluated = began
    model.train()
    for bucket, rows in batches(args.data, tokenizer, args.seed + seen):
        if seen >= args.examples:
            break
        for group in optimizer.param_groups:
            group["lr"] = rate(seen / args.examples)
        loss = loss_of(model.score([row.layout for row in rows], bucket), rows)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        seen, steps = seen + len(rows), steps + 1
        losses.append(loss.item())
        now = time.monotonic()
        record = {}
        if steps % 25 == 0:
            record = {"seen": seen, "loss": round(float(np.mean(losses[-25:])), 4)}
            record["per_second"] = round((seen - began_seen) / (now - began), 1)
        if now - evaluated > args.evaluate_minutes * 60:
            record |= evaluate(model, tokenizer, dev[:200])
            evaluated = time.monotonic()
        if record:
            print(json.dumps(record), flush=True)
        if now - saved > args.save_minutes * 60:
            save(model, optimizer, seen, steps, args.out)
            saved = now
    save(model, optimizer, seen, steps, args.out)
    print(json.dumps(evaluate(model, tokenizer, dev[:500])), flush=True)


def save(model: FollowupModel, optimizer: torch.optim.Optimizer, seen: int, steps: int, out: Path) -> None:
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "seen": seen, "steps": steps}
    torch.save(state, out / "state.tmp")
    (out / "state.tmp").replace(out / "state.pt")


def export(model: FollowupModel, folder: Path) -> None:
    """Writes what is served: ONNX with weights in fp16, without the word vectors, whose hash is recorded."""
    inputs = ["vectors", "attention_mask", "token_type_ids"]
    width = model.bert.config.hidden_size
    example = (torch.zeros(2, 8, width), torch.ones(2, 8, dtype=torch.long), torch.zeros(2, 8, dtype=torch.long))
    settings = {
        "name": f"verbatim-followups-minilm-l{LAYERS}",
        "word_vectors": hash_vectors(open_vectors(base_model())),
        "tokenizer": file_hash(base_model() / "tokenizer.json"),
    }
    kept = {path.name: path.read_bytes() for path in folder.glob("*.md")}
    with new_model_folder(folder, settings) as partial, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own age and of each traced constant
        torch.onnx.export(
            model.eval(),
            example,
            partial / "model.onnx",
            dynamo=False,
            input_names=inputs,
            output_names=["scores"],
            dynamic_axes={name: {0: "batch", 1: "length"} for name in [*inputs, "scores"]},
            opset_version=17,
        )
        halve_weights(partial / "model.onnx")
    for name, content in kept.items():  # the card
        (folder / name).write_bytes(content)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="the folder that holds followups/ and reader/train/")
    parser.add_argument("--out", type=Path, default=Path("runs/followups"))
    parser.add_argument(
        "--init", type=Path, help="start from this model's first layers instead of the packaged MiniLM's"
    )
    parser.add_argument("--examples", type=int, default=28_000, help="examples to train on in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save-minutes", type=float, default=3)
    parser.add_argument("--evaluate-minutes", type=float, default=8)
    parser.add_argument("--evaluate", action="store_true", help="only measure the saved state, on all of CANARD's dev")
    parser.add_argument("--export", type=Path, help="only write the saved state as the model folder that is served")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    tokenizer = Tokenizer.from_file(str(base_model() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    model = FollowupModel(args.init)
    if args.evaluate or args.export:
        model.load_state_dict(torch.load(args.out / "state.pt", weights_only=True)["model"])
        if args.export:
            export(model, args.export)
            return
        dev = read_canard_dev(args.data / "followups/canard_dev.json.gz")
        print(json.dumps(evaluate(model.eval(), tokenizer, dev)))
        return
    train(args, model, tokenizer)


if __name__ == "__main__":
    main()
