"""One event, one line: control characters in names can neither fake a line nor colour a terminal."""

import logging
import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


class LineFormatter(logging.Formatter):
    """`time level logger message`, with control characters escaped. Tracebacks keep their line breaks, indented."""

    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is the library's.
        return _CONTROL.sub(lambda found: repr(found[0])[1:-1], super().formatMessage(record).replace("\n", "\\n"))
