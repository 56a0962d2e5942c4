"""Configuration of the events app."""

from django.apps import AppConfig


class EventsConfig(AppConfig):
    """The log of everything that happens: audit trail and outbox."""

    name = "apps.events"
    verbose_name = "Events"
