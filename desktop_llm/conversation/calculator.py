"""Evaluates an arithmetic expression exactly if that is possible, within a bounded time: the tool `calculator`.

Python's parser reads the expression, and only numbers, operators and the functions below are evaluated; nothing is run.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable
from fractions import Fraction

from desktop_llm.errors import BadRequest
from desktop_llm.words import tr

LONGEST = 500
"""Characters of an expression."""
_MOST_BITS = 4_096  # of a whole number: some 1,200 digits
_LARGEST_FACTORIAL = 400
_SHOWN_DIGITS = 12

Number = Fraction | float

_OPERATORS: dict[type[ast.AST], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_FUNCTIONS: dict[str, Callable[..., float]] = {
    name: getattr(math, name)
    for name in (
        *("sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh"),
        *("log", "log2", "log10", "exp", "degrees", "radians", "hypot"),
    )
}
_FUNCTIONS["ln"] = math.log
_CONSTANTS = {"pi": math.pi, "e": math.e, "tau": math.tau}
# What people and models write for Python's operators.
_WRITTEN = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "^": "**", "\n": " "})

_LETTER_BEHIND_DIGIT = re.compile(r"(?<![^\W\d])\d(?!e[+-]?\d)[^\W\d]", re.IGNORECASE)


def calculate(expression: str) -> str:
    """The value as text: whole numbers and short decimals exactly, all else to 12 digits.

    Raises BadRequest if it is no arithmetic, has no value, or would be too large.
    """
    text = expression.strip().rstrip("= ").translate(_WRITTEN)
    if not text or len(text) > LONGEST:
        raise _refused(tr("it is empty or too long"))
    if _LETTER_BEHIND_DIGIT.search(text):  # Python's parser would warn
        raise _refused(tr("it is no arithmetic"))
    try:
        return _written(_value(ast.parse(text, mode="eval").body))
    except (SyntaxError, MemoryError, RecursionError) as error:
        raise _refused(tr("it is no arithmetic")) from error
    except ZeroDivisionError as error:
        raise _refused(tr("it divides by zero")) from error
    except (ArithmeticError, ValueError, TypeError) as error:
        raise _refused(tr("it has no value")) from error


def _value(node: ast.AST) -> Number:
    match node:
        case ast.Constant(value) if type(value) is int:
            return _bounded(Fraction(value))
        case ast.Constant(value) if type(value) is float and math.isfinite(value):
            return _bounded(Fraction(repr(value)))  # as it is written: 0.1 is a tenth
        case ast.Name(name) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.UnaryOp(ast.USub(), operand):
            return -_value(operand)
        case ast.UnaryOp(ast.UAdd(), operand):
            return _value(operand)
        case ast.BinOp(left, ast.Pow(), right):
            return _power(_value(left), _value(right))
        case ast.BinOp(left, sign, right) if type(sign) in _OPERATORS:
            return _bounded(_OPERATORS[type(sign)](_value(left), _value(right)))
        case ast.Call(ast.Name(name), arguments, []):
            return _bounded(_function(name, [_value(argument) for argument in arguments]))
    raise _refused(tr("it is no arithmetic"))


def _power(base: Number, exponent: Number) -> Number:
    if isinstance(base, Fraction) and isinstance(exponent, Fraction) and exponent.denominator == 1:
        if abs(exponent) * max(_bits(base), 1) > _MOST_BITS and abs(base) not in (0, 1):
            raise _refused(tr("its value is too large"))
        return Fraction(base**exponent.numerator) if abs(base) != 1 else Fraction(base ** (exponent.numerator % 2))
    return _real(float(base) ** float(exponent))


def _function(name: str, values: list[Number]) -> Number:
    match name, values:
        case "min", [_, *_]:
            return min(values)
        case "max", [_, *_]:
            return max(values)
        case "abs", [value]:
            return -value if value < 0 else value
        case "round", [value]:
            return Fraction(round(value))
        case "round", [value, digits]:
            return Fraction(round(Fraction(value), max(-20, min(int(digits), 20))))
        case "floor", [value]:
            return Fraction(math.floor(value))
        case "ceil", [value]:
            return Fraction(math.ceil(value))
        case "sqrt", [value]:
            return _root(value)
        case "factorial", [value] if value > _LARGEST_FACTORIAL:
            raise _refused(tr("its value is too large"))
        case "factorial", [value] if value == int(value):
            return Fraction(math.factorial(int(value)))
    if name not in _FUNCTIONS:
        raise _refused(tr("there is no such function as {name}", name=name))
    return _real(_FUNCTIONS[name](*map(float, values)))


def _root(value: Number) -> Number:
    if isinstance(value, Fraction) and value >= 0:
        above, below = math.isqrt(value.numerator), math.isqrt(value.denominator)
        if above**2 == value.numerator and below**2 == value.denominator:
            return Fraction(above, below)
    return math.sqrt(value)


def _bounded(value: Number) -> Number:
    if isinstance(value, Fraction) and _bits(value) > _MOST_BITS:
        raise _refused(tr("its value is too large"))
    return value


def _bits(value: Fraction) -> int:
    return max(value.numerator.bit_length(), value.denominator.bit_length())


def _real(value: float | complex) -> float:
    if isinstance(value, complex) or not math.isfinite(value):
        raise ValueError(value)
    return value


def _written(value: Number) -> str:
    if isinstance(value, float):
        return f"{value:.{_SHOWN_DIGITS}g}"
    if value.denominator == 1:
        return str(value.numerator)
    for digits in range(1, _SHOWN_DIGITS + 1):  # a decimal with an end is exact
        if (value * 10**digits).denominator == 1:
            whole, rest = divmod(abs(value.numerator) * 10**digits // value.denominator, 10**digits)
            return f"{'-' if value < 0 else ''}{whole}.{rest:0{digits}}"
    return f"{float(value):.{_SHOWN_DIGITS}g}"


def _refused(reason: str) -> BadRequest:
    return BadRequest(tr("This can't be calculated: {reason}.", reason=reason), tr("Write it as plain arithmetic."))
