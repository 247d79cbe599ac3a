"""What speaks against one clause being evidence for another."""

from __future__ import annotations

from desktop_llm.knowledge.agreement.compared import Compared
from desktop_llm.knowledge.agreement.polarity import (
    differ_in_certainty,
    differ_in_duty,
    differ_in_negation,
    differ_in_time,
)
from desktop_llm.knowledge.agreement.quantities import differ_in_bound, differ_in_item, differ_in_quantity
from desktop_llm.knowledge.agreement.relations import differ_in_direction, differ_in_order, differ_in_roles
from desktop_llm.knowledge.agreement.tables import Row, differ_in_column


def contradiction(compared: Compared) -> str:
    """What speaks against the evidence, in a word; "" if nothing does."""
    in_table = isinstance(compared.evidence, Row)
    for check in (
        differ_in_negation,
        differ_in_duty,
        differ_in_certainty,
        differ_in_time,
        differ_in_quantity,
        differ_in_bound,
        differ_in_column if in_table else differ_in_item,
        differ_in_direction,
        differ_in_order,
        differ_in_roles,
    ):
        if check(compared):
            return check.__name__
    return ""
