"""The functions of the package's face. Each opens the hub of the environment, asks once, and closes it.

Imports of the network stay inside the functions, so that `import smallhub` costs next to nothing.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._exceptions import Invalid
from ._lock import LOCK_FILE, Lock, Pin, PinState, check_hub, locked_reference
from ._lock import state as pin_state
from ._names import Kind, Reference
from ._policy import Licence
from ._types import PushReport, VerifyReport

if TYPE_CHECKING:
    from ._client import Hub
    from ._licences import LicenceReport
    from ._needs import Findings, Need
    from ._verify import ReceiptReport
    from .runtimes import Model

StrPath = str | os.PathLike[str]
log = logging.getLogger("smallhub")


def pull(
    name: str | None = None,
    dir: StrPath | None = None,  # noqa: A002  # The name is part of the contract with users.
    *,
    revision: str | None = None,
    kind: Kind | None = None,
    allow_quarantined: bool = False,
    scanned: bool = False,
    verify: bool = False,
    progress: bool | None = None,
    lock_file: StrPath | None = None,
    task: str | None = None,
    update: bool = False,
    licence: str | None = None,
    **need: Any,
) -> Path:
    """Bring a version of a repository here and return the folder that holds it.

    By name, or by need: `pull(task="ner", language="de", max_mb=30, max_ms=15, licence="permissive")` picks the
    front-runner and locks it in `lock_file`, so that the same call gives the same commit until `update`.

    Args:
        name: `ns/name` or `ns/name@revision`; a revision is a tag, branch or commit. Without one: the newest release
            that passed its gate, or the head of `main` while nothing is released.
        dir: a folder to copy the files into. Without it the answer is a folder inside the cache: read it, do not
            write there.
        allow_quarantined: pull even what the hub's scan found dangerous.
        scanned: wait until the hub has scanned the version, two minutes at most. Without it a version that was just
            pushed comes with a warning, and without the files in it that could run code when they are opened.
        verify: hash files that are cached already, too. New ones always are.
        progress: draw a bar on stderr; by default if that is a terminal.
        lock_file: take `name` as it was locked there: that commit and those bytes, or fail. For a need: where the
            choice is kept, by default `smallhub.lock`.
        task, need: what the model must do and keep to; see `smallhub.Need`.
        update: choose anew for a need.
        licence: an id or a class, such as permissive: any other is refused before a byte is pulled. What
            `smallhub.toml` allows holds besides.

    Raises:
        NotFound, AccessDenied, IntegrityError, Quarantined, Unscanned, UnsafePath, Offline, CacheError, ServerError.
        LicenceRefused: a rule keeps its licence out.
        Invalid: neither a name nor a task, or both.
    """
    from ._client import Hub

    options: dict[str, Any] = {
        "folder": Path(dir).expanduser().absolute() if dir is not None else None,
        "allow_quarantined": allow_quarantined,
        "scanned": scanned,
        "verify": verify,
        "progress": progress,
    }
    wanted = _need(task, need | ({} if licence is None or name is not None else {"licence": licence}))
    if (name is None) == (wanted is None):
        raise Invalid("Give the name of a model, or a task and limits to choose one by.", code="name_or_need")
    if name is None and wanted is not None:
        from ._needs import pull_by_need

        if revision is not None or kind not in (None, "model"):
            raise Invalid("A need chooses the model and its commit itself.", code="name_or_need")
        with Hub() as hub:
            return pull_by_need(hub, wanted, lock_file=Path(lock_file or LOCK_FILE), update=update, **options)
    assert name is not None
    if update:
        raise Invalid("For names there is `smallhub update`.", code="name_or_need")
    known = Lock.read(Path(lock_file)) if lock_file is not None else None
    pin = known.find(name) if known else None
    allow = (licence,) if licence else known.allow if known else None
    with Hub() as hub:
        reference = locked_reference(pin) if pin else Reference.parse(name, kind=kind, revision=revision)
        return hub.downloads.pull(reference, pin=pin, allow=allow, **options)


def find(task: str, *, limit: int = 10, **need: Any) -> Findings:
    """Models by need, the best first, each with the reason of its place; nothing is pulled.

    Args:
        task, need: see `smallhub.Need`.
        limit: how many at most.
    """
    from ._client import Hub

    wanted = _need(task, need)
    assert wanted is not None
    with Hub() as hub:
        return hub.needs.find(wanted, limit=limit)


def _need(task: str | None, limits: dict[str, Any]) -> Need | None:
    """What was asked for; None where nothing was.

    Raises:
        Invalid: limits without a task, or one that there is not.
    """
    from ._needs import Need

    given = {name: value for name, value in limits.items() if value is not None}
    unknown = sorted(given.keys() - Need.__dataclass_fields__.keys())
    if unknown:
        raise Invalid(f"There is no limit {unknown[0]!r}.", code="bad_need")
    if task is None:
        if given:
            raise Invalid("Limits need a task to choose by.", code="name_or_need")
        return None
    return Need(task=task, **given)


def releases(name: str, *, kind: Kind | None = None) -> list[dict[str, Any]]:
    """The releases of a repository, the highest version first: `name`, `commit`, `notes`, `yanked`, `latest`."""
    from ._client import Hub

    with Hub() as hub:
        return hub.releases.list(Reference.parse(name, kind=kind))


def lock(
    *names: str,
    lock_file: StrPath = LOCK_FILE,
    kind: Kind | None = None,
    allow: tuple[str, ...] | None = None,
) -> tuple[Pin, ...]:
    """Write down which commit each name means now, with the SHA-256 of every file. Other pins of the file stay.

    Args:
        allow: from now on the file lets in these classes and ids of licences alone; None leaves it as it is.

    Raises:
        Invalid: the file belongs to another hub, or no name was given.
        LicenceRefused: a rule keeps a licence out; nothing is locked then.
    """
    from ._client import Hub

    path = Path(lock_file)
    if not names:
        raise Invalid("Give at least one name to lock.", code="nothing_to_lock")
    with Hub() as hub:
        known = Lock.read(path) if path.exists() else Lock(hub.config.endpoint, {})
        check_hub(known, hub.config.endpoint, path)
        known = known if allow is None else replace(known, allow=allow)
        pins = tuple(Pin.of(name, hub.downloads.manifest(Reference.parse(name, kind=kind))) for name in names)
        _check_licences(hub, known, pins)
    known.with_pins(pins).write(path)
    return pins


def _check_licences(hub: Hub, known: Lock, pins: Iterable[Pin]) -> None:
    policy = hub.downloads.policies.here().with_rule(known.allow, "the lock file")
    for pin in pins:
        policy.check(pin.name, pin.terms or Licence())


def outdated(lock_file: StrPath = LOCK_FILE) -> tuple[PinState, ...]:
    """For each locked name what it means today, and whether what is locked was yanked."""
    from ._client import Hub

    path = Path(lock_file)
    with Hub() as hub:
        known = Lock.read(path)
        check_hub(known, hub.config.endpoint, path)
        return tuple(_state_of(hub, pin) for pin in known.pins.values())


def update(*names: str, lock_file: StrPath = LOCK_FILE, keep_licence: bool = False) -> tuple[PinState, ...]:
    """Lock these names (default: all) as what they mean today, with a warning where the licence is another one.

    Args:
        keep_licence: leave out what would come under another licence.

    Returns:
        The ones that changed.
    """
    from ._client import Hub

    path = Path(lock_file)
    with Hub() as hub:
        known = Lock.read(path)
        check_hub(known, hub.config.endpoint, path)
        chosen = [known.find(name) for name in names] or list(known.pins.values())
        changed = [state for state in (_state_of(hub, pin) for pin in chosen) if state.is_outdated and state.current]
        for state in changed:
            if state.has_other_licence:
                stays = " It stays as it is locked." if keep_licence else ""
                log.warning("%s changes its licence: %s.%s", state.name, state.licence_change, stays)
        changed = [state for state in changed if not (keep_licence and state.has_other_licence)]
        pins = [_moved(hub, known.find(state.name), state) for state in changed]
        _check_licences(hub, known, pins)
        moved = {state.name for state in changed}
        pins += [_with_terms(hub, pin) for pin in chosen if pin.terms is None and pin.name not in moved]
    known.with_pins(pins).write(path)
    return tuple(changed)


def _moved(hub: Hub, pin: Pin, state: PinState) -> Pin:
    """The pin of what a name means today, at the very commit that was reported."""
    repository = state.current_repository or pin.name.partition("@")[0]
    manifest = hub.downloads.manifest(Reference.parse(repository, kind=pin.kind, revision=state.current))  # type: ignore[arg-type]
    return Pin.of(pin.name, manifest, repository=state.current_repository)


def _with_terms(hub: Hub, pin: Pin) -> Pin:
    """The same pin with its licence, which older lock files do not have."""
    return replace(pin, terms=hub.downloads.manifest(locked_reference(pin)).terms)


def _state_of(hub: Hub, pin: Pin) -> PinState:
    from ._needs import meaning

    return pin_state(pin, hub.downloads.manifest(locked_reference(pin)), meaning(hub, pin))


def licenses(lock_file: StrPath = LOCK_FILE, *, fail_on: Sequence[str] = ()) -> LicenceReport:
    """The licence of each locked version and what it asks; from the lock file alone where the hub cannot be asked.

    Args:
        fail_on: words that `LicenceReport.failures` will be asked for, checked before the hub is.

    Raises:
        Invalid: a word that is neither a class nor `conflict` nor `unknown`, or the file belongs to another hub.
    """
    from ._client import Hub
    from ._licences import check_words

    check_words(fail_on)
    with Hub() as hub:
        return hub.licences.report(_read_lock(hub, Path(lock_file)))


def notice(lock_file: StrPath = LOCK_FILE) -> str:
    """The text of a NOTICE file for all that is locked: names, versions, licences, who to name, what was changed."""
    from ._client import Hub

    with Hub() as hub:
        return hub.licences.notice(_read_lock(hub, Path(lock_file)))


def sbom(name: str, *, format: str = "cyclonedx", kind: Kind | None = None) -> dict[str, Any]:  # noqa: A002
    """The bill of materials of a version, as `cyclonedx` (ML-BOM 1.6) or `spdx` (3.0, JSON-LD)."""
    from ._client import Hub

    with Hub() as hub:
        return hub.licences.bill(Reference.parse(name, kind=kind), format)


def _read_lock(hub: Hub, path: Path) -> Lock:
    known = Lock.read(path)
    check_hub(known, hub.config.endpoint, path)
    return known


def load(
    model: StrPath,
    *,
    revision: str | None = None,
    threads: int | None = None,
    allow_quarantined: bool = False,
) -> Model:
    """Pull a model, check all its bytes, and load it. Needs the extra `smallhub[models]`.

    Args:
        model: `ns/name@revision`, or a folder: a `Path`, or a string that begins with `.`, `/` or `~`.
        threads: how many threads of the CPU to use.

    Raises:
        UnsupportedModel: the files are no model that loads safely; and all that `pull` raises.
    """
    from .runtimes import load as load_folder

    if is_folder(model):
        folder = Path(model).expanduser().absolute()
    else:
        folder = pull(os.fspath(model), revision=revision, allow_quarantined=allow_quarantined, verify=True)
    return load_folder(folder, threads=threads)


def is_folder(model: StrPath) -> bool:
    """Does this mean a folder on disk? A bare `a/b` is always a name, whatever the current folder holds."""
    return not isinstance(model, str) or model.startswith((".", "/", "~", os.sep)) or Path(model).is_absolute()


def push(
    folder: StrPath,
    name: str,
    *,
    message: str = "Upload with smallhub",
    create: bool = True,
    private: bool = False,
    licence: str | None = None,
    kind: Kind | None = None,
    progress: bool | None = None,
) -> PushReport:
    """Make a branch hold the files of a folder, in one commit. What is unchanged is not sent again.

    Files that the branch has and the folder lacks stay as they are.

    Args:
        name: `ns/name`, or `ns/name@branch`.
        create: make the repository if it does not exist; `private` then decides who sees it.
        licence: what the folder's README.md is made to declare, where it declares none. Without any licence a model
            or data set stays a draft: it answers by its name and is in no list (`PushReport.is_draft`).

    Raises:
        AccessDenied, NotFound, Conflict, Offline, ServerError.
        Invalid: with the hub's reason; `licence_differs` if the card declares another licence.
    """
    from ._client import Hub

    with Hub() as hub:
        return hub.uploads.push(
            Reference.parse(name, kind=kind),
            Path(folder).expanduser(),
            message=message,
            create=create,
            private=private,
            licence=licence,
            progress=progress,
        )


def info(name: str, *, revision: str | None = None, kind: Kind | None = None) -> dict[str, Any]:
    """What the hub says of a repository: `sha`, `siblings`, `tags`, `cardData`, counters."""
    from ._client import Hub

    with Hub() as hub:
        return hub.repositories.info(Reference.parse(name, kind=kind, revision=revision))


def search(
    query: str = "",
    *,
    kind: Kind = "model",
    author: str | None = None,
    task: str | None = None,
    tags: tuple[str, ...] = (),
    sort: str = "trendingScore",
    limit: int = 20,
    licence: str | None = None,
) -> list[dict[str, Any]]:
    """Find repositories by words of their names, owner, task, licence and tags (`license:mit`, `de`, …).

    Args:
        licence: an id such as mit, or a class such as permissive.
    """
    from ._client import Hub

    with Hub() as hub:
        return hub.repositories.search(
            query, kind=kind, author=author, task=task, tags=tags, sort=sort, limit=limit, licence=licence
        )


def results(name: str, *, revision: str | None = None) -> dict[str, Any]:
    """What was measured of a version: `state`, `steps`, `scores` with intervals, `cost`, `scan`, `verdict`."""
    from ._client import Hub

    with Hub() as hub:
        return hub.evaluations.results(Reference.parse(name, revision=revision))


def whoami() -> dict[str, Any]:
    """The user behind the token."""
    from ._client import Hub

    with Hub() as hub:
        return hub.account.whoami()


def login(token: str) -> str:
    """Check a token with the hub and store it for this endpoint, readable by this user alone.

    Returns:
        The name of the user it belongs to.

    Raises:
        AccessDenied: the hub does not know the token; nothing is stored then.
        Invalid: it cannot be a token.
    """
    from ._client import Hub
    from ._config import store_token
    from ._exceptions import Invalid

    token = token.strip()
    if not token or not token.isprintable() or " " in token or not token.isascii():
        raise Invalid("A token is one word, like hf_…", code="invalid_token")
    with Hub(token=token) as hub:
        name = str(hub.account.whoami()["name"])
        store_token(endpoint=hub.config.endpoint, token=token)
    return name


def verify_receipt(
    target: StrPath,
    *,
    sample: int | None = None,
    seed: int = 0,
    run: bool = True,
    threads: int | None = None,
    key: str | None = None,
    allow_unsigned: bool = False,
) -> ReceiptReport:
    """Check a receipt's signature and hashes, then run its model again on the same items and compare.

    Args:
        target: the receipt's SHA-256, its address (the hub of the address is asked), or a file of it.
        sample: ask this many items only, drawn by `seed`.
        run: False computes the score from the kept outputs and leaves the model alone.
        key: the key to trust, by id or in base64. Without it: those pinned when this hub was first asked.

    Raises:
        IntegrityError: a signature or hash is wrong. NotMeasurable, Refused: it cannot be run here.
    """
    from ._client import Hub
    from ._config import stored_token
    from ._verify import Wish, endpoint_of
    from ._verify import verify_receipt as verify_one

    text = os.fspath(target)
    endpoint = endpoint_of(text)[0] if text.startswith(("http://", "https://")) else None
    wish = Wish(sample=sample, seed=seed, run=run, threads=threads, key=key, allow_unsigned=allow_unsigned)
    with Hub() as own:
        if endpoint in (None, own.config.endpoint):
            return verify_one(own, target, wish)
    # A token of the environment belongs to the hub of the environment, and goes to no other.
    with Hub(endpoint=endpoint, token=stored_token(endpoint or "") or "") as hub:
        return verify_one(hub, target, wish)


def receipts(name: str, *, revision: str | None = None, benchmark: str | None = None) -> list[str]:
    """The receipts of a version, by their SHA-256; of one benchmark, or of all."""
    from ._client import Hub
    from ._verify import receipts_of

    with Hub() as hub:
        return receipts_of(hub, Reference.parse(name, revision=revision), benchmark=benchmark)


def verify(target: StrPath, *, revision: str | None = None, kind: Kind | None = None) -> VerifyReport:
    """Hash a pulled version again and compare it with its manifest. Needs no network.

    Args:
        target: a name, for what the cache holds of it, or a folder that `pull` made (see `load` for how to write one).

    Raises:
        NotFound: this name was never pulled. Invalid: the folder was not made by a pull.
    """
    if is_folder(target):
        from ._pull import verify_folder

        return verify_folder(Path(target).expanduser().absolute())
    from ._client import Hub

    with Hub(offline=True) as hub:
        return hub.downloads.verify(Reference.parse(os.fspath(target), kind=kind, revision=revision))
