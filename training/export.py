"""Write a trained reader as the one file that is served: ONNX with half-precision weights.

    python -m training.export runs/reader/hf qa/models/reader

Keeps the fitted confidence of the target folder where it stands; `training.confidence` renews it.
"""

import argparse
import json
import warnings
from pathlib import Path

import numpy as np

from index.runtime import SETTINGS, new_model_folder, weights_hash


def export_onnx(source: Path, path: Path) -> None:
    """``*ForQuestionAnswering`` in the Hugging Face layout -> ``path``, inputs (batch, length) int64."""
    import torch
    from transformers import BertForQuestionAnswering

    model = BertForQuestionAnswering.from_pretrained(source, attn_implementation="eager").float().eval()

    class Graph(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids, attention_mask, token_type_ids):
            out = self.model(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids)
            return out.start_logits, out.end_logits

    inputs, outputs = ["input_ids", "attention_mask", "token_type_ids"], ["start", "end"]
    example = tuple(torch.ones(2, 8, dtype=torch.long) for _ in inputs)
    axes = {name: {0: "batch", 1: "length"} for name in inputs + outputs}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own age and of each traced constant
        torch.onnx.export(
            Graph(),
            example,
            path,
            dynamo=False,
            input_names=inputs,
            output_names=outputs,
            dynamic_axes=axes,
            opset_version=17,
        )
    halve_weights(path)


def halve_weights(path: Path) -> None:
    """Stores weights in fp16 and casts them back where they are used: half the size, and F1 does not move."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load(path)
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < 1024:
            continue
        name = tensor.name
        halved = numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), f"{name}.fp16")
        tensor.CopyFrom(halved)
        casts.append(helper.make_node("Cast", [f"{name}.fp16"], [name], to=TensorProto.FLOAT, name=f"{name}.cast"))
    for cast in reversed(casts):
        model.graph.node.insert(0, cast)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("source", type=Path, help="a trained reader in the Hugging Face layout")
    parser.add_argument("folder", type=Path, help="the model folder to write, qa/models/reader")
    parser.add_argument("--name", default="verbatim-reader-minilm-l6")
    parser.add_argument("--longest", type=int, default=256, help="tokens of a window, as in training")
    args = parser.parse_args()
    old = json.loads((args.folder / SETTINGS).read_text()) if (args.folder / SETTINGS).exists() else {}
    settings = {
        "name": args.name,
        "fingerprint": weights_hash(args.source),
        "longest": args.longest,
        "padding_id": 0,
        "inputs": ["input_ids", "attention_mask", "token_type_ids"],
        "confidence": old.get("confidence"),
    }
    written = {SETTINGS, "model.onnx", "tokenizer.json"}
    kept = {path.name: path.read_bytes() for path in args.folder.glob("*") if path.name not in written}
    with new_model_folder(args.folder, settings) as partial:
        export_onnx(args.source, partial / "model.onnx")
        (partial / "tokenizer.json").write_bytes((args.source / "tokenizer.json").read_bytes())
    for name, content in kept.items():  # the card, a licence
        (args.folder / name).write_bytes(content)


if __name__ == "__main__":
    main()
