"""Whom certificates come from, and how patiently they are asked for."""

from datetime import timedelta

# The kind of work that tends one certificate.
KIND = "certificate"
# https://letsencrypt.org/docs/acme-protocol-updates/ and its staging environment.
LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"
STAGING = "https://acme-staging-v02.api.letsencrypt.org/directory"
# Seconds to the next try after so many failures in a row; authorities count failed validations by
# the hour, and bar who does not wait.
PAUSES_S = (60, 300, 900, 3600, 10_800, 21_600)
# So many failures in a row are told.
TOLD_AFTER = 3
# A turn of a worker waits so long for the authority, and comes back later; seconds.
PATIENCE_S = 20.0
COME_BACK_S = 10.0
# Nothing of a turn lasts longer; then it hangs.
HANGS_S = 240.0
# How long the servers of a zone may take to have a new record; seconds.
DNS_PATIENCE_S = 90.0
# How often the authority is asked whether it wants a certificate renewed sooner (ARI).
LOOK_EVERY = timedelta(hours=12)
# RFC 5280, 5.3.1: the reasons that authorities take from whoever has the certificate.
REASONS = (0, 1, 3, 4, 5)
