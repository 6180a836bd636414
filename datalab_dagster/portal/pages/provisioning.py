"""The action that fills and empties slots of a lab, and the page that asks before a dataset of another kind is used."""

from __future__ import annotations

from fastapi import Request, Response

from datalab.errors import UsageError
from datalab.formats import listed, moment
from datalab.kinds import KINDS, DatasetKind
from datalab_dagster.portal.access import Changer, Record, Service
from datalab_dagster.portal.pages.choices import Choice, choices, chosen_in, expected_in, query_of
from datalab_dagster.portal.pages.lab import VALIDATED, LabTab, head_of, page_of
from datalab_dagster.portal.pages.page import Fields, go, render
from datalab_dagster.portal.pages.texts import dataset_title
from datalab_dagster.service import LabInfo, LabService, LabState, ProblemCode, ProvisioningRefused
from datalab_dagster.service.http_errors import status_of


class ConfirmPage(LabTab):
    """Asks whether datasets that certainly have another kind are meant for their slots."""

    others: dict[DatasetKind, Choice]
    """Slot → the dataset of another kind."""
    fields: dict[str, str]
    """What was sent, to send it again."""
    back: str
    """The page of the lab with the same choices."""


def provision(lab: str, request: Request, visitor: Changer, service: Service, record: Record, form: Fields) -> Response:
    """Provisions the chosen datasets, or removes one; all changes or none."""
    info = service.lab(lab)
    removed = str(form.get("deprovision", ""))
    choice = chosen_in(form, info)
    chosen: dict[DatasetKind, str | None] = dict(choice)
    if removed in set(DatasetKind):
        chosen = {DatasetKind(removed): None}
    problems = _changed_meanwhile(info, chosen, form)
    if not chosen:
        problems = ["Choose a dataset for at least one slot, then provision."]
    status = 409
    if not problems:
        try:
            expected = expected_in(form, choice if not removed else (), info)
            info = service.change(info.id, chosen, check_kinds=form.get("confirmKind") != "yes")
            if expected:
                service.expect(info.id, expected)
        except ProvisioningRefused as error:
            if {problem.code for problem in error.problems} == {ProblemCode.KIND_MISMATCH}:
                return _ask(request, service, info, choice, [problem.kind for problem in error.problems], form)
            problems = [problem.message for problem in error.problems]
        except UsageError as error:
            problems, status = [str(error)], status_of(error)
    if problems:
        page = page_of(service, service.lab(info.id), visitor, choice).model_copy(update={"problems": problems})
        return render(request, "lab.html.j2", page, status=status)
    for kind, manifest_hash in chosen.items():
        action = "lab.provision" if manifest_hash else "lab.deprovision"
        record(action, info.id, kind=kind.value, manifest_hash=manifest_hash)
    verb = "Deprovisioned" if removed else "Provisioned"
    said = f"{verb} {listed([KINDS[kind].title for kind in chosen])}."
    return go(request, f"/datalabs/{info.id}", f"{said} {_what_follows(service, info)}".rstrip())


def _what_follows(service: LabService, info: LabInfo) -> str:
    """Say what happens after a change: a validation, or nothing because the result is known."""
    if info.state.starts_automatically:
        return "Validation starts automatically."
    if info.state.obstacle:
        return info.state.obstacle
    result = service.current_result(info.id) if info.state.state in VALIDATED else None
    if result is None:
        return ""
    passed = "passed: the lab is Ready" if info.state.state is LabState.READY else "did not pass"
    return f"These datasets were validated on {moment(result.created_at)}, and {passed}."


def _ask(
    request: Request,
    service: LabService,
    info: LabInfo,
    choice: dict[DatasetKind, str],
    slots: list[DatasetKind],
    form: Fields,
) -> Response:
    wanted = {kind: choice[kind] for kind in slots}
    names = [name for name in form if name.startswith("expected-")]
    names += [*(kind.value for kind in choice), *(f"seen-{kind.value}" for kind in choice)]
    page = ConfirmPage(
        **head_of(service, info),
        others=choices(service, wanted),
        fields={name: str(form[name]) for name in names if name in form},
        back=f"/datalabs/{info.id}{query_of(choice)}",
    )
    return render(request, "provision_confirm.html.j2", page, status=409)


def _changed_meanwhile(info: LabInfo, chosen: dict[DatasetKind, str | None], form: Fields) -> list[str]:
    """Name the slots that changed after the visitor's page was loaded, so that no change is overwritten unseen."""
    now = {slot.kind: slot for slot in info.slots}
    found = []
    for kind in chosen:
        slot, seen = now.get(kind), form.get(f"seen-{kind.value}")
        if seen is None or str(seen) == str(slot.sequence if slot else 0):
            continue
        if slot:
            found.append(
                f"{dataset_title(kind)} was changed by {slot.provisioned_by} after you opened this page. "
                "Your choice was not saved; check the dataset that it has now and choose again."
            )
        else:
            found.append(f"{dataset_title(kind)} was deprovisioned after you opened this page. Choose again.")
    return found
