"""The one place that knows OpenVINO: PyTorch modules out, compiled models in.

A model folder holds the model, its ``tokenizer.json`` and ``settings.json``, which records a
SHA-256 for each of them: what was altered is refused.
"""

import hashlib
import json
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from index.errors import ModelError

if TYPE_CHECKING:
    import openvino
    import torch

SETTINGS = "settings.json"
_WEIGHTS = ("*.safetensors", "*.bin", "*.onnx")


def _load_openvino() -> ModuleType:
    """The library without its telemetry, which reports each import to its makers, from a process forked for that."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # as if it were not installed
    import openvino

    return openvino


@cache
def _core() -> "openvino.Core":
    return _load_openvino().Core()


@cache
def precision() -> str:
    """ "bf16" where the processor computes in it, else "f32": slower, the same answers."""
    return "bf16" if "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"


def compile_model(path: Path, streams: int, threads: int) -> "openvino.CompiledModel":
    """A model file (IR or ONNX), ready to run in ``streams`` independent requests over ``threads`` threads in all."""
    return _core().compile_model(
        _core().read_model(path),
        "CPU",
        {
            "INFERENCE_PRECISION_HINT": precision(),
            "NUM_STREAMS": streams,
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY" if streams == 1 else "THROUGHPUT",
        },
    )


def open_queue(model: "openvino.CompiledModel", requests: int) -> "openvino.AsyncInferQueue":
    """Runs up to ``requests`` at once over the model's streams. One thread may use it at a time."""
    return _load_openvino().AsyncInferQueue(model, requests)


def export_module(module: "torch.nn.Module", inputs: Sequence[str], path: Path) -> None:
    """Traces ``module``, whose inputs are (batch, length) int64 tensors, and writes it as IR with fp16 weights.

    The front end is called directly: ``openvino.convert_model`` does the same but reports each call to its makers.
    """
    openvino = _load_openvino()
    import torch
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    example = tuple(torch.ones(2, 8, dtype=torch.long) for _ in inputs)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing warns of every constant, and of its own age
        traced = torch.jit.trace(module.eval(), example, check_trace=False)
    front_end = FrontEndManager().load_by_framework("pytorch")
    decoder = TorchScriptPythonDecoder(traced)  # named: the C++ side does not keep it alive
    model = front_end.convert(front_end.load(decoder))
    for node, name in zip(model.inputs, inputs, strict=True):
        node.get_tensor().set_names({name})
        node.get_node().set_partial_shape(openvino.PartialShape([-1, -1]))
        node.get_node().set_element_type(openvino.Type.i64)
    model.validate_nodes_and_infer_types()
    openvino.save_model(model, path, compress_to_fp16=True)


@contextmanager
def new_model_folder(folder: Path, settings: dict[str, Any]) -> Iterator[Path]:
    """An empty folder to write a model into; it becomes ``folder`` in one step, with ``settings``, or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        partial = Path(name) / folder.name
        partial.mkdir()
        yield partial
        files = {path.name: file_hash(path) for path in sorted(partial.iterdir())}
        (partial / SETTINGS).write_text(json.dumps(settings | {"files": files}, indent=1) + "\n")
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(partial, folder)


def read_model_folder(folder: Path) -> dict[str, Any]:
    """The settings of a model folder, after checking each of its files against its recorded hash.

    Raises:
        ModelError: a file is missing or altered.
    """
    try:
        settings = json.loads((folder / SETTINGS).read_text())
        altered = [file for file, digest in settings["files"].items() if file_hash(folder / file) != digest]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"no model can be read in {folder} ({error}); delete it or install again") from error
    if altered:
        raise ModelError(f"{folder / altered[0]} was altered; delete the folder or install again")
    return settings


def source_key(source: Path) -> str:
    """Changes whenever a file of the model changes; quick, since only names, sizes and times are read."""
    files = sorted(path for path in source.rglob("*") if path.is_file())
    facts = [(str(path.relative_to(source)), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return hashlib.sha256(json.dumps([str(source), facts]).encode()).hexdigest()[:16]


def weights_hash(source: Path) -> str:
    """SHA-256 over a model's weight files, in the order of their names."""
    digest = hashlib.sha256()
    for pattern in _WEIGHTS:
        files = sorted(source.glob(pattern))
        for file in files:
            digest.update(file.read_bytes())
        if files:
            return digest.hexdigest()
    raise ModelError(f"{source} holds no weights ({', '.join(_WEIGHTS)})")


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
