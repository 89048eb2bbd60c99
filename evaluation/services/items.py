"""The outputs of single items behind a receipt: the only place that knows how they are stored."""

import json
import zlib

from evaluation.exceptions import ItemsNotFound
from evaluation.models import ItemOutputs, Receipt
from evaluation.scorers.base import Row


def rows_of(receipt: Receipt) -> list[Row]:
    """One row per item, in the order of the items' ids, as its scorer wrote them.

    Raises:
        ItemsNotFound: the receipt has none.
    """
    return [json.loads(line) for line in lines_of(receipt).splitlines()]


def lines_of(receipt: Receipt) -> bytes:
    """The rows as JSON lines in canonical form: the very bytes that the receipt names by their hash.

    Raises:
        ItemsNotFound: the receipt has none.
    """
    return zlib.decompress(bytes(_stored(receipt).packed))


def store(receipt: Receipt, *, lines: bytes, sha256: str, count: int) -> ItemOutputs:
    """Keep the rows of a receipt, given as JSON lines in canonical form with their hash. Part of the caller's
    transaction.
    """
    return ItemOutputs.objects.create(receipt=receipt, sha256=sha256, packed=zlib.compress(lines, 6), count=count)


def _stored(receipt: Receipt) -> ItemOutputs:
    found = ItemOutputs.objects.filter(receipt=receipt).first()
    if found is None:
        raise ItemsNotFound(sha256=receipt.sha256)
    return found
