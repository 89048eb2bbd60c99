"""A bill of materials in SPDX 3.0 as JSON-LD, with the profiles for AI and data sets. Pure."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from models_registry.bills.subjects import APP, DATASET, MODEL, Bill, Item, Measured, spdx_expression, written

CONTEXT = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"
SPEC = "3.0.1"
LICENCES = "3.26.0"  # The list whose ids expressions are made of.
_PROFILES = ("core", "software", "simpleLicensing")
_INFO = "_:made"
# What SPDX calls our relations: from what was made to what it was made from.
_RELATIONS = {
    "finetune": "descendantOf",
    "adapter": "descendantOf",
    "merge": "descendantOf",
    "quantized": "descendantOf",
    "distilled": "descendantOf",
    "trained_on": "trainedOn",
    "evaluated_on": "testedOn",
}
_AI, _DATASET, _PLAIN = "ai_AIPackage", "dataset_DatasetPackage", "software_Package"
_PROFILE_OF = {_AI: "ai", _DATASET: "dataset"}
_PART_OF = "part_of"
_NO_ASSERTION = "expandedlicensing_NoAssertionLicense"
Element = dict[str, Any]


def write(bill: Bill) -> dict[str, Any]:
    """The document, ready for JSON."""
    names = _Names(bill)
    items = (bill.subject, *bill.parts)
    elements = [_agent(names, bill), *_suppliers(names, items)]
    elements += [_package(names, item, bill.measured if item is bill.subject else ()) for item in items]
    elements += [_file(names, bill.subject, each) for each in bill.subject.files]
    elements += _licences(names, items)
    elements += _origins(names, bill)
    if bill.subject.files:
        files = [names.file(each.path) for each in bill.subject.files]
        elements.append(_relationship(names, "contains", names.of(bill.subject.key), files))
    kinds = {_kind(item) for item in items}
    used = [*_PROFILES, *(profile for kind, profile in _PROFILE_OF.items() if kind in kinds)]
    ids = [element["spdxId"] for element in elements]
    root = {"rootElement": [names.of(bill.subject.key)], "element": ids, "profileConformance": used}
    sbom = _element("software_Sbom", names.make("bill"), name=f"Bill of {bill.subject.name}", **root)
    sbom["software_sbomType"] = ["analyzed"]
    document = _element("SpdxDocument", names.make("document"), name=bill.subject.name, profileConformance=used)
    document |= {"rootElement": [sbom["spdxId"]], "element": [*ids, sbom["spdxId"]]}
    if bill.notes:
        document["comment"] = " ".join(bill.notes.values())
    made = {
        "type": "CreationInfo",
        "@id": _INFO,
        "specVersion": SPEC,
        "created": bill.created,
        "createdBy": [names.make("hub")],
    }
    return {"@context": CONTEXT, "@graph": [made, document, sbom, *elements]}


class _Names:
    """Addresses of the elements of one bill: no two bills share any."""

    def __init__(self, bill: Bill) -> None:
        self._base = f"{bill.hub.rstrip('/')}/bills/{bill.serial}"
        self._numbers = {item.key: number for number, item in enumerate((bill.subject, *bill.parts))}
        self._made = 0

    def make(self, name: str) -> str:
        return f"{self._base}#{quote(name, safe='-')}"

    def next(self, name: str) -> str:
        self._made += 1
        return self.make(f"{name}-{self._made}")

    def of(self, key: str) -> str:
        return self.make(f"part-{self._numbers[key]}")

    def supplier(self, author: str) -> str:
        return self.make(f"supplier-{quote(author, safe='')}")

    def file(self, path: str) -> str:
        return self.make(f"file-{quote(path, safe='')}")


def _element(kind: str, spdx_id: str, **fields: Any) -> Element:
    return {"type": kind, "spdxId": spdx_id, "creationInfo": _INFO, **fields}


def _agent(names: _Names, bill: Bill) -> Element:
    reference = {"type": "ExternalRef", "externalRefType": "altWebPage", "locator": [bill.hub]}
    return _element("Organization", names.make("hub"), name=f"Smallhub at {bill.hub}", externalRef=[reference])


def _suppliers(names: "_Names", items: Iterable[Item]) -> list[Element]:
    """Whoever published the parts, each once."""
    found = dict.fromkeys(item.author for item in items if item.author)
    return [_element("Agent", names.supplier(author), name=author) for author in found]


def _kind(item: Item) -> str:
    """The class of a part. Those of AI and data want more than is known of what lies elsewhere, or may not be seen:
    such parts are plain packages, so that the profiles that the document names hold for all of it.
    """
    is_known = bool(item.author and item.where and (item.version or item.commit) and item.released_at)
    return {MODEL: _AI, DATASET: _DATASET}.get(item.kind, _PLAIN) if is_known else _PLAIN


def _package(names: _Names, item: Item, measured: Iterable[Measured]) -> Element:
    kind = _kind(item)
    found = _element(kind, names.of(item.key), name=item.name)
    purpose = {MODEL: "model", DATASET: "data", APP: "application"}.get(item.kind, "other")
    found["software_primaryPurpose"] = purpose
    if item.version or item.commit:
        found["software_packageVersion"] = item.version or item.commit
    if item.where:
        found["software_downloadLocation"] = item.where
    if item.author:
        found["suppliedBy"] = names.supplier(item.author)
    if item.released_at is not None:
        found["releaseTime"] = written(item.released_at)
    if item.summary:
        found["summary"] = item.summary
    if item.commit:
        found["externalIdentifier"] = [
            {
                "type": "ExternalIdentifier",
                "externalIdentifierType": "gitoid",
                "identifier": f"gitoid:commit:sha1:{item.commit}",
            }
        ]
    if kind == _AI:
        found |= _of_model(item, list(measured))
    if kind == _DATASET and item.released_at is not None:  # A version of data comes about with its commit.
        found["dataset_datasetType"] = ["noAssertion"]
        found["builtTime"] = written(item.released_at)
        found["originatedBy"] = [names.supplier(item.author)]
        if item.files:
            found["dataset_datasetSize"] = sum(file.size for file in item.files)
    return found


def _of_model(item: Item, measured: list[Measured]) -> Element:
    found: Element = {}
    if item.architecture:
        found["ai_typeOfModel"] = [item.architecture]
    if item.task:
        found["ai_domain"] = [item.task]
    if item.parameters is not None:
        found["ai_hyperparameter"] = [_entry("parameters", str(item.parameters))]
    if measured:
        found["ai_metric"] = [_entry(f"{each.benchmark} {each.metric}", _said(each)) for each in measured]
        receipts = [
            {
                "type": "ExternalRef",
                "externalRefType": "other",
                "locator": [each.receipt],
                "comment": f"Receipt of {each.benchmark}",
            }
            for each in measured
            if each.receipt
        ]
        if receipts:
            found["externalRef"] = receipts
    return found


def _said(each: Measured) -> str:
    unit = f" {each.unit}" if each.unit else ""
    between = f" [{each.low!r}, {each.high!r}]" if each.low is not None and each.high is not None else ""
    return f"{each.value!r}{unit}{between}"


def _entry(key: str, value: str) -> Element:
    return {"type": "DictionaryEntry", "key": key, "value": value}


def _file(names: _Names, subject: Item, file: Any) -> Element:
    found = _element("software_File", names.file(file.path), name=file.path)
    found["software_primaryPurpose"] = "model" if file.is_weights else "file"
    found["verifiedUsing"] = [{"type": "Hash", "algorithm": "sha256", "hashValue": file.sha256}]
    return found


def _licences(names: _Names, items: Iterable[Item]) -> list[Element]:
    """One expression each. Who declares none asserts nothing, which is not the same as none; nobody concluded any."""
    made: dict[str, str] = {"": _NO_ASSERTION}
    elements: list[Element] = []
    for item in items:
        expression = spdx_expression(item.licence)
        elements.append(_relationship(names, "hasConcludedLicense", names.of(item.key), [_NO_ASSERTION]))
        if expression not in made:
            made[expression] = names.next("licence")
            elements.append(
                _element(
                    "simplelicensing_LicenseExpression",
                    made[expression],
                    simplelicensing_licenseExpression=expression,
                    simplelicensing_licenseListVersion=LICENCES,
                )
            )
        elements.append(_relationship(names, "hasDeclaredLicense", names.of(item.key), [made[expression]]))
    return elements


def _origins(names: _Names, bill: Bill) -> list[Element]:
    found = []
    for each in bill.origins:
        said = f"{each.relation}, {each.evidence}"
        if each.relation == _PART_OF:
            found.append(_relationship(names, "contains", names.of(each.child), [names.of(each.parent)], said))
            continue
        word = _RELATIONS.get(each.relation, "dependsOn")
        found.append(_relationship(names, word, names.of(each.child), [names.of(each.parent)], said))
    return found


def _relationship(names: _Names, word: str, start: str, ends: list[str], comment: str = "") -> Element:
    found = _element("Relationship", names.next("relation"), relationshipType=word, to=ends)
    found["from"] = start
    return found | ({"comment": comment} if comment else {})
