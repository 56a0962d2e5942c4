"""The page on which a level gets its brand."""

from dataclasses import asdict
from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from unfold.admin import ModelAdmin

from apps.branding.colours import pairs_of
from apps.branding.forms import BrandForm, WordsForm, initial_of
from apps.branding.looks import Look, look_of
from apps.branding.mail import write_letter
from apps.branding.models import Brand, Sender
from apps.branding.sender_admin import SenderAdmin
from apps.branding.services import Words, brand_as_it_is, save_brand
from apps.core.exceptions import DomainError
from apps.events.actors import user_actor

_PAGE = "admin:branding_brand_changelist"


class BrandAdmin(ModelAdmin):  # type: ignore[misc]
    """One page with a preview, instead of a list of one row."""

    def get_urls(self) -> list[URLPattern]:
        """The page, and the preview that follows what is typed."""
        wrap = self.admin_site.admin_view
        return [
            path("preview/", wrap(self.preview), name="branding_preview"),
            path("", wrap(self.page), name="branding_brand_changelist"),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """There is one, always."""
        return False

    def page(self, request: HttpRequest) -> HttpResponse:
        """The form, and beside it what it makes."""
        self._check(request)
        brand = brand_as_it_is()
        form = BrandForm(request.POST or None, request.FILES or None, initial=initial_of(brand))
        if request.method == "POST" and form.is_valid() and self._save(request, form):
            messages.success(request, _("The brand is saved."))
            return redirect(_PAGE)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Brand"),
            "form": form,
            "saved": look_of(brand),
            **_preview(request, _look(brand, form) if form.is_bound else look_of(brand)),
        }
        return render(request, "admin/branding/brand.html", context)

    def preview(self, request: HttpRequest) -> HttpResponse:
        """What the values in the address make, without saving them."""
        self._check(request)
        form = WordsForm(request.GET)
        form.is_valid()
        look = _look(brand_as_it_is(), form)
        return render(request, "admin/branding/_preview.html", _preview(request, look))

    def _check(self, request: HttpRequest) -> None:
        if not self.has_change_permission(request):
            raise PermissionDenied

    @staticmethod
    def _save(request: HttpRequest, form: BrandForm) -> bool:
        try:
            save_brand(
                form.words,
                form.pictures,
                version=form.cleaned_data["version"],
                actor=user_actor(request.user),
            )
        except DomainError as error:
            form.add_error(error.field or None, error.message)
            return False
        return True


def register(site: AdminSite, kind: str) -> None:
    """In every kind: each level has its own."""
    site.register(Brand, BrandAdmin)
    site.register(Sender, SenderAdmin)


def _look(brand: Brand, form: WordsForm) -> Look:
    """A brand with what was typed, as far as it is right; a wrong value leaves the saved one."""
    words = asdict(form.words) if hasattr(form, "cleaned_data") else asdict(Words())
    for name, value in words.items():
        if name not in form.errors:
            setattr(brand, name, value)
    return look_of(brand)


def _preview(request: HttpRequest, look: Look) -> dict[str, Any]:
    pairs = pairs_of(look.primary)
    titles = {
        "button": _("Text on a button"),
        "button_hover": _("Under the pointer"),
        "text_light": _("Links, light"),
        "text_dark": _("Links, dark"),
    }
    return {
        "look": look,
        "schemes": [
            {
                "name": name,
                "title": title,
                "logo": (look.logo_dark or look.logo) if name == "dark" else look.logo,
                "mail": _mail(request, look, name),
            }
            for name, title in (("light", _("Light")), ("dark", _("Dark")))
        ],
        "pairs": [{"title": titles[name], "pair": pair} for name, pair in pairs.items()],
    }


def _mail(request: HttpRequest, look: Look, scheme: str) -> str:
    home = request.build_absolute_uri("/")
    letter = write_letter(
        "branding/mail/sample", {"url": home}, look=look, home_url=home, scheme=scheme
    )
    return letter.html
