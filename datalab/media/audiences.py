"""Custom audiences: resolves their definitions to users, or to the code with which they are refused.

The users of an audience are a relation of their keys; the rules: docs/spec/media.md#4-audience-algebra.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from datalab.media.base import ATTRIBUTES, BaseAudience
from datalab.media.definitions import (
    AnyReference,
    Base,
    Combination,
    CustomAudience,
    ExclusionTargeting,
    Filter,
    Filters,
    Lookalike,
    Operator,
    Remarketing,
    RuleBased,
    Seed,
)
from datalab.media.lookalikes import Lookalikes
from datalab.media.refusals import Refusal, is_ambiguous, of_filters
from datalab.statistics.sql import statements

_SQL = statements(__file__)
_PANEL = "audiences"
_CODES = {Combination.UNION: "UNION", Combination.INTERSECT: "INTERSECT", Combination.DIFF: "EXCEPT"}


@dataclass
class Audiences:
    """The audiences of a room; each is computed once."""

    base: BaseAudience
    lookalikes: Lookalikes
    _members: dict[str, str] = field(default_factory=dict)
    """Id of an audience that is not refused → the relation of its users."""

    def members(self, audience: CustomAudience) -> str | Refusal:
        """Return a SELECT of the keys of an audience's users, or why it is refused."""
        refusal = self._settle(audience.id)
        return refusal or f"SELECT key FROM {self._members[audience.id]}"

    def users_of(self, reference: AnyReference) -> str:
        """Return a SELECT of the keys of a reference, whose audience must be settled."""
        if isinstance(reference, Base):
            return _SQL["base"]
        if isinstance(reference, Seed):
            return _SQL["seed"].format(t=self.base.type_number(reference.audience_type))
        return f"SELECT key FROM {self._members[reference.id]}"

    def _settle(self, audience_id: str) -> Refusal | None:
        """Compute an audience and all that it refers to, in the order of refusals; return the first one.

        The stack is a list: a chain of references may be longer than Python's own.
        """
        stack: list[tuple[CustomAudience, Iterator[AnyReference | Refusal]]] = []

        def enter(wanted: str) -> Refusal | None:
            if wanted in self._members:
                return None
            if any(audience.id == wanted for audience, _ in stack):
                return Refusal.CYCLE
            audience = self.base.room.audiences.get(wanted)
            if audience is None:
                return Refusal.UNKNOWN_AUDIENCE
            if audience.type not in self.base.room.types:
                return Refusal.COLLABORATION_TYPE_DISABLED
            stack.append((audience, self._steps(audience)))
            return None

        refusal = enter(audience_id)
        while stack and refusal is None:
            audience, steps = stack[-1]
            step = next(steps, None)
            if step is None:
                self._members[audience.id] = self._compute(audience)
                stack.pop()
            elif isinstance(step, Refusal):
                refusal = step
            elif not isinstance(step, (Base, Seed)):
                refusal = enter(step.id)
        return refusal

    def _steps(self, audience: CustomAudience) -> Iterator[AnyReference | Refusal]:
        """Yield what must be settled before an audience, and why it is refused, in the order of refusals."""
        definition = audience.definition
        if isinstance(definition, Lookalike):
            yield definition.source_ref
            if refusal := self.lookalikes.prepare(audience, self.users_of(definition.source_ref)):
                yield refusal
        elif isinstance(definition, RuleBased):
            for number, (source, filters) in enumerate(definition.parts):
                yield source
                yield from of_filters(filters)
                if number == 0 and is_ambiguous(definition.combine):
                    yield Refusal.AMBIGUOUS_COMBINATION

    def _compute(self, audience: CustomAudience) -> str:
        """Create the relation of an audience that is not refused, and return its name."""
        name = f"members_{len(self._members)}"
        definition = audience.definition
        if isinstance(definition, RuleBased):
            self._create_rule(name, definition)
            return name
        if isinstance(definition, (Remarketing, ExclusionTargeting)):
            number = self.base.type_number(definition.seed_audience_ref.audience_type)
            text = _SQL["seed"].format(t=number)
            if isinstance(definition, ExclusionTargeting):
                text = _SQL["exclusion"].format(seed=text)
        else:
            text = self.lookalikes.selection(audience, self.users_of(definition.source_ref))
        self.base.engine.create_table(name, text, panel=_PANEL)
        return name

    def _create_rule(self, name: str, rule: RuleBased) -> None:
        """Create the relation of a rule: its filtered source, and each combinator in turn."""
        engine = self.base.engine
        operators = [None, *(one.operator for one in rule.combine or [])]
        for operator, (source, filters) in zip(operators, rule.parts, strict=True):
            with_filters, chosen = self._filtered(self.users_of(source), filters)
            if operator is None:
                engine.create_table(name, with_filters, panel=_PANEL)
            else:
                engine.create_table("part", with_filters, panel=_PANEL)
                text = f"SELECT key FROM {name} {_CODES[operator]} SELECT key FROM part"
                engine.create_table("combined", text, panel=_PANEL)
                engine.create_table(name, "SELECT key FROM combined", panel=_PANEL)
                engine.drop("combined")
                engine.drop("part")
            for relation in chosen:
                engine.drop(relation)

    def _filtered(self, source: str, filters: Filters | None) -> tuple[str, list[str]]:
        """Return a SELECT of the users of `source` who pass the filters, and the relations that it needs."""
        if filters is None:
            return source, []
        chosen: list[str] = []
        conditions = []
        for number, one in enumerate(filters.filters):
            relation = f"chosen_{number}"
            self.base.engine.create_table(relation, self._chosen(one), panel=_PANEL)
            chosen.append(relation)
            negation = "NOT " if one.operator in (Operator.NONE, Operator.EMPTY) else ""
            conditions.append(f"s.key {negation}IN (SELECT key FROM {relation})")
        return _SQL["filtered"].format(source=source, condition=f" {filters.boolean_op} ".join(conditions)), chosen

    def _chosen(self, one: Filter) -> str:
        """Return a SELECT of the users who have what a filter asks about; its operator says which way."""
        values = ATTRIBUTES[one.attribute].values
        if not one.operator.needs_values:
            return _SQL["has_some"].format(values=values)
        known = self.base.names.get(one.attribute, {})
        numbers = [known[value] for value in one.wanted if value in known]
        self.base.engine.register_arrow("wanted", pa.table({"value": pa.array(numbers, pa.int32())}))
        statement = "has_all" if one.operator is Operator.ALL else "has_any"
        return _SQL[statement].format(values=values, wanted=len(one.wanted))
