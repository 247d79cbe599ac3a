"""Numbers, amounts, dates and times of day in one notation, whatever a text writes them in.

A figure has keys: what it can be found by. One date offers its day with and without the year, its month and its year;
an amount offers the number alone and the number with its unit. What a sentence claims is one of them: "May 1987" is
found in "3 May 1987", and not the other way round.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

_MONTHS = """
january gennaio jan januar janvier enero января январь يناير
february febbraio feb februar février févr febrero февраля февраль فبراير
march mar märz mars marzo марта март مارس
april aprile apr avril avr abril апреля апрель أبريل
may maggio mai mayo мая май مايو
june giugno jun juni juin junio июня июнь يونيو
july luglio jul juli juillet julio июля июль يوليو
august aug août agosto августа август أغسطس
september settembre sep sept septembre septiembre сентября сентябрь سبتمبر
october ottobre oct oktober okt octobre octubre октября октябрь أكتوبر
november nov novembre noviembre ноября ноябрь نوفمبر
december dicembre dec dezember dez décembre déc diciembre декабря декабрь ديسمبر
"""
MONTHS = {name: number for number, line in enumerate(_MONTHS.strip().splitlines(), 1) for name in line.split()}

_NUMBER_WORDS = """
0 zero null zéro cero ноль
1 one eins uno
2 two zwei deux dos два две двух اثنان
3 three drei trois tres три трёх ثلاثة ثلاث
4 four vier quatre cuatro четыре четырёх أربعة
5 five fünf cinq cinco пять خمسة
6 six sechs шесть ستة
7 seven sieben sept siete семь سبعة
8 eight acht huit ocho восемь ثمانية
9 nine neun neuf nueve девять تسعة
10 ten zehn dix diez десять عشرة
11 eleven onze одиннадцать
12 twelve zwölf douze doce двенадцать dozen dutzend
13 thirteen dreizehn treize trece тринадцать
14 fourteen vierzehn quatorze catorce четырнадцать
15 fifteen fünfzehn quinze quince пятнадцать
16 sixteen sechzehn seize dieciséis шестнадцать
17 seventeen siebzehn diecisiete семнадцать
18 eighteen achtzehn dieciocho восемнадцать
19 nineteen neunzehn diecinueve девятнадцать
20 twenty zwanzig vingt veinte двадцать
30 thirty dreißig trente treinta тридцать
40 forty vierzig quarante cuarenta сорок
50 fifty fünfzig cinquante cincuenta пятьдесят
60 sixty sechzig soixante sesenta шестьдесят
70 seventy siebzig setenta семьдесят
80 eighty achtzig ochenta восемьдесят
90 ninety neunzig noventa девяносто
"""
_WORD_VALUES = {word: int(line.split()[0]) for line in _NUMBER_WORDS.strip().splitlines() for word in line.split()[1:]}
_WORD_VALUES |= {
    f"{unit}und{ten}": _WORD_VALUES[ten] + _WORD_VALUES["eins" if unit == "ein" else unit]
    for ten in ["zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig"]
    for unit in ["ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"]
}
# By themselves: "due", "sei" and "otto" are words of other languages too.
_ITALIAN = ["due", "tre", "quattro", "cinque", "sei", "sette", "otto", "nove", "dieci", "undici", "dodici"]
_ITALIAN_VALUES = dict(zip(_ITALIAN, range(2, 13), strict=True)) | {
    "quindici": 15,
    "venti": 20,
    "trenta": 30,
    "cento": 100,
}
_ORDINALS = {
    word: number
    for number, words in enumerate(
        """first erste ersten erster premier première primero primera primer
        second zweite zweiten zweiter deuxième segundo segunda
        third dritte dritten dritter troisième tercero tercera
        fourth vierte vierten vierter quatrième cuarto cuarta
        fifth fünfte fünften fünfter cinquième quinto quinta
        sixth sechste sechsten sechster sixième sexto sexta
        seventh siebte siebten siebter septième séptimo
        eighth achte achten achter huitième octavo
        ninth neunte neunten neunter neuvième noveno
        tenth zehnte zehnten zehnter dixième décimo
        eleventh elfte elften elfter onzième
        twelfth zwölfte zwölften zwölfter douzième""".splitlines(),
        1,
    )
    for word in words.split()
}
_SCALES = {
    **dict.fromkeys(["hundred", "hundert", "cent", "cien", "cientos"], 100),
    **dict.fromkeys(["thousand", "tausend", "mille", "mil", "k", "тысяч", "тысячи", "آلاف", "ألف"], 1000),
    **dict.fromkeys(
        ["million", "millions", "mio", "millionen", "millón", "millones", "mn", "миллионов", "миллиона", "مليون"], 10**6
    ),
    **dict.fromkeys(
        ["billion", "billions", "mrd", "milliarde", "milliarden", "milliard", "milliards", "bn", "миллиардов"], 10**9
    ),
}
_UNIT_NAMES = """
eur € euro euros
usd $ dollar dollars us$
gbp £ pound pounds
chf franken
rub ₽ рублей рубля рубль руб
% percent per-cent prozent pourcent процентов
kg kilogram kilograms kilogramme kilo kilos kilogramm кг chilo chili chilogrammi
g gram grams gramm gramme grammes gramos grammi grammo
mg milligram milligrams milligramm
t ton tons tonne tonnes tonnen toneladas
km kilometre kilometres kilometer kilometers kilomètres kilómetros км
m metre metres meter meters mètre mètres metros м metri metro
cm centimetre centimetres centimeter centimeters zentimeter
mm millimetre millimetres millimeter millimeters
mi mile miles
ft feet
l litre litres liter liters litros л litri litro
ml millilitre millilitres milliliter milliliters
s sec secs seconds sekunde sekunden secondes segundos секунд secondo secondi
min mins minute minutes minuten minutos минут minuto minuti
hour hours stunde stunden heure heures hora horas часов часа h hr hrs ora ore
day days tag tage tagen jour jours día días дней дня day's days' يوما أيام giorno giorni
fortnight fortnights
week weeks woche wochen semaine semaines semana semanas недель week's weeks' settimana settimane
month months monat monate monats monaten mois mes meses месяцев month's months' mese mesi
times fois veces mal volte volta
year years jahr jahre jahres jahren an ans année années año años лет года year's years' سنوات anno anni
v volt volts
w watt watts
kw kilowatt kilowatts
kwh
a amp amps ampere
hz hertz
mb megabyte megabytes
gb gigabyte gigabytes
°c celsius
°f fahrenheit
"""
UNITS = {name: line.split()[0] for line in _UNIT_NAMES.strip().splitlines() for name in line.split()}

# What one of a unit is in the unit that amounts of its kind are compared in; a month has no fixed number of days.
_IN_ONE_UNIT = {
    **{
        name: (count, "s")
        for name, count in {
            "s": 1,
            "min": 60,
            "hour": 3600,
            "day": 86_400,
            "week": 604_800,
            "fortnight": 1_209_600,
        }.items()
    },
    **{name: (count, "month") for name, count in {"month": 1, "year": 12}.items()},
    **{name: (count, "g") for name, count in {"mg": 0.001, "g": 1, "kg": 1000, "t": 1e6}.items()},
    **{name: (count, "m") for name, count in {"mm": 0.001, "cm": 0.01, "m": 1, "km": 1000}.items()},
    **{name: (count, "l") for name, count in {"ml": 0.001, "l": 1}.items()},
    **{name: (count, "w") for name, count in {"w": 1, "kw": 1000}.items()},
    **{name: (count, "mb") for name, count in {"mb": 1, "gb": 1000}.items()},
}

CHINESE_DIGITS = {sign: str(value) for value, sign in enumerate("零一二三四五六七八九") if sign != "一"} | {"两": "2"}

_MONTH = "|".join(sorted(map(re.escape, MONTHS), key=len, reverse=True))
_YEAR = r"(?:(?:,|\s+de|\s+del)?\s+(\d{4})(?!\d))?"
_PATTERN = re.compile(
    rf"""
    (?P<iso>(?<!\d)(\d{{4}})-(\d\d)-(\d\d)(?!\d))
  | (?P<dotted>(?<![\d.])(\d{{1,2}})\.\s?(\d{{1,2}})\.(?:\s?(\d{{4}}|\d\d))?(?!\d))
  | (?P<slashed>(?<![\d/])(\d{{1,2}})/(\d{{1,2}})(?:/(\d{{4}}|\d\d))?(?![\d/]))
  | (?P<daymonth>(?<!\d)(\d{{1,2}})(?:st|nd|rd|th|er|\.)?(?:\s*(?:of|de|del))?\s*({_MONTH})\b\.?{_YEAR})
  | (?P<monthday>\b({_MONTH})\b\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?(?![\d:.]\d)(?!\d){_YEAR})
  | (?P<monthyear>\b({_MONTH})\b\.?(?:\s+(?:of|de|del))?\s+(\d{{4}})(?!\d))
  | (?P<clock>(?<![\d.,])(\d{{1,2}})(?:[:.](\d\d))?\s?(?P<half>[ap])\.?\s?m\b\.?
      | (?<![\d.,])(\d{{1,2}}):(\d\d)(?::\d\d)?(?:\s?uhr\b)?(?!\d)
      | (?<![\d.,])(\d{{1,2}})(?:\.(\d\d))?\s?uhr\b
      | (?<![\d.,])(\d{{1,2}})\s?h\s?(\d\d)(?!\d))
  | (?P<number>(?<![^\W_])\d{{1,3}}(?:[,.'’\u00a0\u202f\ ]\d{{3}})+(?:[.,]\d{{1,2}})?(?!\d)
      | (?<![^\W_])\d+(?:[.,]\d+)*)(?P<ordinal>st\b|nd\b|rd\b|th\b)?
    """,
    re.VERBOSE | re.IGNORECASE,
)
_OTHER_WORDS = re.compile(r"\b(?:may|march|mar|mars|sept|mai)\b")  # in small letters these need not be months
_KINDS = ("iso", "dotted", "slashed", "daymonth", "monthday", "monthyear", "clock", "number")
_UNIT_BEHIND = re.compile(r"[\s\u00a0-]{0,2}(%|°\s?[cf]|[€$£₽]|per\s+cent|[^\W\d_]+(?:['’]s?(?!\w))?)", re.IGNORECASE)
_UNIT_AHEAD = re.compile(r"(?:[€$£]|\b(?:EUR|USD|GBP|CHF))\s?$")
_RANGE = re.compile(r"\s?(?:-|–|to|bis|and|or|und|oder|à|a|et|y)\s?\d[\d.,]*[\s-]?(%|[^\W\d_]+|[€$£])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number, amount, date or time at `[start:end]`; `offers` are the keys it is found by, `wanted` those that one
    must have to be the same, `kind` is "date", "time" or the unit.
    """

    start: int
    end: int
    offers: frozenset[str]
    wanted: frozenset[str]
    kind: str


def figures(text: str, language: str = "") -> Iterator[Figure]:
    """The figures that are written in digits, and the months, in the order of the text."""
    for match in _PATTERN.finditer(text):
        kind = next(name for name in _KINDS if match[name] is not None)
        if kind == "number":
            yield _amount(text, match)
        elif kind == "clock":
            yield _time(match)
        else:
            short = kind == "dotted" and len(re.findall(r"\d+", match[0])) == 2
            verb = kind in ("daymonth", "monthday") and language in ("", "en") and _OTHER_WORDS.search(match[0])
            found = None if verb or (short and language != "de") else _date(match, kind)
            yield from [found] if found is not None else _plain(match, text)


def month(word: str, before: str) -> Figure | None:
    """The month that a word names, None if it names none; "may" and "march" count with a capital, in the middle of a
    sentence or behind a preposition only.
    """
    number = MONTHS.get(word.casefold())
    if number is None or (len(word) < 4 and word.casefold() not in ("may", "mai", "май", "мая")):
        return None
    if word.casefold() in ("may", "march", "mars", "mar", "sept") and (not word[0].isupper() or before in ("", ".")):
        return None
    key = f"m{number}"
    return Figure(0, 0, frozenset((key,)), frozenset((key,)), "date")


def number_word(word: str, language: str = "") -> int | None:
    """The value of a number that is written as a word."""
    return (_ITALIAN_VALUES if language == "it" else _WORD_VALUES).get(word)


def scale(word: str) -> int | None:
    """What a word like "million" multiplies the number before it with."""
    return _SCALES.get(word)


def ordinal(word: str) -> int | None:
    """The value of an ordinal number up to the twelfth."""
    return _ORDINALS.get(word)


@lru_cache(10_000)
def amount(value: float, unit: str = "", ordinal: bool = False) -> tuple[frozenset[str], frozenset[str]]:
    """The keys that a number offers and those it wants."""
    name = str(int(value)) if math.isfinite(value) and value == int(value) else f"{value:.6g}"
    if ordinal:
        return frozenset((name, f"{name}.")), frozenset((f"{name}.", name))
    if unit in _IN_ONE_UNIT:
        count, base = _IN_ONE_UNIT[unit]
        same = f"{value * count:.9g}|={base}"
        return frozenset((name, f"{name}|{unit}", same)), frozenset((f"{name}|{unit}", f"{name}|", same))
    if unit:
        return frozenset((name, f"{name}|{unit}")), frozenset((f"{name}|{unit}", f"{name}|"))
    return frozenset((name, f"{name}|")), frozenset((name,))


def unit_behind(text: str, end: int) -> tuple[str, int]:
    """The unit behind a number that ends at `end`, and where the unit ends; "" if there is none."""
    match = _UNIT_BEHIND.match(text, end)
    if match:
        word = re.sub(r"\s", "", match[1].casefold()).replace("’", "'")
        word = "%" if word == "percent" else word
        unit = UNITS.get(word)
        if unit and (len(word) > 1 or not word.isalpha() or match[1] in "gtmlsvVWAh"):
            if word in ("a", "an", "s") and match[1].islower():
                return "", end
            return unit, match.end()
    spanned = _RANGE.match(text, end)
    if spanned and (unit := UNITS.get(spanned[1].casefold())):
        return unit, end
    return "", end


def value_of(number: str) -> float:
    """The value of a number in digits; what separates thousands is told from a decimal point by three digits."""
    plain = re.sub(r"[.,'’\u00a0\u202f ](?=\d{3}(?:\D|$))", "", number)
    plain = plain.replace(",", ".")
    try:
        return float(plain)
    except ValueError:
        return float(re.sub(r"\D", "", number) or 0)


def _amount(text: str, match: re.Match[str]) -> Figure:
    value, end = value_of(match["number"]), match.end("number")
    if match["ordinal"]:
        offers, wanted = amount(value, ordinal=True)
        return Figure(match.start(), match.end(), offers, wanted, "ordinal")
    behind = re.compile(r"[\s\u00a0-]?([^\W\d_]+)\.?").match(text, end)
    if behind and (times := scale(behind[1].casefold())) and (len(behind[1]) > 1):
        value, end = value * times, behind.end()
        of = re.compile(r"\s+(?:de|of|d['’])\s+").match(text, end)
        end = of.end() if of and unit_behind(text, of.end() - 1)[0] else end
    unit, end = unit_behind(text, end)
    if not unit and (ahead := _UNIT_AHEAD.search(text, max(0, match.start() - 4), match.start())):
        unit = UNITS[ahead[0].strip().casefold()]
    offers, wanted = amount(value, unit)
    return Figure(match.start(), max(end, match.end()), offers, wanted, unit)


def _plain(match: re.Match[str], text: str) -> Iterator[Figure]:
    """The numbers in what looks like a date and is none."""
    for number in re.compile(r"\d+(?:[.,]\d+)?").finditer(text, match.start(), match.end()):
        unit, end = unit_behind(text, number.end())
        offers, wanted = amount(value_of(number[0]), unit)
        yield Figure(number.start(), end, offers, wanted, unit)


def _time(match: re.Match[str]) -> Figure:
    hour, minute = (int(part) for part in [*re.findall(r"\d+", match[0]), "0"][:2])
    if match["half"]:
        hour = hour % 12 + (12 if match["half"].casefold() == "p" else 0)
    keys = frozenset((f"t{hour * 60 + minute}",))
    return Figure(match.start(), match.end(), keys | ({str(hour)} if not minute else frozenset()), keys, "time")


def _date(match: re.Match[str], kind: str) -> Figure | None:
    parts = re.findall(r"\d+", match[0])
    year: int | None = None
    if kind == "iso":
        year, month_number, day = (int(part) for part in parts)
    elif kind in ("dotted", "slashed"):
        day, month_number = int(parts[0]), int(parts[1])
        year = int(parts[2]) if len(parts) > 2 else None
        if month_number > 12 >= day and kind == "slashed":
            day, month_number = month_number, day
        if year is not None and year < 100:
            year += 2000
    else:
        name = next(word for word in re.findall(r"[^\W\d_]+", match[0]) if word.casefold() in MONTHS)
        month_number = MONTHS[name.casefold()]
        years = [int(part) for part in parts if len(part) == 4]
        days = [int(part) for part in parts if len(part) < 4]
        year, day = next(iter(years), None), next(iter(days), 0)
    if not 1 <= month_number <= 12 or day > 31:
        return None
    return _dated(match, year, month_number, day)


def _dated(match: re.Match[str], year: int | None, month_number: int, day: int) -> Figure:
    in_month = f"m{month_number}"
    whole = f"{in_month}d{day}" if day else in_month
    offers = {in_month, whole}
    if year is not None:
        offers |= {str(year), f"y{year}{in_month}", f"y{year}{whole}"}
        whole = f"y{year}{whole}"
    return Figure(match.start(), match.end(), frozenset(offers), frozenset((whole,)), "date")
