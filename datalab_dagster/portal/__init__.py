"""The portal: the HTTP API and the web pages of a deployment, and who may use them; it computes nothing itself.

Ways in: `app.create_app` assembles it, `python -m datalab_dagster.portal` serves it, `access` says who asks and what he
may do. A page or route asks the deployment through `access.service_of`, never past it.
"""
