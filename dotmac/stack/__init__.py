"""The app manifest: what an app needs, read and checked, and the plan of its containers."""

from dotmac.stack.environment import resolve_environment
from dotmac.stack.errors import ManifestError, Problem
from dotmac.stack.manifest import Manifest
from dotmac.stack.parsing import parse_manifest
from dotmac.stack.plan import Endpoint, HealthProbe, InstanceFacts, StackPlan, plan_stack
from dotmac.stack.resources import Resources, resources

__all__ = [
    "Endpoint",
    "HealthProbe",
    "InstanceFacts",
    "Manifest",
    "ManifestError",
    "Problem",
    "Resources",
    "StackPlan",
    "parse_manifest",
    "plan_stack",
    "resolve_environment",
    "resources",
]
