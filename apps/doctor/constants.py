"""Names that others know the doctor's work by."""

# On the operator's list of work, and the pipeline of a look at everything.
KIND = "health"
PIPELINE = "doctor.checkup"
VIEW, RUN = "health.view", "health.run"
KEPT_DAYS = 90
