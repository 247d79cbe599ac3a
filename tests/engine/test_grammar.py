"""Grammars are checked before llama.cpp sees them."""

from __future__ import annotations

import contextlib
import random

import pytest

from desktop_llm.engine import grammar
from desktop_llm.engine.forms import FormError

LIST = """# a list of words
root ::= "- " word ("\\n- " word)* # and so on
word ::= [^\\n"\\\\] [a-zäöü]{2,20} |
  "é\\u00e9" | <|end|> . !<[12]>
"""


def told(text: str) -> str:
    with pytest.raises(FormError) as caught:
        grammar.check(text)
    return caught.value.told


def test_a_good_grammar_says_how_many_rules_it_has() -> None:
    assert grammar.check(LIST).count == 2


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "A grammar begins with the rule root, which is missing."),
        ('x ::= "a"', "A grammar begins with the rule root, which is missing."),
        ('root ::= "a', "Line 1, column 10: This text has no closing quotation mark."),
        ('root ::= ("a"\n', "Line 1, column 10: A bracket is missing: this one is never closed."),
        ('root ::= "a")', "Line 1, column 13: This bracket closes nothing."),
        ('root ::= "a"\nb = "c"', "Line 2, column 3: After the name of a rule comes ::=."),
        ('root ::= "a"\n| "b"', "Line 2, column 1: A rule begins with a name of letters, digits and hyphens."),
        ("root ::= a-b", "Line 1, column 10: There is no rule with the name a-b."),
        ("root ::= [a-z", "Line 1, column 10: This choice of characters has no closing bracket."),
        ("root ::= []", "Line 1, column 12: This choice has no characters."),
        ("root ::= *", "Line 1, column 10: There is nothing here to repeat."),
        ('root ::= "a"{3', "Line 1, column 13: A repetition is written as {2}, {2,} or {2,5}."),
        ('root ::= "a"{5,2}', "Line 1, column 13: The second number is smaller than the first."),
        ('root ::= "a"{1,2001} "b"{2001}', "Line 1, column 25: This repeats too much: at most 2,000 times."),
        ("root ::= <a", "Line 1, column 10: A token is written as <name> or <[number]>."),
        ('root ::= a "x"\na ::= root', "Line 2, column 7: The rule root begins with itself, so it would never end."),
        ('root ::= a root "z" | "x"\na ::= b\nb ::= | "y"', "Line 1, column 12: The rule root begins with itself"),
        ('root ::= ("a"?)*', "Line 1, column 10: This repeats without end what may be nothing."),
        ("root ::= a*\na ::= | a b\nb ::= a", "Line 1, column 10: This repeats without end what may be nothing."),
        ("root ::= " + "(" * 61, "Line 1, column 70: Brackets are nested too deeply: at most 60."),
        ('root ::= ((("a"{40}){40}){40})', "Line 1, column 26: This repeats too much"),
        ("root ::= " + '"a"{2000} ' * 60, "This grammar is too large once its repetitions are written out."),
        ("root ::= " + "a" * 200_001, "This grammar is too long: at most 200,000 characters."),
    ],
)
def test_what_is_wrong_is_told_with_line_and_column(text: str, problem: str) -> None:
    assert problem in told(text)


def test_noise_is_refused_or_taken_but_never_breaks_the_check() -> None:
    noise = random.Random(7)
    letters = 'root ::=|()[]{}"\\*+?.,09-az\n #<>!'
    for _ in range(2_000):
        text = 'root ::= "a" ' + "".join(noise.choices(letters, k=noise.randint(1, 40)))
        with contextlib.suppress(FormError):
            grammar.check(text)
