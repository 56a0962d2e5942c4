"""From an instance and a deployment number to the plan of its containers."""

from dataclasses import dataclass
from functools import cached_property

from django.utils.translation import gettext as _

from apps.accounts.addresses import host_url
from apps.core.exceptions import NotFoundError
from apps.fleet.engines import engine_of
from apps.fleet.models import Placement, Server
from apps.fleet.services import open_placements, subnets
from apps.instances.exceptions import InvalidSettingsError
from apps.instances.models import Instance
from apps.instances.sealed import opened
from apps.marketplace import services as marketplace
from dotmac.engine.base import Engine
from dotmac.stack import InstanceFacts, Manifest, StackPlan, parse_manifest, plan_stack
from dotmac.stack.errors import ManifestError

# A shorter secret would be found in ordinary words.
_TELLING = 6


@dataclass
class Stack:
    """The containers of one deployment and the host that runs them."""

    instance: Instance
    number: int
    release: str
    operation_id: str

    @cached_property
    def manifest(self) -> Manifest:
        """What the release says it needs."""
        return parse_manifest(marketplace.release(self.instance.app, self.release).manifest)

    @cached_property
    def environment(self) -> dict[str, str]:
        """What this deployment's containers are given, secrets among it."""
        return opened(self.instance.deployments.get(number=self.number))

    def without_secrets(self, text: str) -> str:
        """A text that an app wrote, fit for a log that people read."""
        names = {v.name for v in self.manifest.environment if v.type == "secret"}
        hidden = (v for k, v in self.environment.items() if k in names and len(v) >= _TELLING)
        for value in sorted(hidden, key=len, reverse=True):
            text = text.replace(value, "••••")
        return text

    @cached_property
    def placement(self) -> Placement:
        """Where this deployment has its place; NotFoundError when it has none."""
        rows = open_placements(self.instance.uuid).filter(deployment=self.number)
        found = rows.select_related("server").first()
        if found is None:
            raise NotFoundError(
                _("Deployment %(number)s of %(instance)s has no place.")
                % {"number": self.number, "instance": self.instance}
            )
        return found

    @property
    def server(self) -> Server:
        """The host."""
        server = self.placement.server
        assert server is not None  # only a shared workspace has none, and it has no stack
        return server

    @property
    def engine(self) -> Engine:
        """The host's engine."""
        return engine_of(self.server)

    @cached_property
    def plan(self) -> StackPlan:
        """Networks, volumes and containers, the same for every worker that asks."""
        front, back = subnets(self.placement)
        facts = InstanceFacts(
            instance_id=self.instance.uuid.hex,
            deployment=self.number,
            operation_id=self.operation_id,
            hostname=self.instance.hostname,
            base_url=host_url(self.instance.hostname, is_workspace=True),
            environment=self.environment,
            front_subnet=front,
            back_subnet=back,
        )
        try:
            return plan_stack(self.manifest, instance=facts)
        except ManifestError as error:
            raise InvalidSettingsError(error.problems) from error

    @property
    def labels(self) -> dict[str, str]:
        """What every part of this instance carries."""
        return {"dotmac.instance": self.instance.uuid.hex}
