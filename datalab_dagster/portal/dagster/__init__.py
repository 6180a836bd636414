"""Dagster's pages behind the portal's sign-in: `python -m datalab_dagster.portal.dagster`; the pages are Dagster's own.

Every request passes `security.Security` (host, size, headers), then `guard.Guard` (sign-in, role, origin, form).
"""
