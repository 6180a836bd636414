"""The registry: its parts on one database. The definition of each part describes it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from datalab.registry.accounts import Accounts
from datalab.registry.changes import Changes
from datalab.registry.claims import Claims
from datalab.registry.contents import Contents
from datalab.registry.copies import Copies
from datalab.registry.database import Database
from datalab.registry.datasets import Datasets
from datalab.registry.described import Described
from datalab.registry.embedded import embedded_server
from datalab.registry.fitness import check_sessions
from datalab.registry.history import History
from datalab.registry.keychain import Keychain
from datalab.registry.lab_locks import LabLocks
from datalab.registry.labs import Labs
from datalab.registry.lists import Lists
from datalab.registry.ownership import Ownership
from datalab.registry.provisioning import Provisioning
from datalab.registry.results import Results
from datalab.registry.runs import Runs
from datalab.registry.schedules import Schedules
from datalab.registry.uploads import Uploads
from datalab.registry.validated import Validated


class Registry:
    """The records of labs, datasets, keys, provisioning, runs and results.

    Example:
        >>> with Registry.open() as registry:                                    # doctest: +SKIP
        ...     lab = registry.labs.create(definition, by="me@publisher.example")
        ...     registry.provisioning.provision(lab.id, {DatasetKind.IDENTIFIERS: manifest_hash}, by="me")
        ...     registry.labs.state(lab.id).state
        <LabState.STALE: 'Stale'>
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.labs = Labs(database)
        self.schedules = Schedules(database)
        self.lab_locks = LabLocks(database)
        self.lists = Lists(database)
        self.history = History(database)
        self.ownership = Ownership(database)
        self.datasets = Datasets(database)
        self.described = Described(database)
        self.keychain = Keychain(database)
        self.contents = Contents(database)
        self.uploads = Uploads(database)
        self.provisioning = Provisioning(database)
        self.changes = Changes(database)
        self.claims = Claims(database)
        self.runs = Runs(database)
        self.validated = Validated(database)
        self.results = Results(database)
        self.copies = Copies(database)
        self.accounts = Accounts(database)

    @classmethod
    def open(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Open the registry that the environment names; the server under the home is started, the schema migrated.

        Raises:
            RegistryError: it cannot be used; says why.
        """
        database = Database.open(environment)
        try:
            if embedded_server(environment) is None:
                check_sessions(database)
            database.migrate()
        except BaseException:
            database.close()
            raise
        return cls(database)

    def close(self) -> None:
        """Close the connections; the server keeps running."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
