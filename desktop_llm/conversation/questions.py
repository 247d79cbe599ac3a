"""Tells whether a question is about all documents at once: "list all", "how many", "which of them", "compare".

It is told by words, in some languages, and only offers something; so it rather misses a question than sees too many.
"""

from __future__ import annotations

import re

_FLAGS = re.IGNORECASE | re.UNICODE
_BEGIN = r"^\W*(?:(?:please|bitte|can you|could you|kannst du|können sie|peux-tu|pouvez-vous|puedes|por favor)\W+)*"

# "How do I list all …?" asks for a way, "list" in "the list of …" is no order.
_ASKS_HOW = re.compile(
    r"^\W*(?:how (?:do|does|can|could|should|would|to)\b|wie (?:kann|mache|erstelle|liste|zähle|soll|geht)\b|"
    r"comment\b|cómo\b|como (?:faço|posso)\b|come (?:si|posso|faccio)\b|как\b|如何|怎么|怎麼|どうやって|どうすれば)",
    _FLAGS,
)
_ALL = (
    r"(?:all|every|each|any|alle[nrs]?|jede[nmrs]?|sämtliche[nr]?|tou(?:s|t|te|tes)|chaque|tod[oa]s?|cada|tutt[eiao]|ogni|"
    r"todos os|todas as|все(?:х|м|ми)?|каждый|каждого|каждом|каждая|каждую)"
)
_DOCUMENTS = (
    r"(?:documents?|files?|contracts?|papers?|invoices?|reports?|offers?|leases?|letters?|dokumente?n?|dateien|verträge|"
    r"rechnungen|berichte|angebote|briefe|fichiers?|contrats?|factures?|rapports?|offres?|archivos|documentos|contratos|"
    r"facturas|informes|ofertas|documenti|contratti|fatture|arquivos|документ\w*|файл\w*|договор\w*|сч[её]т\w*|отч[её]т\w*)"
)
_SEVERAL = _DOCUMENTS.replace("s?", "s")  # not one of them
_LISTING = re.compile(
    _BEGIN + r"(?:(?:(?:make|give me|write|create|show me) (?:a |the )?(?:complete |full )?list of|liste?|"
    r"enumerate|name|show(?: me)?|"
    r"find|extract|collect|give me|tell me|nenne?(?: mir)?|liste|zeige?(?: mir)?|finde|zähle|sammle|"
    r"énum[èe]re[zr]?|liste[zr]?|donne[zr]?(?:-moi)?|montre[zr]?(?:-moi)?|cite[zr]?|trouve[zr]?|"
    r"enumera|lista|haz una lista|dime|muestra|encuentra|elenca|liste|enumere|"
    r"перечисли(?:те)?|назови(?:те)?|найди(?:те)?|покажи(?:те)?|составь(?:те)? список))\b(?P<rest>.*)",
    _FLAGS | re.DOTALL,
)
_LIST_ORDERS = re.compile(
    _BEGIN + r"(?:list|enumerate|make (?:a|the) (?:complete |full )?list of|liste|énum[èe]re|enumera|"
    r"elenca|перечисли(?:те)?|"
    r"составь(?:те)? список|haz una lista|erstelle eine liste)\b",
    _FLAGS,
)
_HOW_MANY = re.compile(
    r"(?:^|[,;:]\s*|\bin\s)\W*(?:how many|wie ?viele|combien d[e'’]|cuánt[oa]s|cuant[oa]s|quant[ei]|quant[oa]s|"
    r"сколько (?!стоит|времени|лет|часов|дней|дня|месяцев|евро|рублей))\s*(?P<what>[^\W\d_]*)",
    _FLAGS,
)
# What is counted in one place: "How many days' notice …?", "How many euros …?".
_MEASURES = re.compile(
    r"^(?:days?|weeks?|months?|years?|hours?|minutes?|seconds?|euros?|dollars?|pounds?|francs?|percent|metres?|meters?|"
    r"miles?|litres?|liters?|grams?|degrees?|times|points?|rooms?|tage?n?|wochen|monate?n?|jahre?n?|stunden|minuten|"
    r"euro|franken|prozent|meter|liter|mal|zimmer|jours?|semaines?|mois|années?|ans|heures?|temps|fois|argent|"
    r"d[ií]as|semanas|meses|años|horas|minutos|veces|giorni|mesi|anni|ore|dias|anos)$",
    _FLAGS,
)
_WHICH_OF = re.compile(
    r"^\W*(?:(?:in|from|for|to|with|an|bei|mit|dans|en|de)\s+)?(?:which|what|welche[rnms]?|lesquel(?:le)?s|quel(?:le)?s|cuáles|cuales|"
    r"qué|quali|quais|какие|каких|который|которые|какой)\s+(?:(?:of|von|unter|d(?:e|es)|de|dei|delle|dos|das|из)\s+"
    r"(?:them|these|those|the|all|my|our|ihnen|diesen|den|allen|ces|mes|estos|los|las|meus|них|этих|всех)\b|"
    + _DOCUMENTS
    + r"\b)",
    _FLAGS,
)
_ALL_DOCUMENTS = re.compile(
    rf"\b{_ALL}\s+(?:of\s+)?(?:the|these|those|my|our|der|die|diese[rn]?|meine[rn]?|unsere[rn]?|les|ces|mes|nos|los|las|"
    rf"estos|mis|i|le|gli|os|as)?\s*{_DOCUMENTS}\b|\b(?:in|of|from)\s+{_ALL}\s+of\s+them\b",
    _FLAGS,
)
_EVERYTHING = (
    rf"(?:everything|alles|tout\b(?! à)|todo\b|tutto|tudo|вс[её]\b|{_ALL}\s|"
    rf"the (?:whole |entire )?(?:collection|folder)|"
    rf"(?:the|these|my|our|die|diese|meine|les|ces|mes|los|estos|mis)\s+{_SEVERAL})"
)
_SUMMARY_VERB = (
    r"(?:summari[sz]e|sum up|give (?:me )?(?:a |an )?(?:summary|overview) of|(?:fasse?|fassen sie)|"
    r"r[ée]sume[zr]?|resume|resúmeme|resumir|riassumi|resuma|суммируй(?:те)?|обобщи(?:те)?|кратко изложи(?:те)?)"
)
_SUMMARY = re.compile(_BEGIN + rf"{_SUMMARY_VERB}\b.*?\b{_EVERYTHING}", _FLAGS | re.DOTALL)
_COMPARE = re.compile(
    _BEGIN + r"(?:compare|contrast|vergleiche?|vergleichen sie|compare[zr]?|compara|confronta|сравни(?:те)?)\b.*?\b"
    rf"(?:{_EVERYTHING}|them\b|sie\b|-les\b|{_SEVERAL}$)",
    _FLAGS | re.DOTALL,
)
_FILE_NAME = re.compile(r"\b[\w-]+\.[a-z]{2,5}\b", _FLAGS)
# Chinese, Japanese and Korean have no blanks between words, so their words are looked for anywhere.
_CJK_LIST = re.compile(
    r"列出|列举|列舉|所有的?[^，。]{0,12}(?:有哪些|是什么|是什麼)|有哪些|哪些(?:文件|文档|文檔|合同)|(?:多少|几|幾)(?:个|個|份|家|座|份文件)|"
    r"すべて(?:の|を)?[^。]{0,20}(?:挙げ|列挙|リスト|教え|一覧)|全て(?:の|を)?[^。]{0,20}(?:挙げ|列挙|リスト|教え|一覧)|一覧(?:を|に)|列挙|リストアップ|"
    r"いくつ(?:の|あり)|何(?:件|社|か所|ヶ所|箇所|都市|ファイル)|どの(?:ファイル|文書|契約)|"
    r"모두 (?:나열|열거|알려)|모든 .{0,20}(?:나열|열거|목록|알려)|몇 (?:개|곳)|어떤 (?:파일|문서)"
)
_CJK_SUMMARY = re.compile(
    r"(?:总结|概括|摘要|總結|比较|比較|对比|對比).{0,10}(?:所有|全部|这些|這些|文件|文档|文檔)|(?:所有|全部).{0,10}(?:总结|概括|總結|比较|比較)|"
    r"(?:すべて|全て|全部|全文書).{0,15}(?:要約|まとめ|比較)|(?:모두|모든|전부).{0,15}(?:요약|비교)"
)
_LONGEST = 600  # characters of a question that is looked at


def asks_for_every_file(question: str) -> bool:
    """Whether the question can only be answered well from all documents."""
    text = question.strip()[:_LONGEST]
    if _ASKS_HOW.match(text) or _FILE_NAME.search(text):
        return False
    if asks_for_a_summary(text) or _CJK_LIST.search(text):
        return True
    if _LIST_ORDERS.match(text) or _WHICH_OF.match(text) or _ALL_DOCUMENTS.search(text):
        return True
    if (order := _LISTING.match(text)) and re.match(rf"\W*(?:me\s+)?{_ALL}\b", order["rest"], _FLAGS):
        return True
    return any(_counts(text, found) for found in _HOW_MANY.finditer(text))


def asks_for_a_summary(question: str) -> bool:
    """Whether all documents are to be summed up or compared, in place of things in them listed or counted."""
    text = question.strip()[:_LONGEST]
    if _ASKS_HOW.match(text) or _FILE_NAME.search(text):
        return False
    return bool(_SUMMARY.match(text) or _COMPARE.match(text) or _CJK_SUMMARY.search(text))


def _counts(text: str, found: re.Match[str]) -> bool:
    """Whether "how many" counts over documents: not a measure, and not about one thing with a name or a date."""
    if _MEASURES.match(found["what"]):
        return False
    if re.fullmatch(_DOCUMENTS, found["what"], _FLAGS):
        return True
    rest = text[found.end() :]
    names_one = re.search(r"(?<![.!?] )\b[A-ZÀ-ÖØ-ÞА-Я][\w-]+|\d", rest)
    # German nouns have capitals, so a capital tells nothing there.
    german = re.match(r"\W*wie ?viele", found.group(), _FLAGS) is not None
    return (german and not re.search(r"\d", rest)) or not names_one
