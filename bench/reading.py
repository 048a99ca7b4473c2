"""Reading 8 passages of 160 tokens on two cores: the served reader against the same weights in PyTorch fp32.

    python -m bench.reading HF_FOLDER [--reader qa/models/reader] [--rounds 20]

HF_FOLDER is the trained reader as `training.reader` leaves it. Both are timed in turn in the
same run, since machines are noisy; medians are compared.
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from transformers import BertForQuestionAnswering

from qa.reader import SpanReader

PASSAGES, TOKENS = 8, 160


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("hf", type=Path)
    parser.add_argument("--reader", type=Path, default=Path("qa/models/reader"))
    parser.add_argument("--rounds", type=int, default=20)
    args = parser.parse_args()
    torch.set_num_threads(2)
    model = BertForQuestionAnswering.from_pretrained(args.hf).float().eval()
    reader = SpanReader(args.reader, threads=2)
    ids = np.random.default_rng(0).integers(1000, 29_000, (PASSAGES, TOKENS))
    types = np.tile(np.arange(TOKENS) > 16, (PASSAGES, 1)).astype(int)
    tensors = {"input_ids": torch.tensor(ids), "token_type_ids": torch.tensor(types)}
    tensors["attention_mask"] = torch.ones_like(tensors["input_ids"])
    rows, kinds = [r.tolist() for r in ids], [r.tolist() for r in types]

    def ours() -> None:
        reader._score(rows, kinds)

    def theirs() -> None:
        with torch.inference_mode():
            model(**tensors)

    timings: dict[str, list[float]] = {"served": [], "PyTorch fp32": []}
    for turn in range(args.rounds + 3):
        for name, run in (("served", ours), ("PyTorch fp32", theirs)):
            began = time.perf_counter()
            run()
            if turn >= 3:  # the first ones compile kernels
                timings[name].append((time.perf_counter() - began) * 1000)
    medians = {name: statistics.median(values) for name, values in timings.items()}
    for name, median in medians.items():
        print(f"{name}: {median:.1f} ms (least {min(timings[name]):.1f})")
    print(f"times as fast: {medians['PyTorch fp32'] / medians['served']:.2f}")


if __name__ == "__main__":
    main()
