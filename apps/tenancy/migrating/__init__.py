"""Bringing a whole database to this release: `public`, the templates, then every tenant.

Migrating tenants one by one costs seconds each, most of it for the state of the models, which is
the same for all that stand at the same migration. So the plan is made once for each such group,
its first tenant is migrated with an ear on the SQL, and the others replay that.
"""
