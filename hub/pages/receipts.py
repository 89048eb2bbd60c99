"""One receipt for people: who signed it, what it says in full, and how to make the number again."""

import json
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from evaluation.models import Benchmark, Receipt, ReceiptSignature
from evaluation.presentation import score_reading
from evaluation.services import signing
from hub.pages.repository import open_repository, origin

_SECTIONS = (
    ("result", _("Result")),
    ("benchmark", _("Benchmark")),
    ("model", _("Model")),
    ("method", _("Method")),
    ("env", _("Machine and packages")),
    ("code", _("Code")),
    ("seeds", _("Seeds")),
    ("items", _("Outputs by item")),
    ("cost", _("Cost")),
    ("contamination", _("Declared training data")),
    ("parent", _("Version before")),
)


@dataclass(frozen=True)
class Signed:
    """What the page says of a signature. `state` is right, wrong, revoked or none."""

    state: str
    key: str = ""
    text: str = ""


@require_safe
def receipt(request: HttpRequest, kind: str, namespace: str, name: str, revision: str, sha256: str) -> HttpResponse:
    """One receipt; as JSON with `format=json`, in its signed envelope with `format=dsse`."""
    opened = open_repository(request, kind, namespace, name, revision)
    found = (
        Receipt.objects.visible_to(request.user)
        .select_related("run__score__benchmark", "of_run__benchmark__repository__namespace")
        .filter(sha256=sha256, of_run__evaluation__commit=opened.commit)
        .first()
    )
    if found is None:
        raise Http404
    wanted = request.GET.get("format")
    if wanted == "json":
        return _download(found.body, f"receipt-{sha256[:12]}.json")
    if wanted == "dsse":
        return _download(json.dumps(signing.envelope_of(found), indent=1), f"receipt-{sha256[:12]}.dsse.json")
    score = getattr(found.run, "score", None)  # A receipt that a newer one replaced has no run, hence no score.
    record = json.loads(found.body)
    context = opened.context("evaluations") | {
        "receipt": found,
        "run": found.of_run,
        "reading": score_reading(score, short=False) if score else None,
        "score": score,
        "signed": signed(signing.signature_of(found)),
        "verify_line": f"smallhub verify {origin(request)}/api/v1/receipts/{sha256}",
        "needs": _needs(record, found.of_run.benchmark, request),
        "files": (record.get("model") or {}).get("files") or [],
        "sections": sections(record),
    }
    return render(request, "evaluation/receipt.html", context)


def signed(signature: ReceiptSignature | None) -> Signed:
    """The state of a receipt's signature, checked now against the body as it is stored."""
    if signature is None:
        return Signed(
            "none", text=gettext("Not signed: it is older than this hub's key, or the key could not be opened.")
        )
    key = signature.key
    if not signing.is_right(signature):
        text = gettext("The signature does not belong to this record. Do not rely on it.")
        return Signed("wrong", key.key_id, text)
    if key.revoked_at is not None:
        text = gettext("Signed with a key that was revoked, for others may have had it.")
        return Signed("revoked", key.key_id, text)
    return Signed("right", key.key_id, gettext("Signed by this hub. The signature fits the record."))


def sections(record: dict[str, Any]) -> list[tuple[str, list[tuple[str, Any]]]]:
    """A receipt's parts with their (name, value) lines; what is in none of them comes first."""
    known = dict(_SECTIONS)
    whole = {key: value for key, value in record.items() if key not in known}
    found = [(gettext("Receipt"), list(flat(whole)))]
    found += [(str(title), list(flat(record[key]))) for key, title in _SECTIONS if record.get(key)]
    return [(title, rows) for title, rows in found if rows]


def flat(document: Any, prefix: str = "") -> Any:
    """A nested record as (dotted name, value) lines; long lists are counted rather than printed."""
    if isinstance(document, dict):
        for key, value in document.items():
            yield from flat(value, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(document, list) and (len(document) > 6 or any(isinstance(item, dict | list) for item in document)):
        yield prefix, f"[{len(document)}]"
    elif isinstance(document, list) and document:
        yield prefix, ", ".join(str(item) for item in document)
    elif document is not None and not isinstance(document, list):
        yield prefix, document


def _needs(record: dict[str, Any], benchmark: Benchmark | None, request: HttpRequest) -> dict[str, Any]:
    """What somebody needs who makes this number again."""
    cost, env = record.get("cost") or {}, record.get("env") or {}
    files = (record.get("model") or {}).get("files") or []
    packages = ("python", "torch", "transformers", "tokenizers", "numpy", "smallhub")
    readable = benchmark is not None and Benchmark.objects.readable_by(request.user).filter(pk=benchmark.pk).exists()
    return {
        "bytes": sum(int(file.get("bytes") or 0) for file in files),
        "memory": cost.get("peak_rss_bytes"),
        "seconds": cost.get("seconds"),
        "threads": env.get("threads"),
        "packages": ", ".join(f"{name} {env[name]}" for name in packages if env.get(name)),
        "dataset": benchmark.repository if benchmark is not None and readable else None,
        "commit": benchmark.commit if benchmark is not None else "",
    }


def _download(body: str, name: str) -> HttpResponse:
    return HttpResponse(
        body, content_type="application/json", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
