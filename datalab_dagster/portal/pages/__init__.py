"""The web pages of the portal: views, their JSON twins, their templates and static files."""

from datalab_dagster.portal.pages.errors import error_page
from datalab_dagster.portal.pages.files import static
from datalab_dagster.portal.pages.routes import make_router

router = make_router()

__all__ = ["error_page", "router", "static"]
