"""What speaks against one clause being evidence for another."""

from __future__ import annotations

from collections.abc import Callable

from desktop_llm.knowledge.agreement.compared import Compared
from desktop_llm.knowledge.agreement.polarity import (
    differ_in_certainty,
    differ_in_condition,
    differ_in_duty,
    differ_in_negation,
    differ_in_particle,
    differ_in_time,
    is_asked,
)
from desktop_llm.knowledge.agreement.quantities import differ_in_bound, differ_in_item, differ_in_quantity
from desktop_llm.knowledge.agreement.relations import differ_in_direction, differ_in_order, differ_in_roles
from desktop_llm.knowledge.agreement.replaced import is_one_replaced
from desktop_llm.knowledge.agreement.tables import Row, differ_in_column
from desktop_llm.knowledge.agreement.verdict import Reason

_CHECKS: tuple[tuple[Callable[[Compared], bool], Reason], ...] = (
    (differ_in_negation, Reason.NEGATION),
    (differ_in_particle, Reason.NEGATION),
    (differ_in_condition, Reason.BOUND),
    (differ_in_duty, Reason.CERTAINTY),
    (is_asked, Reason.CERTAINTY),
    (differ_in_certainty, Reason.CERTAINTY),
    (differ_in_time, Reason.DATE),
    (differ_in_quantity, Reason.BOUND),
    (differ_in_bound, Reason.BOUND),
    (differ_in_item, Reason.SUBJECT),
    (differ_in_direction, Reason.ROLES),
    (differ_in_order, Reason.ORDER),
    (differ_in_roles, Reason.ROLES),
    (is_one_replaced, Reason.SUBJECT),
)


def contradiction(compared: Compared) -> Reason | None:
    """What speaks against the evidence, None if nothing does."""
    in_table = isinstance(compared.evidence, Row)
    for check, reason in _CHECKS:
        if (differ_in_column if in_table and check is differ_in_item else check)(compared):
            return reason
    return None
