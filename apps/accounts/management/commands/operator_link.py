"""`manage.py operator_link`: how the first person of the operator comes in, without any mail."""

from argparse import ArgumentParser
from typing import Any

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.urls import reverse

from apps.accounts.addresses import platform_url
from apps.accounts.models import User
from apps.accounts.services import create_user
from apps.events.actors import SYSTEM
from apps.tenancy.kinds import PUBLIC, operator


class Command(BaseCommand):
    """Makes the person if need be. The link is good once, until a password is chosen by it."""

    help = "Prints a link by which an owner of the operator chooses a password."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whose link, and whether only where the operator has nobody yet."""
        parser.add_argument("email")
        parser.add_argument("--first", action="store_true", help="only while there is no owner")

    def handle(self, *args: Any, **options: Any) -> None:
        """CommandError for an address that is none, or somebody who is no owner."""
        email: str = options["email"].lower()
        try:
            validate_email(email)
        except ValidationError as error:
            raise CommandError(f"{email} is no e-mail address.") from error
        with operator():
            if options["first"] and _has_owner():
                return
            user = User.objects.filter(email=email).first() or _make(email)
            if not (user.is_active and user.is_superuser):
                raise CommandError(f"{email} has an account here, but is no owner. Use another.")
            self.stdout.write(_link(user))


def _has_owner() -> bool:
    """Whether an owner can come in already."""
    owners = User.objects.filter(is_superuser=True, is_active=True)
    return any(owner.has_usable_password() for owner in owners)


def _make(email: str) -> User:
    return create_user(
        email=email, name="", is_verified=True, is_staff=True, is_superuser=True, actor=SYSTEM
    )


def _link(user: User) -> str:
    token = default_token_generator.make_token(user)
    path = reverse(
        "account_reset_password_from_key",
        urlconf=settings.TENANT_TYPES[PUBLIC]["URLCONF"],
        kwargs={"uidb36": user_pk_to_url_str(user), "key": token},
    )
    return platform_url(path)
