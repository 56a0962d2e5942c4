"""Addresses of the operator's pages around organisations."""

from django.urls import URLPattern, path

from apps.tenants.views import closing, invitations, ownership, pages, signup

sign_up: list[URLPattern] = [
    path("", signup.start, name="signup"),
    path("account/", signup.account, name="signup_account"),
    path("verify/", signup.verify, name="signup_verify"),
    path("verify/check/", signup.verify_check, name="signup_verify_check"),
    path("verify/resend/", signup.resend, name="signup_resend"),
    path("organisation/", signup.organisation, name="signup_organisation"),
    path("organisation/check/", signup.slug_check, name="signup_slug_check"),
    path("place/", signup.place, name="signup_place"),
    path("place/defaults/", signup.place_defaults, name="signup_place_defaults"),
    path("plan/", signup.plan, name="signup_plan"),
]

organisations: list[URLPattern] = [
    path("", pages.organisations, name="organisations"),
    path("open/", pages.open_console, name="organisations_open"),
    path("<slug:slug>/owner/", ownership.owner, name="organisation_owner"),
    path("<slug:slug>/closing/", closing.close_own, name="organisation_closing"),
    path(
        "<slug:slug>/invitation/<str:token>/",
        invitations.invitation,
        name="organisation_invitation",
    ),
]

operator: list[URLPattern] = [
    path("", pages.front, name="front"),
    path("sso/authorize/", pages.authorize, name="sso_authorize"),
]
