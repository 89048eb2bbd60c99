"""A bill of materials in CycloneDX 1.6, with the model's card (ML-BOM). Pure."""

from typing import Any

from models_registry.bills.subjects import (
    DATASET,
    MODEL,
    Bill,
    File,
    Item,
    Measured,
    own_references,
    source_of,
    spdx_expression,
)
from models_registry.licences import parse, spdx_ids

SPEC = "1.6"
_TYPES = {MODEL: "machine-learning-model", DATASET: "data"}


def write(bill: Bill) -> dict[str, Any]:
    """The document, ready for JSON."""
    subject = _component(bill.subject)
    if bill.subject.kind == MODEL:
        subject["modelCard"] = _card(bill)
    return {
        "$schema": f"http://cyclonedx.org/schema/bom-{SPEC}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPEC,
        "serialNumber": bill.serial.urn,
        "version": 1,
        "metadata": {
            "timestamp": bill.created,
            "tools": {"components": [{"type": "application", "name": "Smallhub", "version": bill.hub_version}]},
            "component": subject,
            "properties": [_property(f"note:{key}", text) for key, text in bill.notes.items()],
        },
        "components": [
            *(_component(item) for item in bill.parts),
            *(_file(bill.subject, each) for each in bill.subject.files),
        ],
        "dependencies": _dependencies(bill),
    }


def _component(item: Item) -> dict[str, Any]:
    namespace, _, name = item.name.rpartition("/")
    found: dict[str, Any] = {
        "type": _TYPES.get(item.kind, "application"),
        "bom-ref": item.key,
        "name": name,
        "version": item.version or item.commit,
    }
    if namespace:
        found["group"] = namespace
    if item.author:
        found["authors"] = [{"name": item.author}]
    if item.summary:
        found["description"] = item.summary
    licences = _licences(item.licence)
    if licences:
        found["licenses"] = licences
    if item.where:
        found["externalReferences"] = [{"type": "distribution", "url": item.where}]
    if item.kind == DATASET:
        found["data"] = [{"type": "dataset", "name": item.name}]
    properties = [("commit", item.commit), ("library", item.library), ("licence", item.licence)]
    properties += [("language", code) for code in item.languages]
    if item.parameters is not None:
        properties.append(("parameters", str(item.parameters)))
    found["properties"] = [_property(key, value) for key, value in properties if value]
    return found


def _file(subject: Item, file: File) -> dict[str, Any]:
    return {
        "type": "file",
        "bom-ref": f"{subject.key}#{file.path}",
        "name": file.path,
        "version": subject.commit,
        "hashes": [{"alg": "SHA-256", "content": file.sha256}],
        "properties": [_property("bytes", str(file.size)), _property("weights", str(file.is_weights).lower())],
    }


def _licences(licence: str) -> list[dict[str, Any]]:
    """A single id by its id, else an expression; what SPDX's list lacks alone by its name and where its text is."""
    read = parse(licence)
    if not read.ids:
        return []
    if len(read.ids) == 1 and len(read.alternatives) == 1 and " WITH " not in read.ids[0]:
        (name,) = read.ids
        listed = spdx_ids().get(name.lower())
        which: dict[str, Any] = {"id": listed} if listed else {"name": name}
        source = source_of(name)
        return [{"license": {**which, "acknowledgement": "declared", **({"url": source} if source else {})}}]
    return [{"expression": spdx_expression(licence), "acknowledgement": "declared"}]


def _card(bill: Bill) -> dict[str, Any]:
    subject = bill.subject
    parameters: dict[str, Any] = {}
    if subject.task:
        parameters["task"] = subject.task
    if subject.architecture:
        parameters["modelArchitecture"] = subject.architecture
    data = {item.key for item in bill.parts if item.kind == DATASET}
    trained = [each.parent for each in bill.origins if each.child == subject.key and each.parent in data]
    if trained:
        parameters["datasets"] = [{"ref": key} for key in dict.fromkeys(trained)]
    card: dict[str, Any] = {"bom-ref": f"{subject.key}#card", "modelParameters": parameters}
    if bill.measured:
        card["quantitativeAnalysis"] = {"performanceMetrics": [_metric(each) for each in bill.measured]}
        receipts = [(each.benchmark, each.receipt) for each in bill.measured if each.receipt]
        card["properties"] = [_property(f"receipt:{benchmark}", address) for benchmark, address in receipts]
    return card


def _metric(each: Measured) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": each.metric + (f" ({each.unit})" if each.unit else ""),
        "value": repr(each.value),
        "slice": each.benchmark,
    }
    if each.low is not None and each.high is not None:
        found["confidenceInterval"] = {"lowerBound": repr(each.low), "upperBound": repr(each.high)}
    return found


def _dependencies(bill: Bill) -> list[dict[str, Any]]:
    """Who was made from what; files hang on the subject."""
    below: dict[str, list[str]] = {bill.subject.key: [], **{item.key: [] for item in bill.parts}}
    for each in bill.origins:
        if each.parent not in below[each.child]:
            below[each.child].append(each.parent)
    below[bill.subject.key] += [f"{bill.subject.key}#{file.path}" for file in bill.subject.files]
    return [{"ref": key, "dependsOn": refs} if refs else {"ref": key} for key, refs in below.items()]


def _property(name: str, value: str) -> dict[str, str]:
    return {"name": f"smallhub:{name}", "value": value}


def references(bill: Bill) -> list[tuple[str, str]]:
    """Every `LicenseRef-…` of a bill with the name that it stands for."""
    found = [pair for item in (bill.subject, *bill.parts) for pair in own_references(item.licence)]
    return list(dict.fromkeys(found))
