"""Gives assets the place of a lab's computed files: encrypted below the home, or plain in a preflight's folder."""

import dagster as dg

from datalab.deployment.places import Place


@dg.resource(
    required_resource_keys={"run"}, description="The computed files of the run's Data Lab: read, written by address."
)
def place_of_run(context: dg.InitResourceContext) -> Place:
    """Return the place of the current run."""
    found: Place = context.resources.run.place
    return found
