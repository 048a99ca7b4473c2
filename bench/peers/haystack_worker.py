"""Haystack 3: an in-memory store, BM25 and embeddings joined by reciprocal rank, the extractive reader.

Documents are embedded in batches of 32, the default. Each retriever brings its default of ten; as many documents
are read as Verbatim reads, and the reader keeps its default window of 384 tokens.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

os.environ.update(HF_HUB_OFFLINE="1", HAYSTACK_TELEMETRY_ENABLED="False", TOKENIZERS_PARALLELISM="true")
sys.path.insert(0, str(Path(__file__).parent))

import torch
from haystack import Document, Pipeline
from haystack.components.joiners import DocumentJoiner
from haystack.components.retrievers.in_memory import InMemoryBM25Retriever, InMemoryEmbeddingRetriever
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack_integrations.components.embedders.sentence_transformers import (
    SentenceTransformersDocumentEmbedder,
    SentenceTransformersTextEmbedder,
)
from haystack_integrations.components.readers.transformers import TransformersExtractiveReader
from measured import work


def build(task: dict) -> Callable[[str], str]:
    dtype = torch.bfloat16 if task["precision"] == "bf16" else torch.float32
    embedding = {
        "model": task["embedder"],
        "local_files_only": True,
        "normalize_embeddings": True,
        "progress_bar": False,
        "model_kwargs": {"dtype": dtype},
    }
    store = InMemoryDocumentStore()
    embedder = SentenceTransformersDocumentEmbedder(**embedding)
    documents = [Document(content=text, id=str(number)) for number, text in enumerate(task["passages"])]
    store.write_documents(embedder.run(documents)["documents"])
    reader = TransformersExtractiveReader(task["reader"], no_answer=False, top_k=1, model_kwargs={"dtype": dtype})
    reader.warm_up()
    if task["token_types"]:
        give_token_types(reader)
    return ask_with(make_pipeline(store, SentenceTransformersTextEmbedder(**embedding), reader, task["read"]))


def make_pipeline(store, text_embedder, reader, read: int) -> Pipeline:
    pipeline = Pipeline()
    pipeline.add_component("embed", text_embedder)
    pipeline.add_component("dense", InMemoryEmbeddingRetriever(store))
    pipeline.add_component("words", InMemoryBM25Retriever(store))
    pipeline.add_component("join", DocumentJoiner(join_mode="reciprocal_rank_fusion", top_k=read))
    pipeline.add_component("read", reader)
    pipeline.connect("embed.embedding", "dense.query_embedding")
    pipeline.connect("dense", "join")
    pipeline.connect("words", "join")
    pipeline.connect("join", "read.documents")
    return pipeline


def ask_with(pipeline: Pipeline) -> Callable[[str], str]:
    def answer(question: str) -> str:
        inputs = {"embed": {"text": question}, "words": {"query": question}, "read": {"query": question}}
        answers = pipeline.run(inputs)["read"]["answers"]
        return (answers[0].data or "") if answers else ""

    return answer


def give_token_types(reader: TransformersExtractiveReader) -> None:
    """Haystack's reader leaves out ``token_type_ids``, which BERT models are trained with; this puts them in."""
    forward, separator = reader.model.forward, reader.tokenizer.sep_token_id

    def with_types(input_ids, attention_mask):
        after = ((input_ids == separator).cumsum(dim=1) - (input_ids == separator).long()) > 0
        types = after.long() * attention_mask
        return forward(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=types)

    reader.model.forward = with_types


if __name__ == "__main__":
    work(build, ("haystack-ai", "transformers-haystack", "transformers", "sentence-transformers", "torch"))
