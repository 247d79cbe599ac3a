"""Questions that only make sense after earlier ones: "And in 2021?", "How many people worked there in that year?"

Whether one is, is decided by what it lacks: a pronoun or "that year" points to something said before, "and" goes on
with it, and a question without a content word or a verb of its own leaves the rest to be filled in. Then the documents
are searched with the earlier question too, and with the names of the answer if it points to somebody.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from desktop_llm.engine.client import ChatMessage

_MOST_EARLIER = 3
_MOST_NAMES = 4
_READ_OF_ANSWER = 400
_FEWEST_UNSPACED = 4  # characters of a question that names its subject

_POINTS_BACK = re.compile(
    r"\b(he|she|they|him|her|hers|his|them|their|theirs|its|then|"
    r"(?<!\bis )(?<!\bare )(?<!\bwas )(?<!\bwere )(?<!\bbe )(?<!\bbeen )(?<!\bdoes )"
    r"there(?! (is|are|was|were|any|be|been|will|exist)\b)|"
    r"(that|this|those|these|the same|the other|said) "
    r"(year|month|day|date|time|place|site|city|town|country|person|man|woman|company|one|period|case|amount|number|"
    r"people|team|department|document|contract|report|project|product|part|section|clause|sum|price|figure)s?|"
    r"the (latter|former|others?)|which (one|of (them|these|those))|"
    r"ihn|ihm|ihnen|ihre[mnrs]?|er|dort|dorthin|damals|dabei|davon|dazu|dafür|darüber|deren|dessen|"
    r"(diese[mnrs]?|jene[mnrs]?|selben|gleichen) (jahr|jahre|monat|tag|ort|stadt|firma|person|zeit|standort|vertrag|"
    r"bericht|betrag)e?s?|"
    r"il|elle|ils|elles|lui|eux|là|celui-ci|celle-ci|celui-là|cette (année|ville|personne|société|date)(-là)?|"
    r"ce (mois|jour|site|contrat|rapport)(-là)?|y (travaill\w+|avait|a-t-il)|"
    r"él|ella|ellos|ellas|allí|allá|ese|esa|aquel|aquella|entonces|"
    r"lei|loro|quell'anno|"
    r"он|она|оно|они|его|её|ее|их|ему|ей|им|ним|ней|нём|нем|там|тогда|этот|эта|это|этом|этого|этой|тот|том|той)\b|"
    r"他|她|它|那里|那儿|那边|那年|那个|这个|这里|该|其|那时|"
    r"それ|その|そこ|あれ|あの|彼|彼女|これ(?!から)|同じ年|"
    r"그것|그곳|거기|그때|그 |그녀|"
    r"\b((?<!ما )هو|(?<!ما )هي|هم|هناك|ذلك|تلك|هذه|هذا|فيها|فيه|منها|منه|عنها|عنه)\b",
    re.IGNORECASE,
)
# "it" often stands for nothing: "Is it possible to sublet?"
_IT = re.compile(
    r"\bit\b(?! (is|was|be|takes?|took|possible|necessary|allowed|true|rain\w*|cost to|mean to|seem\w*)\b)",
    re.IGNORECASE,
)
_FOR_NOTHING = re.compile(
    r"\b(is|was|does|will|would|can) it (possible|necessary|allowed|true|that|take|rain|cost to|mean to)\b",
    re.IGNORECASE,
)
# What a pronoun points to may stand in the same question: "How does the garden get its water?", "When is the rent due,
# and who pays it?"
_BELONGS_TO_IT = re.compile(
    r"\b(?<!\bof )(the|a|an|each|every|der|die|das|le|la|el|il) [\w-]+\b.*?"
    r"\b(its|their|his|her|ihre[mnrs]?|deren|dessen)\b",
    re.IGNORECASE,
)
_NAMED_BEFORE = re.compile(r"\b(the|a|an) [\w-]+.*(,|;|:| and| but| or) .*\bit\b", re.IGNORECASE)
_GOES_ON = re.compile(
    r"^\W*(and|but|or|so|also|what about|how about|what of|same for|und|aber|oder|auch|sowie|was ist mit|"
    r"wie steht es|et|mais|ou|aussi|qu'en est-il|y|pero|o|también|qué hay de|e|ma|anche|en|maar|а|и|но|или|также|"
    r"ماذا عن)\b|^\W*و(ماذا|ما|كم|أين|متى|من|هل|في)|"
    r"^\W*(那|那么|还有|而|では|じゃあ|それで|그럼|그리고)|(呢|は)[?？]?\s*$",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]")
# Words that ask or connect but name nothing, so that a question of these alone is about what was said before.
_NO_CONTENT_WORDS = """
a about all also am an and any are as at be because been but by can could describe detail details did do does each
elaborate else ever exactly example examples explain for from further give go had has have how i if in is it its
just know like list long many me mean means more much my no not now of often old on one ones or other others please
precisely say says show so some sure tell than that the them then there they this those to too under until up was we
were what when where whether which who whom whose why will with would yes you your ok okay thanks really again same
both aber alle als auch auf aus bitte das dass dem den der des die doch ein eine einen er erkläre erklären es für
gab genau genauer gibt hat hatte ich im ist ja kannst kann man mehr mir mit nach nein nicht noch oder sag sie sind
und uns von war waren warum weiter welche welcher welches wem wen wer weshalb wie wieso wieviel viel viele wann wo
woher wohin zeig zu zum zur beispiel beispiele alors au aussi autre autres ce ces cela combien comment dans de dis
du elle en encore est et exemple exemples explique il ils je la le les mais moi non où ou oui par plus pour pourquoi
quand que quel quelle quels quoi qui sont un une cómo con cuál cuándo cuánto cuántos del dime dónde el ella eso esto
explica las lo los más o para pero por porque qué quién sí una y а в где да для ещё еще и из или как какая какие
какой когда который кто ли на не нет но о об объясни она он они по подробнее почему при пример расскажи с сколько
так там то у что чего это
"""
_NO_CONTENT = frozenset(_NO_CONTENT_WORDS.split())
_VERB_OR_ASKING = re.compile(
    r"\b(is|are|was|were|be|do|does|did|has|have|had|can|could|will|would|shall|should|may|might|must|what|when|where|"
    r"which|who|whom|whose|why|how|list|show|tell|find|give|name|explain|describe|compare|summari[sz]e|"
    r"ist|sind|war|waren|hat|haben|wird|werden|kann|darf|muss|was|wann|wo|wer|wie|warum|welche[rsmn]?|nenne|zeige?|"
    r"est|sont|était|a|ont|quel\w*|qui|quand|où|comment|combien|pourquoi|"
    r"es|son|fue|qué|quién|cuándo|dónde|cómo|cuánt\w+|"
    r"кто|что|когда|где|как\w*|почему|сколько|чей|есть|был[аио]?)\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<![.!?:]\s)(?<!^)\b[A-ZÀ-ÞА-Я][\w'’-]+(?: [A-ZÀ-ÞА-Я][\w'’-]+)*")
_YEAR = re.compile(r"\b(?:1[5-9]|20)\d\d\b")
_WORDS_OF_PERSONS = re.compile(
    r"\b(he|she|they|him|her|hers|his|them|their|er|ihn|ihm|ihre[mnrs]?|il|elle|ils|elles|lui|él|ella|он|она|они|его|её|"
    r"ее|их|ему|ей)\b|他|她|彼",
    re.IGNORECASE,
)


def retrieval_query(messages: Sequence[ChatMessage]) -> str:
    """What to search the documents for: the last question, after those before it that it can't stand without."""
    at = [place for place, message in enumerate(messages) if message.role == "user"]
    last = messages[at[-1]].text
    parts = [last]
    for place, following in zip(reversed(at[:-1][-_MOST_EARLIER:]), reversed(at), strict=False):
        asked = parts[0]
        if not lacks_something(asked):
            break
        earlier = messages[place].text
        if _WORDS_OF_PERSONS.search(asked) and (names := _names(messages[place + 1 : following], earlier + last)):
            parts.insert(0, names)
            parts.insert(0, earlier)
            break
        parts.insert(0, earlier)
    # "And in 2021?" asks about 2021 instead of the year before.
    dated = max((place for place, part in enumerate(parts) if _YEAR.search(part)), default=0)
    parts = [" ".join(_YEAR.sub(" ", part).split()) if place < dated else part for place, part in enumerate(parts)]
    return "\n".join(part for part in parts if part.strip())


def lacks_something(question: str) -> bool:
    """Whether a question points to what was said before, or leaves it to be filled in."""
    text = question.strip()
    if _POINTS_BACK.search(_BELONGS_TO_IT.sub(" ", text)) or _GOES_ON.search(text):
        return True
    if _IT.search(text) and not (_FOR_NOTHING.search(text) or _NAMED_BEFORE.search(text)):
        return True
    if _UNSPACED.search(text):
        return len(_UNSPACED.findall(text)) < _FEWEST_UNSPACED
    words = [word for word in _WORD.findall(text) if word.casefold() not in _NO_CONTENT]
    return not words or (len(words) == 1 and not _VERB_OR_ASKING.search(text))


def _names(answers: Sequence[ChatMessage], known: str) -> str:
    """The names in an answer that the questions don't hold, a few."""
    text = " ".join(message.text for message in answers if message.role == "assistant")[:_READ_OF_ANSWER]
    found = [name for name in _NAME.findall(text) if name not in known]
    alone = text.strip(" .!")
    if not found and 0 < len(alone.split()) <= _MOST_NAMES and alone[0].isupper():
        found = [alone]
    return " ".join(list(dict.fromkeys(found))[:_MOST_NAMES])
