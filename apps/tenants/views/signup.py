"""Sign-up in five steps: account, e-mail, organisation, place, plan."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from allauth.account.internal.flows.email_verification import send_verification_email_to_address
from allauth.account.internal.flows.signup import complete_signup
from allauth.account.models import EmailAddress
from allauth.decorators import rate_limit
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts import services as accounts
from apps.accounts.addresses import console_host, console_url
from apps.accounts.models import User
from apps.billing.services import OfferedPlan, offered_plans
from apps.core.exceptions import DomainError
from apps.events.actors import user_actor
from apps.tenants import places
from apps.tenants.exceptions import SlugTakenError
from apps.tenants.forms import AccountForm, OrganisationForm, PlaceForm, PlanForm
from apps.tenants.models import Organisation
from apps.tenants.services import Application, create_organisation, made_with
from apps.tenants.slugs import free_slug, suggestion
from apps.tenants.views.plans import plan_rows
from apps.tenants.views.steps import STEPS, Answers, at, first_missing, page, resume, step_url

_STEP_OF_FIELD = {
    "name": "organisation",
    "slug": "organisation",
    "country": "place",
    "currency": "place",
    "timezone": "place",
    "region": "place",
}
_INTO_CONSOLE = "/sso/login/?next=/admin/"
_MAILBOX = "apps.core.mailbox.MailboxBackend"


@require_GET
@never_cache
def start(request: HttpRequest) -> HttpResponse:
    """To the first step that is missing; a plan chosen on the front page is remembered."""
    resume(request)
    if request.GET.get("plan"):
        Answers(request).keep(plan=request.GET["plan"][:40])
    return HttpResponseRedirect(step_url(first_missing(request)))


@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("password")
@at("account")
@rate_limit(action="signup")  # type: ignore[untyped-decorator]
def account(request: HttpRequest) -> HttpResponse:
    """Step 1: e-mail and password."""
    answers = Answers(request)
    again = request.method == "POST" and _is_same_address(answers, request.POST.get("email", ""))
    form = AccountForm(request.POST or None, initial={"email": answers.get("email", "")})
    if request.method == "POST" and form.is_valid():
        if again:
            _keep_account(answers, form)
        else:
            _begin_account(request, answers, form)
        return HttpResponseRedirect(step_url("verify"))
    return render(request, "signup/account.html", page(request, "account", form=form))


@require_GET
@at("verify")
def verify(request: HttpRequest) -> HttpResponse:
    """Step 2: wait for the link to be opened, here or on another device."""
    is_mailbox = settings.DEVELOPMENT and settings.EMAIL_BACKEND == _MAILBOX
    context = page(
        request,
        "verify",
        email=_address(request),
        resend_url=reverse("signup_resend"),
        check_url=reverse("signup_verify_check"),
        mailbox_url=reverse("mailbox") if is_mailbox else "",
    )
    if request.user.is_authenticated:
        context["back_url"] = ""
    return render(request, "signup/verify.html", context)


@require_GET
@never_cache
def verify_check(request: HttpRequest) -> HttpResponse:
    """What the waiting page asks: 204, or where to go once the address is confirmed."""
    resume(request)
    missing = first_missing(request)
    response = HttpResponse(status=204)
    if STEPS.index(missing) > STEPS.index("verify"):
        response["HX-Redirect"] = step_url(missing)
    # Before it only where the session is gone, for another tab is just signing in: wait on.
    return response


@require_POST
@at("verify")
def resend(request: HttpRequest) -> HttpResponse:
    """Send the mail of step 2 again; the answer is the same whether or not there is an account."""
    email = _address(request)
    found = EmailAddress.objects.filter(email__iexact=email, user__pk=_pending_pk(request)).first()
    address = found or EmailAddress(user=None, email=email)
    if send_verification_email_to_address(request, address, signup=True):
        messages.success(request, _("The link is on its way again."))
    else:
        messages.info(request, _("A link was sent less than three minutes ago. It still works."))
    return HttpResponseRedirect(step_url("verify"))


@require_http_methods(["GET", "POST"])
@at("organisation")
def organisation(request: HttpRequest) -> HttpResponse:
    """Step 3: name and address."""
    answers = Answers(request)
    form = OrganisationForm(**_filled(request, answers.get("organisation")))
    if request.method == "POST" and form.is_valid():
        answers.keep(organisation=form.cleaned_data)
        return HttpResponseRedirect(step_url(first_missing(request)))
    kept = answers.get("organisation")
    context = page(
        request,
        "organisation",
        form=form,
        slug_check_url=reverse("signup_slug_check"),
        slug_status=_slug_status(kept["slug"]) if kept and not form.is_bound else None,
    )
    return render(request, "signup/organisation.html", context)


@require_GET
@at("organisation")
def slug_check(request: HttpRequest) -> HttpResponse:
    """Says while it is typed whether an address is free."""
    text = request.GET.get("slug", "")
    return render(
        request, "partials/slug_status.html", {"status": _slug_status(text) if text else None}
    )


@require_http_methods(["GET", "POST"])
@at("place")
def place(request: HttpRequest) -> HttpResponse:
    """Step 4: country, currency, time zone, region."""
    answers = Answers(request)
    form = PlaceForm(**_filled(request, answers.get("place") or _guess(request)))
    if request.method == "POST" and form.is_valid():
        answers.keep(place=form.cleaned_data)
        return HttpResponseRedirect(step_url(first_missing(request)))
    return render(request, "signup/place.html", page(request, "place", form=form))


@require_GET
@at("place")
def place_defaults(request: HttpRequest) -> HttpResponse:
    """The fields of currency and time zone as the chosen country fills them in."""
    country, form = request.GET.get("country", ""), PlaceForm()
    zone = str(form.fields["timezone"].to_python(request.GET.get("timezone", "")))
    if not places.is_zone_of(zone, country):
        zone = places.time_zone_of(country)
    form.initial = {"currency": places.currency_of(country), "timezone": zone}
    field = form.fields["timezone"].widget
    field.attrs["hx-swap-oob"], field.has_list = "true", False
    return render(request, "signup/place_defaults.html", {"form": form})


@require_http_methods(["GET", "POST"])
@never_cache
def plan(request: HttpRequest) -> HttpResponse:
    """Step 5: the plan; then the organisation is made, once for each key."""
    made = _made_by(request)
    return _into(made) if made else _choose_plan(request)


@at("plan")
def _choose_plan(request: HttpRequest) -> HttpResponse:
    answers, plans = Answers(request), offered_plans()
    initial = {"plan": _preselected(answers, plans), "idempotency_key": answers.idempotency_key()}
    form = PlanForm(request.POST or None, plans=plans, initial=initial)
    created = None
    if request.method == "POST" and form.is_valid():
        created = _create(request, form, plans)
    return created or _plan_page(request, form, plans)


def _plan_page(request: HttpRequest, form: PlanForm, plans: list[OfferedPlan]) -> HttpResponse:
    trial = max((plan.trial_days for plan in plans), default=0)
    context = page(
        request,
        "plan",
        form=form,
        plans=plan_rows(plans),
        trial_ends_on=timezone.localdate(timezone.now() + timedelta(days=trial)) if trial else None,
    )
    return render(request, "signup/plan.html", context)


def _create(request: HttpRequest, form: PlanForm, plans: list[OfferedPlan]) -> HttpResponse | None:
    """Into the new console; None when it could not be made and the form says why."""
    answers = Answers(request)
    chosen = next(plan for plan in plans if plan.key == form.cleaned_data["plan"])
    answers.keep(plan=chosen.key)
    assert isinstance(request.user, User)
    try:
        made = create_organisation(
            _application(answers),
            chosen,
            owner=request.user,
            actor=user_actor(request.user),
            idempotency_key=form.cleaned_data["idempotency_key"],
        )
    except DomainError as error:
        return _explain(form, error)
    answers.forget()
    return _into(made)


def _explain(form: PlanForm, error: DomainError) -> HttpResponse | None:
    step = _STEP_OF_FIELD.get(error.field)
    if step is None:
        form.add_error(None, error.message)
        return None
    # The step is shown with its answers checked again, so that the error stands at its field.
    return HttpResponseRedirect(f"{step_url(step)}?check=1")


def _application(answers: Answers) -> Application:
    named, placed = answers.get("organisation"), answers.get("place")
    return Application(
        name=named["name"],
        slug=named["slug"],
        country=placed["country"],
        currency=placed["currency"],
        time_zone=placed["timezone"],
        region=placed["region"],
    )


def _made_by(request: HttpRequest) -> Organisation | None:
    """What the same form made already: the second half of a double click comes here."""
    try:
        key = UUID(request.POST.get("idempotency_key", ""))
    except ValueError:
        return None
    return made_with(key, request.user) if isinstance(request.user, User) else None


def _into(made: Organisation) -> HttpResponse:
    return HttpResponseRedirect(console_url(made.slug, _INTO_CONSOLE))


def _is_same_address(answers: Answers, email: str) -> bool:
    pending = answers.pending_user()
    return pending is not None and pending.email == email.strip().lower()


def _keep_account(answers: Answers, form: AccountForm) -> None:
    user = answers.pending_user()
    assert user is not None
    accounts.replace_password(user, form.cleaned_data["password"])


def _begin_account(request: HttpRequest, answers: Answers, form: AccountForm) -> None:
    pending = answers.pending_user()
    if pending is not None:
        accounts.withdraw_sign_up(pending)
    user, _response = form.try_save(request)
    answers.keep(email=form.cleaned_data["email"], user=user.pk if user else 0)
    if user is not None:
        complete_signup(request, user=user, redirect_url=reverse("signup"))


def _pending_pk(request: HttpRequest) -> int:
    user = request.user if request.user.is_authenticated else Answers(request).pending_user()
    return user.pk if user else 0


def _address(request: HttpRequest) -> str:
    if request.user.is_authenticated:
        return request.user.email
    return str(Answers(request).get("email"))


def _filled(request: HttpRequest, kept: dict[str, Any] | None) -> dict[str, Any]:
    """Arguments of a step's form: what was sent, or the answers, checked again if asked to."""
    if request.method == "POST":
        return {"data": request.POST}
    if kept and "check" in request.GET:
        return {"data": kept}
    return {"initial": kept or {}}


def _slug_status(text: str) -> dict[str, str]:
    try:
        slug = free_slug(text)
    except SlugTakenError as error:
        return {
            "state": "taken",
            "text": error.message,
            "suggestion": suggestion(text.strip().lower()),
        }
    except DomainError as error:
        return {"state": "invalid", "text": error.message}
    return {"state": "free", "address": console_host(slug)}


def _guess(request: HttpRequest) -> dict[str, str]:
    """A first guess from the browser's language; its time zone the page knows itself."""
    country = places.country_of_language(request.headers.get("Accept-Language", ""))
    return {"country": country, "currency": places.currency_of(country)} if country else {}


def _preselected(answers: Answers, plans: list[OfferedPlan]) -> str:
    keys = [plan.key for plan in plans]
    if answers.get("plan") in keys:
        return str(answers.get("plan"))
    return next((plan.key for plan in plans if plan.highlighted), keys[0] if keys else "")
