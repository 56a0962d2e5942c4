"""What can be wrong with a release."""

from apps.core.exceptions import DomainError
from dotmac.stack import Problem


class InvalidManifestError(DomainError):
    """A manifest that cannot be published; `problems` name the path of each mistake."""

    code = "invalid_manifest"

    def __init__(self, message: str, *, problems: list[Problem]) -> None:
        super().__init__(message, field="manifest")
        self.problems = problems
        self.extra = {"problems": [problem._asdict() for problem in problems]}
