"""The small words that decide what a sentence claims: negation, duty, quantity, time, order, cause, and pronouns.

English, German, French, Spanish and Italian; negations and quantities in Russian, Arabic and Chinese too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from functools import cache

_TABLES = {
    "negations": """
en: not n't no never none nobody nothing neither nor without cannot except excluding fail fails failed failing failure
 lack lacks lacked lacking unable refuse refuses refused instead
de: nicht kein keine keinen keinem keiner keines nie niemals niemand niemandem nichts ohne weder außer
fr: ne n pas non jamais aucun aucune rien sans ni sauf hormis
es: no nunca jamás ningún ninguna ninguno nadie nada sin tampoco excepto salvo
ru: не нет ни без никогда нельзя кроме никто ничего
ar: لا لم لن ليس ليست غير بدون دون ما
it: non no mai nessuno nessuna nessun niente nulla senza né tranne eccetto salvo""",
    "scoped": """
en: without except excluding
de: ohne außer
fr: sans sauf hormis non
es: sin excepto salvo
ru: без кроме
ar: بدون دون
it: senza tranne eccetto salvo""",
    "must": """
en: must shall need needs needed required require requires obliged obligatory mandatory compulsory essential necessary
de: muss müssen musste mussten verpflichtet erforderlich notwendig
fr: doit doivent devra devront obligé obligatoire nécessaire
es: debe deben deberá deberán obligado obligatorio necesario
ru: должен должна должны обязан обязаны необходимо
ar: يجب
it: deve devono dovrà dovranno obbligato obbligatorio necessario bisogna occorre""",
    "may": """
en: may might can could allowed permitted optional possible possibly perhaps entitled authorised authorized
de: darf dürfen kann können könnte erlaubt gestattet möglich möglicherweise
fr: peut peuvent pourra pourront autorisé permis possible
es: puede pueden podrá podrán permitido posible
ru: может можно могут
ar: يمكن
it: può possono potrà potranno permesso consentito possibile""",
    "should": """
en: should ought recommended advised advisable recommend recommends
de: soll sollte sollten empfohlen
fr: devrait devraient conseillé recommandé
es: debería deberían recomendado
it: dovrebbe dovrebbero consigliato raccomandato""",
    "all": """
en: all every everyone everybody everything always
de: alle allen aller alles jeder jede jedes jeden jedem immer sämtliche stets
fr: tous toutes chaque toujours
es: todos todas todo toda cada siempre
ru: все всегда каждый всех
ar: كل جميع دائما
it: tutti tutte tutto tutta ogni sempre ciascun ciascuno""",
    "some": """
en: some several many most few certain partly partially sometimes majority minority half often usually mostly
de: einige mehrere manche viele wenige meisten teilweise manchmal oft meistens
fr: quelques certains certaines plusieurs parfois beaucoup plupart souvent
es: algunos algunas varios muchos muchas pocos mayoría
ru: некоторые несколько многие иногда
ar: بعض أحيانا
it: alcuni alcune qualche parecchi molti molte pochi poche maggioranza talvolta spesso""",
    "only": """
en: only solely exclusively merely
de: nur ausschließlich lediglich
fr: seulement uniquement exclusivement seuls seules
es: solo sólo solamente únicamente
ru: только лишь исключительно
ar: فقط
it: solo soltanto solamente unicamente esclusivamente""",
    "future": """
en: will planned proposed intend intends intended intending expected expects expect scheduled upcoming hopes hope aims
 proposes propose planning
de: soll geplant plant künftig
fr: prévu prévue prochain prochaine prévoit prévoient
es: previsto prevista planea planean próximo próxima
ru: будет будут планирует
ar: سوف
it: previsto prevista prossimo prossima prevede""",
    "past": """
en: already ago
de: bereits schon
fr: déjà dernier dernière
es: ya pasado pasada
ru: уже
it: già scorso scorsa""",
    "before": """
en: before prior until till
de: bevor vor vorher
fr: avant
es: antes
ru: перед до
ar: قبل
it: prima""",
    "after": """
en: after following
de: nach nachdem danach
fr: après
es: después
ru: после
ar: بعد
it: dopo""",
    "than": """
en: than
de: als
ru: чем""",
    "because": """
en: because since due owing
de: weil da denn wegen
fr: parce car puisque
es: porque puesto debido
ru: потому поскольку
ar: لأن
it: perché poiché siccome""",
    "therefore": """
en: therefore thus hence consequently
de: deshalb daher folglich
fr: donc ainsi
es: entonces
ru: поэтому
ar: لذلك
it: quindi perciò pertanto""",
    "joining": """
en: and but or while whereas although though yet
de: und aber oder während obwohl sondern doch
fr: et mais ou tandis alors bien
es: y e pero o mientras aunque sino
ru: и а но хотя
ar: و لكن
it: e ed ma o oppure mentre però""",
    "subordinating": """
en: because since if unless when where until before after as so who which whom whose that
de: weil da denn wenn falls bevor nachdem bis sobald dass sodass wo
fr: parce car puisque si quand lorsque avant après que qui où
es: porque si cuando antes después que donde
ru: потому если когда который которая где что
ar: لأن إذا عندما حيث
it: perché poiché se quando finché che dove chi""",
    "conditions": """
en: if unless when whenever
de: wenn falls
fr: si quand lorsque
es: si cuando
ru: если когда
ar: إذا عندما
it: se quando""",
    "relative": """
en: who which whom whose where
fr: qui où
es: donde
ru: который которая где
it: che dove""",
    "feminine": """
en: she her hers
fr: elle
es: ella
ru: она её ей
it: lei ella""",
    "masculine": """
en: he him his
de: er ihm ihn
fr: il
es: él
ru: он его ему
it: lui egli""",
    "neuter": """
en: it its one ones they them their theirs those these this
de: es sie ihr ihre ihren sein seine seinen seiner diese dieser dieses
fr: ils elles leur lui cela son sa ses celui celle ceux
es: ello lo ellos ellas esto su sus
ru: это они их
it: esso essa essi esse loro ciò questo questa questi queste quello quella quelli quelle suo sua suoi sue""",
    "object_pronouns": """
en: him her them
de: ihm ihn ihr
fr: lui leur
es: le les
ru: его ему её ей их
it: gli loro""",
    "possessives": """
en: his her its their
de: sein seine seinen seiner ihr ihre ihren
fr: son sa ses leur
es: su sus
ru: его её их
it: suo sua suoi sue""",
    "articles": """
en: a an the this that these those its his her their our your my each every
de: der die das den dem des ein eine einen einem einer eines
fr: le la les l un une des du au aux ce cet cette ces son sa ses
es: el la los las un una unos unas del al su sus
it: il lo la i gli le l un uno una del dello della dei degli delle al allo alla ai agli alle suo sua suoi sue questo
 questa""",
    "prepositions": """
en: of in on at by for with from to into onto over under about between among through during against within per across
 near behind beside towards toward upon via around inside outside above below until till off out
de: von in im an am auf bei mit für aus zu zum zur über unter durch gegen um bis pro vom beim ins
fr: de d en à dans sur sous par pour avec chez vers entre jusqu contre du des au aux
es: de en a con por para sobre entre hasta desde hacia contra del al
ru: в на с из к у о по за от для со
ar: في من إلى على عن
it: di a da in con su per tra fra del dello della dei degli delle dell al allo alla ai agli alle all dal dallo dalla
 dai dagli dalle dall nel nello nella nei negli nelle nell sul sullo sulla sui sugli sulle verso contro presso durante
 entro""",
    "auxiliaries": """
en: be am is are was were been being have has had do does did will would shall should can could may might must
de: ist sind war waren wird werden wurde wurden worden hat haben hatte hatten kann können muss müssen darf dürfen soll
 sollen sollte
fr: est sont était étaient sera seront a ont avait avaient peut peuvent doit doivent fut furent été
es: es son era eran fue fueron será serán ha han había puede pueden debe deben está están
ru: был была было были будет будут
it: è sono era erano fu furono sarà saranno ha hanno aveva avevano può possono deve devono viene vengono essere stato
 stata stati state""",
    "be": """
en: be am is are was were been being
de: ist sind war waren wird werden wurde wurden worden
fr: est sont été fut furent était
es: es son fue fueron está están quedó quedaron
ru: был была было были
it: è sono era erano fu furono viene vengono essere stato stata stati state""",
    "past_auxiliaries": """
en: was were had did been has have
de: wurde wurden worden hatte hatten hat war waren
fr: a ont avait fut été
es: ha han había fue fueron
ru: был была было были
it: ha hanno aveva avevano fu furono era erano""",
    "by": """
en: by
de: von durch vom
fr: par
es: por
it: da dal dallo dalla dai dagli dalle dall""",
    "general": """
en: document documents text passage passages source sources context information section page file report list
 amount total number sum value price cost rate fee duration period time date place location site
 person people thing part way kind type item case matter rule regulation policy requirement condition reason sign
 meeting event job position role dish recipe plant result fact detail note name title
 located situated called named state stated say mention mentioned specify specified note described according take get
 make give do have occur happen become stay remain hold carry place keep go come exist
 held given made done set currently now also however still available free charge whole own main rather
 like such once again together respectively approximately about around roughly exactly namely
de: betrag zeit dauer datum ort art person menschen dokument kostet kosten laut gemäß angaben beträgt liegt befindet
fr: document durée montant date lieu personne coûte coûtent selon après trouve
es: documento cantidad fecha lugar persona cuesta cuestan vale según queda quedó
it: documento durata importo data luogo persona costa costano vale secondo trova dopo""",
    "light": """
en: take use let get make give do have hold carry place keep go come occur happen become stay remain exist state
 say mention
de: geben machen nehmen stehen gelten
fr: faire mettre donner prendre
es: hacer tener dar poner
it: fare avere dare mettere""",
    "small": """
en: i you we me us him them himself herself itself themselves yes please there here s t ll re ve d m within up down
 whoever anyone someone somebody something anything else than even very too quite really any both just other so if then
 am an as because been being between could did do does doing down during each few further had has have having how into
 is it more most my nor of off or our out own same shall she should some such their theirs them then there these they
 those through until upon was were what when which while who whom why will with would you your
de: ja hier dort ich du wir ihr uns euch mich dich sich ein eine auch als am aus bei bis da dass dem den der des die
 dies dieser dieses doch durch er es haben hat im in ist man mit noch nur ob oder sehr sein sind so um und vom
 wann war was wenn wer wie wo zum zur worden haben damit dabei
fr: oui je tu nous vous y quel quelle être c j m qu s t on se si ce ces cela dont comme plus très
es: sí yo tú nosotros ser estar se lo que como muy más ya esta este quien cual
ru: в и на что как по из за от до для это был была было были к с у о об но а же он она они
ar: في من على إلى عن هذا هذه التي الذي هو هي تم قد أن إن و
it: sì io tu noi voi ci vi si mi ti ne lo come più molto così anche già quale cui ad""",
}


def word_set(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


TITLES = word_set("mr mrs ms miss dr sir herr herrn frau mme mlle señor señora signor signora")


@dataclass(frozen=True, slots=True)
class Grammar:
    """The small words of one language, by what they do."""

    negations: frozenset[str]
    scoped: frozenset[str]
    """Negations that reach to the end of their phrase only: without, except."""
    must: frozenset[str]
    may: frozenset[str]
    should: frozenset[str]
    all: frozenset[str]
    some: frozenset[str]
    only: frozenset[str]
    future: frozenset[str]
    past: frozenset[str]
    before: frozenset[str]
    after: frozenset[str]
    than: frozenset[str]
    because: frozenset[str]
    therefore: frozenset[str]
    joining: frozenset[str]
    """A clause that begins with one of these, and has a verb, stands by itself."""
    subordinating: frozenset[str]
    """A clause that begins with one of these says when, why or on what condition."""
    conditions: frozenset[str]
    relative: frozenset[str]
    feminine: frozenset[str]
    masculine: frozenset[str]
    neuter: frozenset[str]
    object_pronouns: frozenset[str]
    possessives: frozenset[str]
    articles: frozenset[str]
    prepositions: frozenset[str]
    auxiliaries: frozenset[str]
    be: frozenset[str]
    past_auxiliaries: frozenset[str]
    by: frozenset[str]
    general: frozenset[str]
    """Words of the sentence's own frame: what an answer calls the matter, whatever it is."""
    light: frozenset[str]
    """Verbs that carry little by themselves, in whatever form."""
    small: frozenset[str]

    @property
    def pronouns(self) -> frozenset[str]:
        """All pronouns that stand for something said before."""
        return self.feminine | self.masculine | self.neuter


@cache
def grammar(language: str) -> Grammar:
    """The small words of a language; without any if it has no table."""
    return Grammar(**{field.name: _words(field.name, language) for field in fields(Grammar)})


@cache
def function_words(language: str) -> frozenset[str]:
    """The words of a language that say nothing by themselves."""
    words = grammar(language)
    silent = frozenset(
        word
        for group in fields(Grammar)
        if group.name not in ("general", "light", "must", "future", "past", "some", "should", "may")
        for word in getattr(words, group.name)
    )
    content = _CONTENT_ALSO | frozenset(word for word in words.may | words.must if len(word) > 6)
    return (silent | words.may | words.should | words.must | words.some) - content


_CONTENT_ALSO = word_set(
    """fail fails failed failing failure lack lacks lacked lacking refuse refuses refused above below under over against
    off through require requires required need needs needed optional necessary majority minority half following prior
    recommend recommends recommended contre gegen"""
)


def _words(name: str, language: str) -> frozenset[str]:
    found = re.search(rf"^{language or 'none'}: (.*(?:\n .*)*)", _TABLES[name], re.MULTILINE)
    return word_set(found[1]) if found else frozenset()
