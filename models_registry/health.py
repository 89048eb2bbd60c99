"""What may be wrong with the registry."""

from models_registry.services import content
from models_registry.storage.blobs import self_test


def findings() -> list[str]:
    """What is wrong with the store, in sentences that say what to do."""
    try:
        fault = self_test()
    except Exception as error:  # noqa: BLE001 - whatever breaks is the finding.
        fault = f"{type(error).__name__}: {error}"
    found = [f"The blob store does not work ({fault}). Check SMALLHUB_BLOBS, its keys and free space."] if fault else []
    damaged = content.damaged_blobs()
    if damaged:
        found.append(f"{damaged} stored blobs are damaged. manage.py fsck --deep names the files; upload them again.")
    return found
