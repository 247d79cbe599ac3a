"""Measuring the processor: real matrix products, of one number format."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from desktop_llm.engine import backends, speed


@pytest.fixture(scope="module", autouse=True)
def _one_backend() -> None:
    """A process loads its module once, and another test may have done so."""
    if not backends.devices():
        backends.load([module.name for module in backends.modules()][:1])


def test_a_number_format_is_measured_with_real_products_in_several_turns() -> None:
    told = {}

    def kept() -> Iterator[str]:
        told.update((yield from speed.measure(1, extra_buffers=True, formats={"F16": speed.FORMATS["F16"]})))

    turns = list(kept())
    measured = told["formats"]["F16"]
    assert turns == ["F16"] * len(turns)
    assert len(turns) > 1
    assert measured["bytes_per_s"] > 1e6
    assert measured["weights_per_s"] > 1e6
    assert measured["rearranged"] is False
    assert 0 < told["share"] <= 1.05
