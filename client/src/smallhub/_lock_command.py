"""`smallhub lock`, `outdated` and `update`: options and words."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import _api
from ._lock import LOCK_FILE, PinState
from ._progress import format_bytes


def add_commands(commands: Any, command: Any) -> None:
    """All three, made by the command line's own `command`."""
    lock = command(commands, "lock", _lock, "write down what names mean now, with every file's hash", kind=True)
    lock.add_argument("name", nargs="+", help="ns/name, ns/name@v1 or ns/name@production")
    lock.add_argument("--allow", action="append", help="licences to let in from now on: a class or an id; repeatable")
    outdated = command(commands, "outdated", _outdated, "show which locked names mean something else now")
    update = command(commands, "update", _update, "lock names as what they mean now")
    update.add_argument("name", nargs="*", help="default: all that are locked")
    update.add_argument("--keep-licence", action="store_true", help="leave what would come under another licence")
    for each in (lock, outdated, update):
        add_option(each)


def add_option(parser: argparse.ArgumentParser) -> None:
    """Where the lock file is."""
    parser.add_argument("--lock-file", type=Path, default=Path(LOCK_FILE), help=f"default: {LOCK_FILE}")


def _lock(options: argparse.Namespace) -> int:
    allow = tuple(options.allow) if options.allow else None
    pins = _api.lock(*options.name, lock_file=options.lock_file, kind=options.kind, allow=allow)
    lines = [f"{pin.name}  {pin.release or pin.commit[:12]}  {len(pin.files)} files  {pin.terms}" for pin in pins]
    return _answer(options, [asdict(pin) for pin in pins], "\n".join(lines))


def _outdated(options: argparse.Namespace) -> int:
    states = _api.outdated(options.lock_file)
    told = [state for state in states if state.is_outdated or state.yanked]
    lines = [_state_line(state) for state in told] or ["All locked names mean what they meant."]
    return _answer(options, [{**asdict(state), "outdated": state.is_outdated} for state in states], "\n".join(lines))


def _update(options: argparse.Namespace) -> int:
    states = _api.update(*options.name, lock_file=options.lock_file, keep_licence=options.keep_licence)
    lines = [_state_line(state) for state in states] or ["Nothing to do."]
    return _answer(options, [asdict(state) for state in states], "\n".join(lines))


def _state_line(state: PinState) -> str:
    yanked = f"  locked one was yanked: {state.yanked}" if state.yanked else ""
    if not state.is_outdated:
        return f"{state.name}  {state.locked_release or state.locked[:12]}{yanked}"
    sign = "-" if state.size_change < 0 else "+"
    if not state.current:
        return f"{state.name}  {state.locked_repository}: nothing fits this need any more{yanked}"
    old, new = state.locked_release or state.locked[:12], state.current_release or state.current[:12]
    if state.current_repository != state.locked_repository:
        old, new = f"{state.locked_repository} {old}", f"{state.current_repository} {new}"
    licence = f"  licence: {state.licence_change}" if state.has_other_licence else ""
    return f"{state.name}  {old} -> {new}  {sign}{format_bytes(abs(state.size_change))}{licence}{yanked}"


def _answer(options: argparse.Namespace, data: Any, text: str) -> int:
    print(json.dumps(data, ensure_ascii=False, indent=2, default=str) if options.json else text)
    return 0
