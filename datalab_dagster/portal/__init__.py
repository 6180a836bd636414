"""The portal: the HTTP API and the web pages of a deployment, and who may use them. It computes nothing.

`app.create_app` assembles it, `python -m datalab_dagster.portal` serves it, `access` identifies the visitor and checks
permissions. Pages and routes reach the deployment through `access.service_of`.
"""
