"""How often a sentence that a passage says is found in it, and one that contradicts the passage is not.

    python -m tests.benchmarks.citations [FILE.jsonl …]

A file has lines {"passage", "answer", "supported"} and may name the `kind` of each; without one, the claims of the
tests are read. Prints the share for each kind and what was wrong, and how long 200 sentences beside 30 passages take in
processor time.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from desktop_llm.knowledge.agreement.evidence import Evidence
from desktop_llm.knowledge.cite import cite
from desktop_llm.message import Citation

OWN = Path(__file__).parents[1] / "knowledge" / "claims.jsonl"
MOST_CONTRADICTIONS = 0.05  # that may be shown as found
FEWEST_RESTATEMENTS = 0.9
SENTENCES, PASSAGES, PASSAGE_LENGTH = 200, 30, 700


@dataclass(frozen=True)
class Claim:
    """A sentence about a passage, and whether the passage says it."""

    passage: str
    answer: str
    supported: bool
    kind: str


def main() -> int:
    """Check all files; 1 if too much is wrong in one of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, default=[])
    good = True
    for path in parser.parse_args().files or [OWN]:
        claims = list(read(path))
        print(f"{path.name}: {len(claims)} claims")
        good = check(claims) and good
        print(f"  {SENTENCES} sentences beside {PASSAGES} passages: {processor_ms(claims):.0f} ms")
    return 0 if good else 1


def read(path: Path) -> Iterator[Claim]:
    """The claims of a file, in either form."""
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        if "answer" in row:
            yield Claim(row["passage"], row["answer"], row["supported"], row.get("kind", ""))
        else:
            for name in ("said", "not_said"):
                yield from (Claim(row["passage"], each, name == "said", "") for each in row[name])


def check(claims: list[Claim]) -> bool:
    """Print the shares of what is right, and what is wrong; whether the shares are high enough."""
    wrong = [each for each in claims if bool(Evidence([each.passage]).support(each.answer, [0])) != each.supported]
    for kind in sorted({each.kind for each in claims} - {""}):
        of_kind = [each for each in claims if each.kind == kind]
        print(f"  {kind}: {sum(each not in wrong for each in of_kind)} of {len(of_kind)}")
    shares = []
    for supported, name in ((True, "restatements found"), (False, "contradictions not found")):
        all_of_it = [each for each in claims if each.supported is supported]
        right = sum(each not in wrong for each in all_of_it)
        shares.append(right / max(1, len(all_of_it)))
        print(f"  {name}: {right} of {len(all_of_it)} ({shares[-1]:.1%})")
    for each in wrong:
        print(f"  {'not found' if each.supported else 'found'}: {each.answer}\n      {each.passage}")
    return shares[0] >= FEWEST_RESTATEMENTS and shares[1] >= 1 - MOST_CONTRADICTIONS


def processor_ms(claims: list[Claim]) -> float:
    """The shortest of three runs over a long answer from many passages."""
    texts = list(dict.fromkeys(each.passage for each in claims))
    longer = [" ".join(texts[(at + more) % len(texts)] for more in range(3))[:PASSAGE_LENGTH] for at in range(PASSAGES)]
    passages = [Citation(at + 1, "/a.txt", None, 0, len(text), text, 1.0) for at, text in enumerate(longer)]
    answer = "\n".join(claims[at % len(claims)].answer for at in range(SENTENCES))
    taken: list[float] = []
    for _ in range(3):
        start = time.process_time()
        cite(answer, passages, lambda document, page: None)
        taken.append(time.process_time() - start)
    return 1000 * min(taken)


if __name__ == "__main__":
    sys.exit(main())
