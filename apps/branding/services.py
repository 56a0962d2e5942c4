"""Changing the brand of the current schema."""

from dataclasses import asdict, dataclass, field

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.branding.colours import shades_of
from apps.branding.looks import forget_look
from apps.branding.models import Brand, Picture
from apps.branding.pictures import CleanPicture
from apps.core.exceptions import ConflictError, DomainError
from apps.events import services as events
from apps.events.actors import Actor, Subject
from apps.events.differences import CHANGED, differences, values_of

_ONLY = Subject("brand", "1", "Brand")


@dataclass(frozen=True)
class Words:
    """What a brand says, and its colour."""

    name: str = ""
    primary: str = ""
    sender_name: str = ""
    footer: str = ""
    support_email: str = ""
    support_phone: str = ""
    support_hours: str = ""
    language: str = ""
    time_zone: str = ""


@dataclass(frozen=True)
class NewPictures:
    """Pictures that take the place of others, and names of those that go."""

    logo: CleanPicture | None = None
    logo_dark: CleanPicture | None = None
    removed: frozenset[str] = field(default_factory=frozenset)


@transaction.atomic
def save_brand(words: Words, pictures: NewPictures, *, version: int, actor: Actor) -> Brand:
    """Change the brand of the current schema.

    `version` is that of the brand which was looked at; ConflictError when somebody has saved since.
    """
    if words.primary:
        _check_colour(words.primary)
    brand = _brand_for_update()
    if brand.version != version:
        raise ConflictError(
            _("Somebody else has changed the brand meanwhile. Look at it, then enter yours again.")
        )
    values = {**asdict(words), **_pictures(pictures)}
    changed = differences(values_of(brand, values), values)
    for name, value in values.items():
        setattr(brand, name, value)
    brand.version += 1
    brand.save()
    if changed:
        events.record("brand.changed", actor=actor, subject=_ONLY, data={CHANGED: changed})
    transaction.on_commit(forget_look)
    return brand


def brand_as_it_is() -> Brand:
    """The brand of the current schema; an unsaved one where nothing was chosen yet."""
    return Brand.objects.select_related("logo", "logo_dark").first() or Brand()


def _check_colour(colour: str) -> None:
    """It goes into a style sheet as it is."""
    try:
        shades_of(colour)
    except ValueError as error:
        text = _("“%(colour)s” is no colour. Write it as in #2a6fd6.")
        raise DomainError(text % {"colour": colour}, field="primary") from error


def _brand_for_update() -> Brand:
    try:
        with transaction.atomic():
            Brand.objects.get_or_create(is_only=True)
    except IntegrityError:
        pass
    return Brand.objects.select_for_update().get(is_only=True)


def _pictures(pictures: NewPictures) -> dict[str, Picture | None]:
    values: dict[str, Picture | None] = dict.fromkeys(pictures.removed)
    for name, clean in (("logo", pictures.logo), ("logo_dark", pictures.logo_dark)):
        if clean:
            values[name] = _keep(clean)
    return values


def _keep(clean: CleanPicture) -> Picture:
    picture, _is_new = Picture.objects.get_or_create(
        digest=clean.digest,
        defaults={
            "media_type": clean.media_type,
            "content": clean.content,
            "width": clean.width,
            "height": clean.height,
        },
    )
    return picture
