"""A model folder to ONNX: a graph for one window without padding, and what surrounds it.

int8: each row of a weight matrix is cut into blocks of BLOCK, each with a scale of its own, and so is each
token's vector while running (`MatMulNBits`, accuracy level 4). One scale for a whole matrix, what
onnxruntime's `quantize_dynamic` does, is a third faster but costs 1.4 points of F1 on held-out, and makes a
token's answer depend on its neighbours' rounding; scales by block cost nothing that shows.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn

from infer import bundle as bundles
from infer.align import backend
from infer.batching import Batch, Frame
from infer.engine import EngineError
from infer.model import Model
from infer.onnx_engine import GRAPH_FILE, REST_FILE, TOKENIZER_FILE, Export, OnnxEngine, Precision
from infer.torch_engine import TorchEngine

BLOCK = 128
TOLERANCE = 1e-3  # of logits, between torch and the exported graph in float32
OUTPUTS = ("spans", "attention", "evidence")


class _Window(nn.Module):
    """The model for one window: nothing is padded, so nothing is masked."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: Tensor, pool: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        tokens = self.model.encoder(input_ids=ids).last_hidden_state
        output = self.model.answer(torch.bmm(pool, tokens))
        return output.spans, output.attention, output.evidence


def export(model: Path, folder: Path, precision: Precision) -> None:
    """Write the graph, the tokenizer and the rest into `folder`. Raises BundleError and EngineError."""
    bundle = bundles.load(model)
    frame = Frame.of(bundle.tokenizer)
    tokenizer = backend(bundle.tokenizer)
    engine = TorchEngine(bundle.model, torch.device("cpu"), bfloat16=False)
    graph = folder / GRAPH_FILE
    made = Export(graph, "float32", tokenizer, frame, engine.event_bias, bundle.schema, bundle.settings)
    try:
        _write_graph(bundle.model, _sample(20, tokenizer.get_vocab_size()), graph)
        difference = _compare(engine, OnnxEngine(made), _sample(7, tokenizer.get_vocab_size()))
    except Exception as error:  # the exporter raises whatever it meets
        raise _unfit(model, str(error).strip().split("\n")[0]) from error
    if difference > TOLERANCE:
        raise _unfit(model, f"its answers differ by {difference:.2g}")
    if precision == "int8":
        onnx.save(quantize(onnx.load(graph)), graph)
    tokenizer.save(str(folder / TOKENIZER_FILE))
    rest = {"frame": asdict(frame), "event_bias": engine.event_bias.tolist()}
    (folder / REST_FILE).write_text(json.dumps(rest) + "\n", encoding="utf-8")


def quantize(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with its products by constant matrices in int8; changed in place."""
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    for place, node in enumerate(graph.node):
        if node.op_type != "MatMul" or node.input[1] not in weights:
            continue
        tensor = weights[node.input[1]]
        matrix = numpy_helper.to_array(tensor)
        integers, scales = to_blocks(matrix)
        product = helper.make_node(
            "MatMulNBits",
            [node.input[0], f"{node.name}_integers", f"{node.name}_scales"],
            list(node.output),
            node.name,
            domain="com.microsoft",
            K=matrix.shape[0],
            N=matrix.shape[1],
            bits=8,
            block_size=BLOCK,
            accuracy_level=4,  # the other factor is rounded to int8 as well
        )
        for name, array in zip(product.input[1:], (integers, scales), strict=True):
            graph.initializer.append(numpy_helper.from_array(array, name))
        graph.node[place].CopyFrom(product)
    used = {name for node in graph.node for name in node.input}
    for tensor in weights.values():
        if tensor.name not in used:
            graph.initializer.remove(tensor)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return model


def to_blocks(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A matrix [K, N] as uint8 [N, blocks, BLOCK], 128 standing for zero, and scales [N, blocks]."""
    rows, columns = matrix.shape
    blocks = -(-rows // BLOCK)
    padded = np.pad(matrix, ((0, blocks * BLOCK - rows), (0, 0))).T.reshape(columns, blocks, BLOCK)
    scales = np.maximum(np.abs(padded).max(axis=-1, keepdims=True) / 127, np.finfo(np.float32).tiny)
    integers = (np.rint(padded / scales) + 128).astype(np.uint8)
    return integers, scales[..., 0].astype(np.float32)


def _write_graph(model: Model, sample: Batch, path: Path) -> None:
    inputs = torch.from_numpy(sample.ids), torch.from_numpy(sample.pool)
    model.encoder.set_attn_implementation("eager")  # the exporter has a simpler graph for it
    axes = {"ids": {1: "tokens"}, "pool": {1: "units", 2: "tokens"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the older exporter, which needs no further package
        torch.onnx.export(
            _Window(model).eval(),
            inputs,
            str(path),
            input_names=list(axes),
            output_names=list(OUTPUTS),
            dynamic_axes=axes | {name: {1: "units"} for name in OUTPUTS},
            opset_version=17,
            dynamo=False,
        )


def _sample(tokens: int, vocabulary: int) -> Batch:
    """A window of that many tokens, half as many units."""
    ids = np.random.default_rng(tokens).integers(0, vocabulary, (1, tokens))
    pool = np.eye(tokens, dtype=np.float32)[None, : tokens // 2]
    return Batch(ids, np.ones_like(ids), pool)


def _compare(one: TorchEngine, other: OnnxEngine, batch: Batch) -> float:
    """The largest difference of two engines' logits."""
    first, second = one.answer(batch), other.answer(batch)
    return max(float(np.abs(getattr(first, name) - getattr(second, name)).max(initial=0)) for name in OUTPUTS)


def _unfit(model: Path, reason: str) -> EngineError:
    return EngineError(f"{model}: can't be exported to ONNX ({reason}); use --engine torch")
