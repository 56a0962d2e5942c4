"""What the log leaves out."""

import logging


class OutageFilter(logging.Filter):
    """A refused request of an outage is one line: hundreds come, all with the same traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let everything through, a 503 without its traceback."""
        if getattr(record, "status_code", None) == 503:
            record.exc_info = record.exc_text = None
        return True
