"""A look at everything, by a worker, while somebody may watch."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.core.languages import grouped
from apps.doctor import services
from apps.doctor.constants import PIPELINE, RUN
from apps.doctor.looking import Result, chosen, look_at
from apps.operations.pipelines import Pipeline, Run, Step, register


class LookAtAll(Step):
    """Every check in turn; what is found is kept at once, so that a repeat loses nothing."""

    key, title = "look", gettext_noop("Look at everything")
    # Thousands of schemas and dozens of hosts, one after another.
    deadline_s = 60 * 60

    def run(self, run: Run) -> None:
        """Keep and tell each; what is wrong with the platform is no failure of looking."""
        wanted = chosen()
        for number, result in enumerate(look_at(wanted), start=1):
            run.assert_held()
            with run.atomic():
                services.keep(result)
                run.tell(number, len(wanted) + 1)
            run.log(_line(result), level="info" if not result.findings else "warning")
        with run.atomic():
            services.finish_checkup(run.operation)


def _line(result: Result) -> str:
    if not result.findings:
        return _("%(title)s: well") % {"title": result.check.title}
    more = len(result.findings) - 1
    said = {"title": result.check.title, "text": result.findings[0].said, "more": grouped(more)}
    if more:
        return _("%(title)s: %(text)s And %(more)s more.") % said
    return _("%(title)s: %(text)s") % said


register(
    Pipeline(
        PIPELINE,
        gettext_noop("Look after the health of the platform"),
        (LookAtAll,),
        asks=lambda _operation: RUN,
    )
)
