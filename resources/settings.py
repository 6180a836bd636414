"""Resources that hold settings of the deployment: a run configuration cannot change them."""

import dagster as dg


def fixed(value: object) -> dg.ResourceDefinition:
    """Return a resource that is `value` in every run; a run configuration that names a field of it is refused."""
    return dg.ResourceDefinition(
        lambda _: value,
        config_schema={},
        description="A setting of the deployment (datalab.yaml), the same in every run.",
    )
