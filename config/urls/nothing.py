"""No pages: for schemas that answer no host."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
