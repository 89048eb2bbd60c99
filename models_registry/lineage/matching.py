"""Whether one model's weights were made from another's, by their sketches. Pure arithmetic, no look-ups.

Tensors of one shape are compared each with each, number by number at the same places, by their correlation. Two that
were drawn or trained apart agree in 64 numbers as coins do: a correlation of 0.9 between them never happens. What was
trained on from the other, or rounded, stays far above.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models_registry.formats.sketches import Sketch
from models_registry.lineage import claims

NEAR = 0.9
LOOSE = 0.6
MAX_PROPOSALS = 3
# Shares of the child's numbers.
_VERIFIED = 0.5
_CONTRADICTED = 0.05
_COMPARABLE = 0.5
_PROPOSED = 0.25
_FROZEN = 0.05
_CLOSER = 0.25  # How much nearer another must be to be told of beside a base that is verified.
_LEAST_ELEMENTS = 4096
# Bits of precision, and how far a rounded number may be from its origin, as a share of the numbers' size.
_PRECISION: Mapping[str, int] = {
    "F64": 53,
    "F32": 24,
    "F16": 11,
    "BF16": 8,
    "Q8_0": 7,
    "Q5_1": 5,
    "Q5_0": 5,
    "Q4_1": 4,
    "Q4_0": 4,
    "F8_E4M3": 4,
    "F8_E5M2": 3,
}
_ROUNDING: Mapping[int, float] = {24: 1e-6, 11: 1e-3, 8: 5e-3, 7: 0.02, 5: 0.08, 4: 0.16, 3: 0.2}
COPY, ROUNDED, TUNED, PARTS = "copy", "rounded", "tuned", "parts"
Floats = npt.NDArray[np.float32]
Marks = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Likeness:
    """How a child's weights stand to a parent's. Shares are of the numbers in the child's telling tensors.

    Attributes:
        exact: in tensors that are equal byte by byte.
        near: in tensors that are equal or nearly so.
        loose: in tensors that resemble one of the parent's at all.
        comparable: in tensors of which the parent has some of the same shape.
        distance: how far near tensors are from the parent's, as a share of these; 0 where they are equal.
        is_rounded: the child's numbers are the parent's, written less precisely.
        marks: which of the child's tensors are near.
    """

    exact: float
    near: float
    loose: float
    comparable: float
    distance: float
    tensors: int
    near_tensors: int
    near_elements: int
    is_rounded: bool
    marks: Marks

    @property
    def how(self) -> str:
        if self.exact > 0.999:
            return COPY
        if self.is_rounded:
            return ROUNDED
        return TUNED if self.near >= _VERIFIED else PARTS

    @property
    def relation(self) -> str:
        return claims.QUANTIZED if self.how == ROUNDED else claims.FINETUNE

    def figures(self) -> dict[str, Any]:
        """For the row and for people."""
        return {
            "how": self.how,
            "exact": round(self.exact, 4),
            "near": round(self.near, 4),
            "comparable": round(self.comparable, 4),
            "distance": float(f"{self.distance:.3g}"),
            "tensors": self.tensors,
            "near_tensors": self.near_tensors,
        }


class Child:
    """A sketch that is compared with many: what can be worked out once is."""

    def __init__(self, sketch: Sketch) -> None:
        self.sketch = sketch
        self._sizes = sketch.sizes
        self._total = float(self._sizes.sum()) or 1.0
        self._units = _units(sketch.samples)

    def compare(self, parent: Sketch) -> Likeness:
        """How this one stands to a parent."""
        there = dict(parent.groups())
        count = len(self.sketch.shapes)
        exact, near, loose, comparable = (np.zeros(count, dtype=bool) for _ in range(4))
        best = np.full(count, -1)
        for shape, rows in self.sketch.groups():
            if shape not in there:
                continue
            comparable[rows] = True
            theirs = there[shape]
            known = {digest: theirs.start + at for at, digest in enumerate(parent.hashes[theirs])}
            alike = self._units[rows] @ _units(parent.samples[theirs]).T
            best[rows] = theirs.start + alike.argmax(axis=1)
            found = alike.max(axis=1)
            near[rows], loose[rows] = found >= NEAR, found >= LOOSE
            for at in range(rows.start, rows.stop):
                same = known.get(self.sketch.hashes[at])
                if same is not None and parent.dtypes[same] == self.sketch.dtypes[at]:
                    exact[at] = near[at] = loose[at] = True
                    best[at] = same
        return self._likeness(parent, exact, near, loose, comparable, best)

    def _likeness(
        self, parent: Sketch, exact: Marks, near: Marks, loose: Marks, comparable: Marks, best: npt.NDArray[np.int64]
    ) -> Likeness:
        rows = np.flatnonzero(near)
        mine, theirs = self.sketch.samples[rows], parent.samples[best[rows]]
        gaps = np.where(exact[rows], 0.0, _relative(mine, theirs))
        weights = self._sizes[rows]
        distance = float(np.sqrt((gaps**2 * weights).sum() / weights.sum())) if len(rows) else 0.0
        dtypes = [(self.sketch.dtypes[at], parent.dtypes[best[at]]) for at in rows]
        return Likeness(
            exact=self._share(exact),
            near=self._share(near),
            loose=self._share(loose),
            comparable=self._share(comparable),
            distance=distance,
            tensors=len(near),
            near_tensors=len(rows),
            near_elements=int(weights.sum()),
            is_rounded=_is_rounded(dtypes, gaps, weights),
            marks=near,
        )

    def share(self, marks: Marks) -> float:
        """What share of all numbers these tensors hold."""
        return self._share(marks)

    def _share(self, marks: Marks) -> float:
        return float(self._sizes[marks].sum()) / self._total


def verdict_on(likeness: Likeness, relation: str) -> str:
    """What the weights say of a parent that is named: verified, contradicted, or "" for neither."""
    if likeness.near >= _VERIFIED or (likeness.exact >= 0.2 and likeness.near_elements >= _LEAST_ELEMENTS):
        return "verified"
    must_resemble = relation in {claims.FINETUNE, claims.QUANTIZED, claims.MERGE}
    is_strange = likeness.comparable >= _COMPARABLE and likeness.loose < _CONTRADICTED and likeness.tensors >= 2
    return "contradicted" if must_resemble and is_strange else ""


def is_origin(likeness: Likeness) -> bool:
    """Whether so much of a child is another's that it was made from it, though nobody says so."""
    if likeness.near_elements < _LEAST_ELEMENTS:
        return False
    if likeness.near >= _VERIFIED:
        return True
    frozen = likeness.exact >= _FROZEN or likeness.near >= _PROPOSED
    return frozen and (likeness.near_tensors >= 2 or likeness.near >= _PROPOSED)


@dataclass(frozen=True)
class Candidate:
    """Another model that resembles the child. `order` is its age: the older of two equals is the origin."""

    key: int
    likeness: Likeness
    order: float


def choose(child: Child, candidates: Iterable[Candidate], verified: Sequence[Likeness] = ()) -> list[Candidate]:
    """Which of these to name as origins: the nearest, then others for what it does not explain, as in a merge.

    Args:
        verified: how the child stands to named bases that are verified. Beside these only a much nearer one is told.
    """
    left = [each for each in candidates if is_origin(each.likeness)]
    if verified:
        known = min(each.distance for each in verified)
        share = max(each.near for each in verified)
        left = [each for each in left if _is_closer(each.likeness, known, share)]
        explained = np.any([each.marks for each in verified], axis=0)
        return sorted(left, key=_nearest)[:1] or _rest(child, candidates, explained, MAX_PROPOSALS - 1)
    if not left:
        return []
    top = max(each.likeness.near for each in left)
    first = min((each for each in left if each.likeness.near >= top - 0.1), key=_nearest)
    others = [each for each in left if each is not first]
    return [first, *_rest(child, others, first.likeness.marks, MAX_PROPOSALS - 1)]


def _is_closer(likeness: Likeness, distance: float, share: float) -> bool:
    return likeness.near >= share - 0.05 and likeness.distance < _CLOSER * distance


def _rest(child: Child, candidates: Iterable[Candidate], explained: Marks, limit: int) -> list[Candidate]:
    """Candidates that explain a good part of what is not explained yet."""
    found: list[Candidate] = []
    left = [each for each in candidates if is_origin(each.likeness)]
    while left and len(found) < limit:
        shares = [child.share(each.likeness.marks & ~explained) for each in left]
        at = max(range(len(left)), key=lambda place: (round(shares[place], 3), -left[place].order))
        if shares[at] < _PROPOSED:
            break
        chosen = left.pop(at)
        explained = explained | chosen.likeness.marks
        found.append(chosen)
    return found


def _nearest(candidate: Candidate) -> tuple[float, float]:
    return round(candidate.likeness.distance, 6), candidate.order


def _units(samples: Floats) -> Floats:
    """Rows with mean 0 and length 1, so that products of two are correlations."""
    middle = samples - samples.mean(axis=1, keepdims=True)
    length = np.linalg.norm(middle, axis=1, keepdims=True)
    units: Floats = middle / np.where(length > 0, length, 1.0).astype(np.float32)
    return units


def _relative(mine: Floats, theirs: Floats) -> npt.NDArray[np.float64]:
    size = np.linalg.norm(theirs.astype(np.float64), axis=1)
    gap = np.linalg.norm(mine.astype(np.float64) - theirs, axis=1)
    return np.asarray(gap / np.where(size > 0, size, 1.0))


def _is_rounded(
    dtypes: Sequence[tuple[str, str]], gaps: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]
) -> bool:
    """Nearly all numbers are the parent's but for what a coarser type cannot hold."""
    if not dtypes:
        return False
    fits = np.zeros(len(dtypes), dtype=bool)
    is_coarser = np.zeros(len(dtypes), dtype=bool)
    for at, (mine, theirs) in enumerate(dtypes):
        precision = _PRECISION.get(mine, 24)
        is_coarser[at] = precision < _PRECISION.get(theirs, 24)
        fits[at] = gaps[at] <= (_ROUNDING.get(precision, 1e-6) if is_coarser[at] else 1e-6)
    total = float(weights.sum())
    return float(weights[fits].sum()) >= 0.95 * total and float(weights[is_coarser].sum()) >= 0.5 * total
