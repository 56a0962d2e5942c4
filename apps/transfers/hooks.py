"""Files that are past their time, or whose schema is dropped; the work about one person."""

from apps.accounts.personal_kinds import does_long_work
from apps.tenancy.templates import when_dropped
from apps.transfers.people import services as people
from apps.transfers.record import services as record
from apps.transfers.services import forget_files, forget_files_of
from apps.work.registry import cleans

cleans(forget_files)
cleans(people.forget_old_files)
cleans(record.forget_files)
does_long_work(people)


when_dropped(forget_files_of)
