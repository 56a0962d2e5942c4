"""Files that are past their time, or whose schema is dropped."""

from apps.tenancy.templates import when_dropped
from apps.transfers.services import forget_files, forget_files_of
from apps.work.registry import cleans

cleans(forget_files)


when_dropped(forget_files_of)
