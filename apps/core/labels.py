"""Names of columns that follow from the code's own: translated where they are shown.

A label that a field is not given is made of its name, in English. Written into each model it
would be part of the migrations; set here it is not.
"""

from typing import Any

from django.apps import apps
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy, gettext_noop

# Those that the admin shows.
LABELS = (
    gettext_noop("accepted at"),
    gettext_noop("activated at"),
    gettext_noop("actor id"),
    gettext_noop("actor kind"),
    gettext_noop("actor label"),
    gettext_noop("app"),
    gettext_noop("applied at"),
    gettext_noop("apps"),
    gettext_noop("at"),
    gettext_noop("attempts"),
    gettext_noop("body"),
    gettext_noop("cause"),
    gettext_noop("certificate"),
    gettext_noop("certificates"),
    gettext_noop("cpu millis"),
    gettext_noop("created at"),
    gettext_noop("created by"),
    gettext_noop("date joined"),
    gettext_noop("digest"),
    gettext_noop("disk mb"),
    gettext_noop("due at"),
    gettext_noop("ended at"),
    gettext_noop("endpoint"),
    gettext_noop("expires at"),
    gettext_noop("failed probes"),
    gettext_noop("failing since"),
    gettext_noop("failures"),
    gettext_noop("finished at"),
    gettext_noop("format"),
    gettext_noop("headers"),
    gettext_noop("host"),
    gettext_noop("invited by"),
    gettext_noop("is on"),
    gettext_noop("is withdrawn"),
    gettext_noop("last probe at"),
    gettext_noop("last used at"),
    gettext_noop("lease until"),
    gettext_noop("limits"),
    gettext_noop("memory mb"),
    gettext_noop("method"),
    gettext_noop("notice"),
    gettext_noop("organisation"),
    gettext_noop("organisations"),
    gettext_noop("owner"),
    gettext_noop("plan key"),
    gettext_noop("port"),
    gettext_noop("progress"),
    gettext_noop("published at"),
    gettext_noop("release"),
    gettext_noop("released at"),
    gettext_noop("releases"),
    gettext_noop("revision"),
    gettext_noop("revoked at"),
    gettext_noop("schema"),
    gettext_noop("seal no"),
    gettext_noop("sealed"),
    gettext_noop("secret"),
    gettext_noop("sent at"),
    gettext_noop("slot"),
    gettext_noop("started at"),
    gettext_noop("status reason"),
    gettext_noop("subject id"),
    gettext_noop("subject label"),
    gettext_noop("subject type"),
    gettext_noop("summary"),
    gettext_noop("time zone"),
    gettext_noop("title"),
    gettext_noop("trial ends at"),
    gettext_noop("type"),
    gettext_noop("types"),
    gettext_noop("updated at"),
    gettext_noop("upstreams"),
    gettext_noop("url"),
    gettext_noop("username"),
    gettext_noop("waits for"),
)


def translate_labels() -> None:
    """Let the reader's language decide; once, when all models are there."""
    for model in apps.get_models():
        if model.__module__.startswith("apps."):
            options = model._meta
            if "verbose_name_plural" not in options.original_attrs:
                # Else it would be the English one with an s, as it was made at first.
                options.verbose_name_plural = f"{options.verbose_name}s"
            _translate(options, "verbose_name", "verbose_name_plural")
            for field in model._meta.fields:
                _translate(field, "verbose_name")


def _translate(named: Any, *attributes: str) -> None:
    for attribute in attributes:
        text = getattr(named, attribute)
        if isinstance(text, str) and not isinstance(text, Promise):
            setattr(named, attribute, gettext_lazy(text))
