"""A person's notifications, in every kind of schema."""

from django.urls import path

from apps.notifications import views
from apps.notifications.bounces import bounces

urlpatterns = [
    path("", views.inbox, name="notifications"),
    path("bell/", views.bell, name="notification_bell"),
    path("read/", views.read_all, name="notifications_read"),
    path("settings/", views.settings, name="notification_settings"),
    path("bounces/<slug:token>/", bounces, name="notification_bounces"),
    path("<uuid:notification_id>/", views.open_one, name="notification"),
]
