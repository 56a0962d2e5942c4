"""One tenant's schema as one file, and back: by COPY, without pg_dump (ADR 023)."""
