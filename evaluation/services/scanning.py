"""The scan of a commit: what an earlier scan of this repository said of the very same files is not asked again.

Only what this repository's own scans said, by the same rules, of the same bytes under the same path. A virus scanner
learns by the day and is always asked anew; so are files that could not be read, and whatever somebody asks for again.
"""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings

from evaluation import sandbox
from evaluation.exceptions import ScannerUnavailable
from evaluation.models import Run, State, Step
from evaluation.sandbox import Limits, Session
from evaluation.services import files
from evaluation.services.lease import Lease
from evaluation.services.outcomes import Outcome, ScanNews
from evaluation.steps import clamav
from evaluation.steps import scan as scan_step
from evaluation.steps.scan import KnownFile, ScanResult
from evaluation.steps.walled_scan import WalledReader
from models_registry import formats, holding
from models_registry.manifests import listing_of
from models_registry.models import Kind, ScanVerdict

_EARLIER = 3
_NOT_KEPT = "unreadable"
_BESIDE = "onnx"  # Files of this kind are read together with others.


@lru_cache(maxsize=1)
def rules() -> str:
    """Names the scan's own code: another release may see in a file what this one does not."""
    steps = Path(scan_step.__file__).parent
    sources = [steps / f"{name}.py" for name in ("scan", "scan_formats", "walled_scan", "findings")]
    sources += [Path(sandbox.__file__).with_name("staging.py"), *Path(formats.__file__).parent.rglob("*.py")]
    digest = hashlib.sha256()
    for source in sorted(sources):
        digest.update(source.name.encode() + b"\0" + hashlib.sha256(source.read_bytes()).digest())
    return digest.hexdigest()[:16]


def scan(run: Run, job: str, lease: Lease) -> Outcome:
    """Scan a run's commit; of a data set, only what can run code.

    Raises:
        ScannerUnavailable: the virus scanner cannot be asked now.
        SandboxUnavailable: no sandbox can be built.
    """
    wanted = _wanted(run)
    known = _known(run, wanted)
    found = _scanned(run, job, lease, wanted, known)
    if known and _BESIDE in found.kinds.values():
        found = _scanned(run, job, lease, wanted, {})
    for finding in found.findings:
        lease.say(finding.detail)
    news = ScanNews(ScanVerdict(str(found.verdict)), held=found.held_back)
    is_held = found.verdict is scan_step.Verdict.QUARANTINED
    reason = found.findings[0].detail if is_held else ""
    result = found.as_json() | {"summary": found.summary(), "rules": rules(), "known_before": len(known)}
    return Outcome(State.QUARANTINED if is_held else State.PASSED, reason, result=result, scan=news)


def _wanted(run: Run) -> set[str]:
    paths = listing_of(run.evaluation.commit).files
    return (
        set(paths) if run.evaluation.repository.kind == Kind.MODEL else {path for path in paths if holding.waits(path)}
    )


def _scanned(run: Run, job: str, lease: Lease, wanted: set[str], known: dict[str, KnownFile]) -> ScanResult:
    antivirus = clamav.client(settings.SMALLHUB_CLAMD) if settings.SMALLHUB_CLAMD else None
    new = wanted - known.keys()
    with files.laid_out(commit=run.evaluation.commit, job=job, wanted=new.__contains__) as folder:
        try:
            with walled_reader(folder, lease) as reader:
                return scan_step.scan(folder, antivirus=antivirus, reader=reader, known=known)
        except clamav.AntivirusUnavailable as error:
            raise ScannerUnavailable(reason=str(error)) from error


def walled_reader(folder: Path, lease: Lease) -> WalledReader:
    """The scan's readers in a sandbox over a commit's files, which ends when the lease is lost."""

    def opened(within: Path, limits: Limits) -> Session:
        session = sandbox.open_files(within, limits=limits)
        lease.watch(session)
        return session

    sizes = [(folder / name).stat().st_size for name in scan_step.plain_files(folder)]
    return WalledReader(folder, largest_bytes=max(sizes, default=0), open_session=opened)


def _known(run: Run, wanted: set[str]) -> dict[str, KnownFile]:
    """What the newest scans here said of files that are still the same."""
    if settings.SMALLHUB_CLAMD or run.attempt > 1:
        return {}
    ended = Run.objects.filter(
        step=Step.SCAN,
        state__in=[State.PASSED, State.QUARANTINED],
        evaluation__repository=run.evaluation.repository_id,
    ).exclude(pk=run.pk)
    mine = listing_of(run.evaluation.commit).files
    found: dict[str, KnownFile] = {}
    for row in ended.select_related("evaluation__commit").defer("log").order_by("-finished_at")[:_EARLIER]:
        if row.result.get("rules") != rules():
            continue
        theirs, told = listing_of(row.evaluation.commit).files, _by_path(row.result)
        for path in wanted - found.keys():
            before, kind = theirs.get(path), (row.result.get("kinds") or {}).get(path, _NOT_KEPT)
            if before is None or kind in (_NOT_KEPT, _BESIDE):
                continue
            if (before.oid, before.sha256) == (mine[path].oid, mine[path].sha256):
                found[path] = KnownFile(kind, tuple(told.get(path, ())), mine[path].size)
    return found


def _by_path(result: dict[str, Any]) -> dict[str, list[scan_step.Finding]]:
    found: dict[str, list[scan_step.Finding]] = {}
    for row in result.get("findings") or ():
        finding = scan_step.Finding(**(row | {"severity": scan_step.Verdict(row["severity"])}))
        found.setdefault(finding.path, []).append(finding)
    return found
