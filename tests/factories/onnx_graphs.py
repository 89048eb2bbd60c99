"""Tiny ONNX models in the layout of exports, built node by node, whose outputs numpy can say as well.

All share one idea: a token's hidden state is the sum of the vectors of the tokens up to it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

WORDS = ["<unk>", "<|endoftext|>", "[PAD]", *"the a cat dog sat on met mat log film great dull".split()]
WIDTH = 4
LABELS = ("bad", "good")
TAGS = ("O", "B-ANIMAL", "I-ANIMAL")


def vectors() -> Any:
    """The vectors of all tokens; shape (tokens, width)."""
    return np.random.default_rng(0).normal(size=(len(WORDS), WIDTH)).astype(np.float32)


def head(size: int) -> Any:
    """The weights that make outputs of hidden states."""
    return np.random.default_rng(1).normal(size=(WIDTH, size)).astype(np.float32)


def make_language_model(folder: Path, *, has_past: bool = False, beside: str = "") -> Path:
    """Predicts the next token. With `has_past` the vectors read before are an input, and an output."""
    from onnx import TensorProto, helper

    inputs, outputs, nodes = ["input_ids", "attention_mask"], ["logits"], []
    hidden, extra_in, extra_out = "embedded", [], []
    if has_past:
        shape = ["batch", 1, "past", WIDTH]
        extra_in = [helper.make_tensor_value_info("past_key_values.0.key", TensorProto.FLOAT, shape)]
        extra_out = [helper.make_tensor_value_info("present.0.key", TensorProto.FLOAT, ["batch", 1, "all", WIDTH])]
        nodes = [
            helper.make_node("Unsqueeze", ["embedded", "one"], ["fresh"]),
            helper.make_node("Concat", ["past_key_values.0.key", "fresh"], ["present.0.key"], axis=2),
            helper.make_node("Squeeze", ["present.0.key", "one"], ["whole"]),
        ]
        hidden = "whole"
    nodes.append(helper.make_node("CumSum", [hidden, "one_scalar"], ["summed"]))
    if has_past:
        nodes += [
            helper.make_node("Shape", ["input_ids"], ["sizes"]),
            helper.make_node("Gather", ["sizes", "one"], ["length"]),
            helper.make_node("Neg", ["length"], ["from_end"]),
            helper.make_node("Slice", ["summed", "from_end", "far", "one"], ["kept"]),
        ]
    nodes.append(helper.make_node("MatMul", ["kept" if has_past else "summed", "head"], ["logits"]))
    _write(folder, nodes, inputs, outputs, size=len(WORDS), extra=(extra_in, extra_out), beside=beside)
    return _files(folder, "TinyForCausalLM", {"bos_token_id": 1, "eos_token_id": 1, "max_position_embeddings": 32})


def make_classifier(folder: Path) -> Path:
    """Labels the mean of a text's vectors."""
    from onnx import helper

    nodes = [*_mean(), helper.make_node("MatMul", ["mean", "head"], ["logits"])]
    _write(folder, nodes, ["input_ids", "attention_mask"], ["logits"], size=len(LABELS), rank=2)
    return _files(folder, "TinyForSequenceClassification", {"id2label": {str(n): x for n, x in enumerate(LABELS)}})


def make_tagger(folder: Path) -> Path:
    """Labels each token by its own vector."""
    from onnx import helper

    nodes = [helper.make_node("MatMul", ["embedded", "head"], ["logits"])]
    _write(folder, nodes, ["input_ids", "attention_mask"], ["logits"], size=len(TAGS))
    return _files(folder, "TinyForTokenClassification", {"id2label": {str(n): tag for n, tag in enumerate(TAGS)}})


def make_encoder(folder: Path) -> Path:
    """Gives each token's vector."""
    from onnx import helper

    nodes = [helper.make_node("MatMul", ["embedded", "head"], ["last_hidden_state"])]
    _write(folder, nodes, ["input_ids", "attention_mask"], ["last_hidden_state"], size=WIDTH)
    return _files(folder, "TinyModel", {"hidden_size": WIDTH})


def _mean() -> list[Any]:
    from onnx import TensorProto, helper

    return [
        helper.make_node("Cast", ["attention_mask"], ["weights"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["weights", "minus_one"], ["column"]),
        helper.make_node("Mul", ["embedded", "column"], ["weighted"]),
        helper.make_node("ReduceSum", ["weighted", "one"], ["total"], keepdims=0),
        helper.make_node("ReduceSum", ["column", "one"], ["count"], keepdims=0),
        helper.make_node("Div", ["total", "count"], ["mean"]),
    ]


def _write(
    folder: Path,
    nodes: list[Any],
    inputs: list[str],
    outputs: list[str],
    *,
    size: int,
    rank: int = 3,
    extra: tuple[list[Any], list[Any]] = ([], []),
    beside: str = "",
) -> None:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    folder.mkdir(parents=True, exist_ok=True)
    constants = {
        "table": vectors(),
        "head": head(size),
        "one": np.array([1], dtype=np.int64),
        "minus_one": np.array([-1], dtype=np.int64),
        "one_scalar": np.array(1, dtype=np.int64),
        "far": np.array([2**31], dtype=np.int64),
    }
    used = {name for node in nodes for name in node.input} | {"table"}
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "input_ids"], ["embedded"]), *nodes],
        "tiny",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"]) for name in inputs] + extra[0],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *["length"] * (rank - 2), size])
            for name in outputs
        ]
        + extra[1],
        [numpy_helper.from_array(array, name) for name, array in constants.items() if name in used],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(
        model,
        str(folder / "model.onnx"),
        save_as_external_data=bool(beside),
        location=beside or None,
        size_threshold=64,  # Constants that shapes follow from stay inside.
    )


def _files(folder: Path, architecture: str, settings: dict[str, Any]) -> Path:
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token=WORDS[0]))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens(WORDS[1:3])
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"model_type": "tiny", "architectures": [architecture], "vocab_size": len(WORDS), "pad_token_id": 2}
    (folder / "config.json").write_text(json.dumps(config | settings))
    return folder
