"""The app manifest as values: an app is described by it alone."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt

from dotmac.engine.spec import UNPRIVILEGED_USER
from dotmac.stack.types import (
    Command,
    Cores,
    DiskSize,
    EnvironmentKey,
    Flag,
    ImageReference,
    Label,
    Line,
    MemorySize,
    Port,
    ScalarText,
    Seconds,
    ServiceName,
    Slug,
    TargetPath,
    Text,
    UrlPath,
    UserNumber,
    VariableName,
    Version,
    VolumeName,
    Words,
)

BUILT_INS = ("HOSTNAME", "BASE_URL", "INSTANCE_ID")
VariableType = Literal["string", "integer", "boolean", "choice", "url", "secret"]


class Part(BaseModel):
    """A part of a manifest: it cannot be changed and knows no other keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_max_length=16384)


class Service(Part):
    """One container of the stack. Defaults are the tightest that a well-kept image runs with."""

    image: ImageReference
    command: Words = ()
    entrypoint: Words = ()
    port: Port | None = None
    environment: Mapping[EnvironmentKey, ScalarText] = {}
    volumes: Mapping[VolumeName, TargetPath] = {}
    memory: MemorySize = 256 * 2**20
    cpu: Cores = Decimal("0.5")
    pids: Annotated[StrictInt, Field(ge=1, le=32768)] = 256
    user: UserNumber = UNPRIVILEGED_USER
    read_only: Flag = True
    tmpfs: tuple[TargetPath, ...] = ("/tmp",)  # nosec B108
    public: Flag = False
    egress: Flag = False
    stop_timeout: Seconds = 10

    @property
    def nano_cpus(self) -> int:
        """Billionths of a core."""
        return int(self.cpu * 10**9)


class Volume(Part):
    """Files that outlive containers; `size` is what is reserved for them, in bytes.

    A `shared` one may be open in the containers of two deployments at once.
    """

    backup: Flag = True
    size: DiskSize = 2**30
    shared: Flag = False


class Variable(Part):
    """One setting of the app; `generate` is the number of random bytes of a made secret.

    One that is not `editable` keeps its first value.
    """

    name: VariableName
    type: VariableType = "string"
    choices: tuple[ScalarText, ...] = ()
    required: Flag = False
    default: ScalarText | None = None
    generate: Annotated[StrictInt, Field(ge=16, le=256)] | None = None
    description: Text = ""
    editable: Flag = True


class Health(Part):
    """The request whose answer proves the app works; without a service, the public one."""

    service: str | None = None
    path: UrlPath = "/"
    status: Annotated[StrictInt, Field(ge=200, le=599)] = 200
    timeout_s: Seconds = 60


class Release(Part):
    """The command run once before a new release starts; `probe` exits 0 when nothing is to do.

    With `at_start` the service does the same by itself when it starts on an empty database, so a
    first deployment starts everything together.
    """

    service: str
    command: Command
    probe: Command | None = None
    at_start: Flag = False


class SchemaVersion(Part):
    """The version of the app's own tables, and the oldest whose code still runs on them."""

    version: Annotated[StrictInt, Field(ge=0)]
    compatible_from: Annotated[StrictInt, Field(ge=0)]


class BackupHooks(Part):
    """Commands run in a service around a snapshot; `dump` writes the copy to its output."""

    service: str
    before: Command | None = None
    after: Command | None = None
    dump: Command | None = None


class Console(Part):
    """A terminal that the app offers to its owner."""

    name: Label
    service: str
    command: Words = ()
    kind: Literal["shell", "postgres", "redis"] = "shell"


class SingleSignOn(Part):
    """Where a signed hand-off is posted."""

    path: UrlPath


class Manifest(Part):
    """An app: its services, files, settings and what the platform may do with them."""

    name: Slug
    title: Annotated[Line, Field(min_length=1)]
    summary: Line = ""
    description: Text = ""
    version: Version
    icon: Label | None = None
    category: Label = "other"
    services: Annotated[Mapping[ServiceName, Service], Field(min_length=1, max_length=20)]
    volumes: Annotated[Mapping[VolumeName, Volume], Field(max_length=20)] = {}
    environment: Annotated[tuple[Variable, ...], Field(max_length=200)] = ()
    health: Health = Health()
    release: Release | None = None
    data_schema: SchemaVersion | None = Field(default=None, alias="schema")
    backup: BackupHooks | None = None
    consoles: tuple[Console, ...] = ()
    permissions: tuple[Label, ...] = ()
    sso: SingleSignOn | None = None

    @property
    def public_service(self) -> str:
        """The name of the one service that the edge reaches."""
        return next(name for name, service in self.services.items() if service.public)

    def is_stateful(self, service: str) -> bool:
        """Whether a service has a volume to itself, so that only one container of it may run."""
        mounted = self.services[service].volumes
        return any(not self.volumes[name].shared for name in mounted)

    @property
    def health_service(self) -> str:
        """The name of the service that answers the health check."""
        return self.health.service or self.public_service
