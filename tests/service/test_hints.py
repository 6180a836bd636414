"""The hints of one dataset, for a user who may read its report and not that of the identifiers."""

from __future__ import annotations

import io

import pytest

from datalab.kinds import DatasetKind
from datalab.registry import Dataset, Result
from datalab.results.validation import DatasetFacts, Hint
from datalab.statistics import ValidatedDataset
from datalab_dagster.service.errors import NotPermitted
from datalab_dagster.service.reports import LocalReports
from tests.portal.deployments import HINT, QuietService, definition, keep_validation

IDENTIFIERS, SEGMENTS, *_ = DatasetKind
DECIMALS = Hint(code="USER_IDS_WITH_DECIMALS", rows=41, message="In 41 rows the user id ends with .0.")


def validated_with(service: QuietService, hint: Hint) -> tuple[Result, dict[DatasetKind, str]]:
    """A result whose datasets all have the hint, and their hashes."""
    files = {IDENTIFIERS: b"1.0,hem,aa\n", SEGMENTS: b"1.0,cars\n"}
    lab = service.create_lab(definition(requireSegments=True))
    hashes = {kind: service.upload_dataset(io.BytesIO(text), kind.value).manifest_hash for kind, text in files.items()}
    service.change(lab.id, hashes)
    service.finish(service.validate(lab.id).run_id)
    facts = DatasetFacts(rows=41, valid_rows=41, hints=[hint])
    counted = ValidatedDataset(total_rows=41, valid_rows=41, facts=facts)
    for kind, manifest_hash in hashes.items():
        keep_validation(service._deployment, lab.id, kind, manifest_hash, counted)
    result = service._deployment.registry.results.current(lab.id)
    assert result is not None
    return result, hashes


@pytest.mark.parametrize(("refused", "shown"), [(None, []), (IDENTIFIERS, [DECIMALS])])
def test_the_report_of_the_identifiers_is_not_needed(
    service: QuietService, refused: DatasetKind | None, shown: list[Hint]
) -> None:
    result, hashes = validated_with(service, DECIMALS)

    def require(dataset: Dataset) -> None:
        if refused and dataset.manifest_hash == hashes[refused]:
            raise NotPermitted("not this one")

    reports = LocalReports(service._deployment, result, require)
    assert reports.hints(SEGMENTS) == shown
    if refused:
        with pytest.raises(NotPermitted):
            reports.hints(refused)


@pytest.mark.parametrize(("hint", "asked"), [(HINT, [SEGMENTS]), (DECIMALS, [SEGMENTS, IDENTIFIERS])])
def test_the_identifiers_are_only_read_for_a_hint_that_depends_on_them(
    service: QuietService, hint: Hint, asked: list[DatasetKind]
) -> None:
    result, hashes = validated_with(service, hint)
    seen: list[str] = []
    LocalReports(service._deployment, result, lambda dataset: seen.append(dataset.manifest_hash)).hints(SEGMENTS)
    assert seen == [hashes[kind] for kind in asked]
