"""txtai: embeddings with hybrid search and stored content, and its extractive pipeline over the best matches.

txtai joins the matches, three by default, into one context, which the question-answering pipeline of transformers
reads in windows of 384 tokens. An answer of less than 5 % by its count is none; nothing sets that otherwise.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="true")
sys.path.insert(0, str(Path(__file__).parent))

import torch
from measured import work
from txtai import Embeddings
from txtai.pipeline import RAG


def build(task: dict) -> Callable[[str], str]:
    kind = {"dtype": torch.bfloat16} if task["precision"] == "bf16" else {}
    embeddings = Embeddings(
        path=task["embedder"], method="transformers", hybrid=True, content=True, maxlength=True, gpu=False, vectors=kind
    )
    embeddings.index(enumerate(task["passages"]))
    reader = RAG(
        embeddings,
        task["reader"],
        gpu=False,
        task="question-answering",
        context=task["context"],
        output="flatten",
        **kind,
    )

    def answer(question: str) -> str:
        return reader([question])[0] or ""

    return answer


if __name__ == "__main__":
    work(build, ("txtai", "transformers", "faiss-cpu", "torch"))
