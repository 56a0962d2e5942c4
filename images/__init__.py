"""Making the container images of a release, with any Docker engine and without a registry."""
