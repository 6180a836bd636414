"""The vendor's lower level: labs, jobs, sessions and secrets as its own dictionaries; scripts seldom need it."""

from datalab_dagster.archv2.client import ClientV2, DataLabV2, JobStatus
from datalab_dagster.archv2.compute_job import ComputeJob
from datalab_dagster.archv2.secret import Secret
from datalab_dagster.archv2.session import SessionV2

__all__ = ["ClientV2", "ComputeJob", "DataLabV2", "JobStatus", "Secret", "SessionV2"]
