"""Where things run and how they are reached; all in `public`, written from any schema."""

from uuid import UUID, uuid4

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.core.models import Labelled, unique_external_id


class Region(Labelled):
    """A place with servers and stable addresses."""

    code = models.SlugField(_("code"), max_length=30, unique=True)
    name = models.CharField(_("name"), max_length=80)
    # ISO 3166, two letters; empty for the machine that DotMac itself runs on.
    country = models.CharField(_("country"), max_length=2, blank=True)
    is_open = models.BooleanField(_("open for new tenants"), default=True)

    class Meta:
        db_table = '"public"."fleet_region"'
        verbose_name = _("region")
        verbose_name_plural = _("regions")
        ordering = ["code"]
        constraints = [unique_external_id("region")]

    def __str__(self) -> str:
        return self.name


class ServerPlan(Labelled):
    """A size of server: what placements may reserve on one, which may be more than it has."""

    name = models.CharField(_("name"), max_length=60, unique=True)
    cpu_millis = models.PositiveIntegerField(_("CPU (thousandths of a core)"))
    memory_mb = models.PositiveIntegerField(_("memory (MiB)"))
    disk_mb = models.PositiveIntegerField(_("disk (MiB)"))

    class Meta:
        db_table = '"public"."fleet_serverplan"'
        ordering = ["memory_mb", "name"]
        constraints = [unique_external_id("server_plan")]
        verbose_name = _("server plan")
        verbose_name_plural = _("server plans")

    def __str__(self) -> str:
        return self.name


class Server(Labelled):
    """A host with a container engine. Capacity is what placements may reserve on it."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        UNREACHABLE = "unreachable", _("Unreachable")
        # For good, by the operator's word: what ran there counts as gone.
        LOST = "lost", _("Lost")
        RETIRED = "retired", _("Retired")

    # Neither asked for room nor counted as room.
    OUT_OF_USE = (Status.LOST, Status.RETIRED)

    # Two failed probes in a row: one lost answer is no outage.
    PROBES_TO_UNREACHABLE = 2

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=60, unique=True)
    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="servers")
    plan = models.ForeignKey(ServerPlan, on_delete=models.PROTECT, null=True, blank=True)
    engine_url = models.CharField(
        _("engine"), max_length=200, default="unix:///var/run/docker.sock"
    )
    status = models.CharField(
        _("status"), max_length=12, choices=Status.choices, default=Status.ACTIVE
    )
    # What the operator wants, beside what is seen: a draining server keeps what it has and gets
    # no new instance, also after it was unreachable.
    is_draining = models.BooleanField(_("draining"), default=False)
    cpu_millis = models.PositiveIntegerField(_("CPU (thousandths of a core)"))
    memory_mb = models.PositiveIntegerField(_("memory (MiB)"))
    disk_mb = models.PositiveIntegerField(_("disk (MiB)"))
    # First two octets of where the addresses of its networks begin (apps.fleet.addresses).
    address_prefix = models.CharField(
        _("first network"),
        max_length=7,
        default="10.201",
        validators=[RegexValidator(r"^10\.(\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-4])\Z")],
    )
    failed_probes = models.PositiveIntegerField(default=0, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False)
    last_probe_at = models.DateTimeField(null=True, editable=False)
    last_seen_at = models.DateTimeField(_("last seen"), null=True, editable=False)
    status_note = models.CharField(_("reason"), max_length=300, blank=True, editable=False)
    engine_version = models.CharField(_("version"), max_length=40, blank=True, editable=False)
    lost_at = models.DateTimeField(_("lost"), null=True, editable=False)
    lost_reason = models.CharField(
        _("why it is lost"), max_length=200, blank=True, default="", db_default="", editable=False
    )
    # Beginnings of the ids of instances of which something may lie on it still, since it was lost.
    given_up = models.JSONField(
        default=list, db_default=models.Value([], models.JSONField()), editable=False
    )

    class Meta:
        db_table = '"public"."fleet_server"'
        ordering = ["name"]
        constraints = [unique_external_id("server")]
        verbose_name = _("server")
        verbose_name_plural = _("servers")

    def __str__(self) -> str:
        return self.name

    def has_given_up(self, instance: UUID) -> bool:
        """Whether something of an instance may lie on it that nobody can see removed."""
        return id_start(instance) in self.given_up

    @property
    def is_back(self) -> bool:
        """Whether it answers again though it is lost."""
        return self.status == self.Status.LOST and self.failing_since is None


def id_start(instance: UUID) -> str:
    """The beginning of an instance's id, as it stands in the names of its containers."""
    return instance.hex[:12]


class Placement(models.Model):
    """A reservation of CPU, memory and disk on a server for one deployment of an instance.

    A shared workspace is placed on the platform itself: it has no server and reserves nothing.
    """

    class Status(models.TextChoices):
        RESERVED = "reserved", _("Reserved")
        ACTIVE = "active", _("Active")
        RELEASED = "released", _("Released")

    OPEN = (Status.RESERVED, Status.ACTIVE)

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    schema = models.CharField(max_length=63)
    instance = models.UUIDField()
    instance_name = models.CharField(_("instance"), max_length=120, blank=True)
    deployment = models.PositiveIntegerField(_("deployment"), default=0)
    server = models.ForeignKey(
        Server, on_delete=models.PROTECT, null=True, related_name="placements"
    )
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.RESERVED)
    cpu_millis = models.PositiveIntegerField(default=0)
    memory_mb = models.PositiveIntegerField(default=0)
    disk_mb = models.PositiveIntegerField(default=0)
    # Numbers the networks of an instance on its server; front and back subnets follow from it.
    # All deployments of the instance share it.
    slot = models.PositiveIntegerField(null=True)
    operation = models.UUIDField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    # Once it was active, its volumes lie on the server: later deployments must go there.
    activated_at = models.DateTimeField(null=True)
    released_at = models.DateTimeField(null=True)

    class Meta:
        db_table = '"public"."fleet_placement"'
        ordering = ["-created_at"]
        verbose_name = _("placement")
        verbose_name_plural = _("placements")
        constraints = [
            models.UniqueConstraint(
                fields=["instance", "deployment"],
                name="one_placement_a_deployment",
                condition=~Q(status="released"),
            ),
            models.CheckConstraint(
                condition=Q(server__isnull=True) | Q(slot__isnull=False), name="placement_has_slot"
            ),
        ]
        indexes = [
            models.Index(fields=["server", "status"], name="placement_open"),
            models.Index(fields=["instance"], name="placement_instance"),
            models.Index(fields=["-created_at"], name="placement_newest"),
            models.Index(
                fields=["released_at"],
                name="placement_released",
                condition=Q(released_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.instance_name} on {self.server or 'the platform'}"


class PlacementStatus(models.Model):
    """What runs of a placement as the poller last saw it; nobody else writes it.

    `addresses` is {container: {network: address}}, `detail` names what does not run.
    """

    placement = models.OneToOneField(Placement, on_delete=models.CASCADE, related_name="seen")
    state = models.CharField(max_length=20)
    addresses = models.JSONField(default=dict)
    detail = models.CharField(max_length=300, blank=True)
    seen_at = models.DateTimeField()

    class Meta:
        db_table = '"public"."fleet_placementstatus"'


class Certificate(models.Model):
    """A certificate that the edge serves: files of this machine, or chain and key themselves."""

    class Told(models.TextChoices):
        NOTHING = "", "–"
        SOON = "soon", _("ends soon")
        ENDED = "ended", _("has ended")

    name = models.CharField(_("name"), max_length=253, unique=True)
    hostnames = models.JSONField(default=list)
    certificate_path = models.CharField(max_length=300, blank=True)
    key_path = models.CharField(max_length=300, blank=True)
    # In PEM; the key is encrypted.
    chain = models.TextField(blank=True, default="", db_default="", editable=False)
    key = models.TextField(blank=True, default="", db_default="", editable=False)
    expires_at = models.DateTimeField(_("ends"), null=True)
    # From when on it should have been renewed, and what was said of its end (fleet.expiring).
    warn_at = models.DateTimeField(null=True, editable=False)
    told = models.CharField(
        max_length=5,
        choices=Told.choices,
        blank=True,
        default=Told.NOTHING,
        db_default="",
        editable=False,
    )

    class Meta:
        db_table = '"public"."fleet_certificate"'
        verbose_name = _("served certificate")
        verbose_name_plural = _("served certificates")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Route(models.Model):
    """A hostname and where it leads. The whole edge renders from these rows.

    `upstreams` is a list of {"url", "weight", "container", "network", "port"}, the last three so
    that the address can be read again; none and no notice leads to the platform itself (a shared
    workspace).
    """

    hostname = models.CharField(_("hostname"), max_length=253, unique=True)
    schema = models.CharField(max_length=63)
    instance = models.UUIDField(null=True)
    upstreams = models.JSONField(default=list)
    notice = models.CharField(max_length=20, blank=True)
    certificate = models.ForeignKey(Certificate, on_delete=models.SET_NULL, null=True, blank=True)
    # Grows with every change, which is made by comparing it.
    revision = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = '"public"."fleet_route"'
        ordering = ["hostname"]
        verbose_name = _("route")
        verbose_name_plural = _("routes")
        indexes = [models.Index(fields=["instance"], name="route_instance")]

    def __str__(self) -> str:
        return self.hostname


class EdgeState(models.Model):
    """Which revision of all routes was wanted last, and which the edge has."""

    name = models.CharField(max_length=30, unique=True, default="local")
    wanted = models.BigIntegerField(default=1)
    applied = models.BigIntegerField(default=0)
    applied_at = models.DateTimeField(null=True)

    class Meta:
        db_table = '"public"."fleet_edgestate"'
        verbose_name = _("edge")
        verbose_name_plural = _("edges")
        constraints = [
            models.CheckConstraint(condition=Q(applied__lte=F("wanted")), name="edge_not_ahead")
        ]

    def __str__(self) -> str:
        return self.name
