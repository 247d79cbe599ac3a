"""Whether a question is about whole documents ("Summarise the lease") or about something in them."""

from __future__ import annotations

import re

from desktop_llm.knowledge.keywords import QueryWord, meaningful, plain, stem
from desktop_llm.knowledge.stop_words import EMPTY_WORDS

_SUMMARY = re.compile(
    r"\b(summar(y|ies|i[sz]e[ds]?|i[sz]ing)|sum (it |this |that |them |these |everything |all )?up|overview|outline|"
    r"gist|tl;? ?dr|recap|synopsis|abstract|digest|takeaways?|(main|key) (points?|ideas?|messages?|content)|"
    r"zusammenfass\w*|zusammenzufassen|fasse?\b.*\bzusammen|uberblick|inhaltsangabe|kernaussagen?|worum geht|"
    r"wovon handel[nt]|resume[zrsn]?|resumen|synthese|apercu|resumir|sintesis|riassum\w+|sintesi|resumo|"
    r"samenvatt\w+|vat\b.*\bsamen|de quoi (parle|traite|s'agit)|de que (trata|se trata)|di cosa (parla|tratta)|"
    r"what (is|are|does|do) (this|the|these|that|those|it|they|all)\b.*\b(about|deal with|cover|contain)|"
    r"what('?s| is| are)( in)? (this|it|that|these)\b.*)|"
    r"обобщ\w+|резюм\w+|кратк\w+ содержание|о чем|перескажи|总结|概括|概述|摘要|大意|要約|まとめ|要旨|요약|"
    r"لخص|تلخيص|ملخص",
    re.IGNORECASE,
)
# "the summary table" and "the abstract" are something in a document; "a summary of the table" is not.
_PART_OF_A_NAME = re.compile(
    r"\b(the|a|an) (summary|overview|outline|abstract|digest|synopsis|recap)\b(?! (of|about|for|on|from)\b)"
)
# What people say around such a question, and how they call documents; anything else is a subject of its own.
_AROUND_WORDS = """
please kindly briefly brief short shortly concise quick quickly detailed detail give get write make create provide
produce prepare show need want like let us me tell can could would help complete full whole entire everything all
content contents deal cover contain summary summaries summarise summarize overview outline gist tldr recap synopsis
abstract digest takeaways takeaway main key point points idea ideas message messages sentence sentences word words
bullet bullets list line lines paragraph paragraphs one two three four five six seven eight nine ten few page pages
document documents file files text texts paper papers report reports article articles attachment attachments pdf
upload uploaded attached material materials collection folder book letter english german french spanish bitte kurz
kurze kurzen fasse fass zusammen zusammenfassen zusammenfassung zusammenfassungen zusammenzufassen gib schreibe
erstelle mach mir alles alle allem ganze ganzen gesamte inhalt inhaltsangabe kernaussagen kernaussage uberblick
dokument dokumente dokuments datei dateien texte bericht berichte worum geht wovon handelt handeln hier satz satze
satzen stichpunkte stichpunkten drei resume resumer resumez resumes fichier fichiers rapport donne donnez faire fais
tout tous toute synthese apercu bref brievement parle traite agit quoi phrases resumen resumir documento documentos
archivo archivos texto informe haz dame todo todos trata breve riassumi riassunto riassumere sintesi testo parla
tratta tutto cosa fai resumo samenvatting samenvatten vat samen bestand bestanden обобщи обобщить резюме кратко
краткое содержание документ документа документы документов файл файлы файла текст текста сделай дай напиши перескажи
чем все sum up tl dr
"""
_AROUND = frozenset(map(stem, _AROUND_WORDS.split()))
_UNSPACED_AROUND = re.compile(
    "总结|概括|概述|摘要|大意|要約|まとめ|要旨|요약|请|一下|这|那|个|份|篇|些|文档|文件|文章|文本|资料|内容|全文|全部|所有|的|帮我|给我|写|"
    "文書|資料|ファイル|この|その|これら?|して|ください|教えて|を|の|は|"
    "문서|파일|이|해|줘|주세요|을|를|لخص|تلخيص|ملخص"
)
_FILE_NAME = re.compile(r"[\w-]+(\.\w+)+")


def subject(question: str) -> list[QueryWord] | None:
    """None unless a summary is asked for; else the words that say of what: none of everything.

    "Summarise the lease" gives "lease", and the rules about it decide: if it is a document's name, that document is
    meant, else this is a question like any other.
    """
    text = plain(question)
    if not _SUMMARY.search(text):
        return None
    rest = _UNSPACED_AROUND.sub(" ", _FILE_NAME.sub(" ", text))
    found = [
        each
        for each in meaningful(rest)
        if len(each.word) > 1 and not each.word.isdigit()
        if each.word not in EMPTY_WORDS and stem(each.word) not in _AROUND
    ]
    return None if found and _PART_OF_A_NAME.search(text) else found
