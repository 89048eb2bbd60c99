"""Weights of tiny models: drawn ones, one that is really trained on, and sketches of many that exist as rows alone."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from django.utils import timezone

from accounts.models import User
from models_registry.formats import sketches
from models_registry.formats.sketches import SAMPLES, Sketch
from models_registry.models import Commit, LineageState, Repository, ScanVerdict, SketchShape
from models_registry.services.heads import note_scan
from models_registry.services.lineage.weighing import shapes_of
from tests.factories.registry import RepositoryFactory, put

Arrays = Mapping[str, npt.NDArray[Any]]
SHAPES = {
    "embed.weight": (300, 32),
    "layers.0.attn.weight": (96, 32),
    "layers.0.up.weight": (128, 32),
    "layers.0.down.weight": (32, 128),
    "layers.1.attn.weight": (96, 32),
    "layers.1.up.weight": (128, 32),
    "layers.1.down.weight": (32, 128),
    "norm.weight": (32,),
}
_NAMES = {"float32": "F32", "float16": "F16", "int64": "I64", "float64": "F64", "uint8": "U8"}


def drawn(seed: int, shapes: Mapping[str, tuple[int, ...]] = SHAPES) -> dict[str, npt.NDArray[np.float32]]:
    """Weights as a network begins with them."""
    random = np.random.default_rng(seed)
    return {
        name: np.ones(shape, np.float32)
        if len(shape) == 1
        else (random.standard_normal(shape) * 0.02).astype(np.float32)
        for name, shape in shapes.items()
    }


def tuned(arrays: Arrays, seed: int = 99, share: float = 0.05) -> dict[str, npt.NDArray[np.float32]]:
    """The same, moved a little everywhere, as training moves them."""
    random = np.random.default_rng(seed)
    return {
        name: (each + random.standard_normal(each.shape) * np.std(each) * share).astype(np.float32)
        for name, each in arrays.items()
    }


def safetensors_of(arrays: Arrays, dtypes: Mapping[str, str] | None = None) -> bytes:
    """A file of these arrays. `dtypes` renames the number format of raw bytes, as for BF16."""
    header: dict[str, Any] = {}
    body = b""
    for name, each in arrays.items():
        raw = np.ascontiguousarray(each).tobytes()
        dtype = (dtypes or {}).get(name) or _NAMES[str(each.dtype)]
        header[name] = {"dtype": dtype, "shape": list(each.shape), "data_offsets": [len(body), len(body) + len(raw)]}
        body += raw
    head = json.dumps(header).encode()
    return struct.pack("<Q", len(head)) + head + body


def q8_0(values: npt.NDArray[np.float32]) -> bytes:
    """Blocks of 32 numbers: half-precision scale, then signed bytes."""
    rows = values.reshape(-1, 32)
    scales = (np.abs(rows).max(axis=1) / 127).astype(np.float16)
    steps = np.where(scales == 0, 1, scales).astype(np.float32)[:, None]
    whole = np.clip(np.round(rows / steps), -127, 127).astype(np.int8)
    return b"".join(scale.tobytes() + row.tobytes() for scale, row in zip(scales, whole, strict=True))


def model_with(
    name: str,
    weights: bytes,
    *,
    user: User,
    front: str = "license: mit",
    file: str = "model.safetensors",
    **kwargs: Any,
) -> Repository:
    """A scanned model with these weights."""
    made = RepositoryFactory(user=user, name=name, **kwargs)
    scanned(put(made, {"README.md": f"---\n{front}\n---\n", file: weights}, user=user))
    made.refresh_from_db()
    return made


def scanned(commit: Commit) -> Commit:
    """A commit that the scan found clean."""
    note_scan(commit=commit, verdict=ScanVerdict.CLEAN, held={})
    return commit


def many_sketches(user: User, count: int, sketch: Sketch, seed: int = 1) -> list[Repository]:
    """Models of the very same architecture, each with numbers of its own, as rows alone."""
    random = np.random.default_rng(seed)
    now = timezone.now()
    start = Repository.everything.count()
    names = [f"many-{start + at}" for at in range(count)]
    rows = Repository.objects.bulk_create(
        Repository(
            namespace=user.namespace, kind="model", name=name, key=f"{user.username}/{name}".lower(), updated_at=now
        )
        for name in names
    )
    spread = sketch.samples.std(axis=1, keepdims=True)
    states = LineageState.objects.bulk_create(
        LineageState(
            repository=row,
            state=LineageState.State.DONE,
            heard_at=now,
            weights_key=f"{at:064}",
            tensors=len(sketch.shapes),
            sketch=sketches.pack(
                Sketch(
                    sketch.shapes,
                    sketch.dtypes,
                    tuple(random.bytes(sketches.HASH_BYTES) for _ in sketch.shapes),
                    (random.standard_normal((len(sketch.shapes), SAMPLES)) * spread).astype(np.float32),
                    sketch.elements,
                )
            ),
        )
        for at, row in enumerate(rows)
    )
    SketchShape.objects.bulk_create(
        (SketchShape(state=state, shape=shape) for state in states for shape in shapes_of(sketch)), batch_size=500
    )
    return rows
