"""Erasing an organisation after its days of grace, and the certificate of it (ADR 024)."""
