"""Random JSON Schemas: whether everything that their grammars allow is valid, by the library jsonschema.

    python -m tests.benchmarks.schemas [--schemas 10000] [--texts 10]

Not one text may be invalid, and each schema that is refused is refused with a sentence that names its place.
"""

from __future__ import annotations

import argparse
import collections
import json
import random
import time

from desktop_llm.engine.forms import FormError
from tests.engine.random_schemas import Schemas
from tests.engine.test_json_schema import unlike


def main() -> int:
    """Print the figures as JSON; the exit status is 1 if a text is invalid."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--schemas", type=int, default=10_000)
    parser.add_argument("--texts", type=int, default=10)
    options = parser.parse_args()
    refused: collections.Counter[str] = collections.Counter()
    invalid, begun = [], time.perf_counter()
    for seed in range(options.schemas):
        draw = random.Random(seed)
        schema = Schemas(draw).one()
        try:
            if text := unlike(schema, options.texts, draw):
                invalid.append((schema, text))
        except FormError as error:
            refused[error.told.rpartition(": ")[2]] += 1
    seconds = time.perf_counter() - begun
    kept = options.schemas - refused.total()
    figures = {"schemas": options.schemas, "kept": kept, "texts": kept * options.texts, "invalid": len(invalid)}
    print(
        json.dumps({**figures, "seconds": seconds, "refused": refused.most_common(), "examples": invalid[:3]}, indent=1)
    )
    return 1 if invalid else 0


if __name__ == "__main__":
    raise SystemExit(main())
