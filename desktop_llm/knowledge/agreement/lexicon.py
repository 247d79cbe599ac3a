"""What words have to do with each other: same meaning, opposite meaning, negation, duty, quantity, time.

`agreement.py` compares a sentence of an answer with a passage by these tables. They hold the words that decide whether
two sentences agree, in English, German, French and Spanish, and the negations of some more languages. A word that is
in no table counts by itself.

In `RELATED` each line is a group: words that can stand for each other, and behind `|` their opposites. In `CONVERSE`
the two sides tell the same event from its two ends: who buys from somebody is sold to.
"""

from __future__ import annotations

RELATED = """
allow permit authorise authorize let entitle erlauben gestatten zulassen autoriser permettre permitir autorizar
 разреш | forbid prohibit ban disallow verbieten untersagen interdire prohibir запрещ
open öffnen offen geöffnet ouvrir ouvert abrir abierto | close shut schließen geschlossen fermer fermé cerrar cerrado
increase rise grow climb raise steigen zunehmen wachsen augmenter subir aumentar
 | decrease cut fall drop decline reduce reduction lower shrink sinken fallen abnehmen baisser diminuer bajar
 disminuir reducir
begin start commence beginnen anfangen commencer débuter empezar comenzar iniciar
 | end finish stop cease terminate conclude expire enden beenden aufhören finir terminer terminar acabar finalizar
accept approve adopt annehmen genehmigen accepter approuver aceptar aprobar
 | reject refuse decline deny ablehnen refuser rejeter rechazar
include cover contain comprise enthalten umfassen inclure incluir comprendre | exclude omit ausschließen exclure excluir
win gewinnen gagner ganar | lose loss verlieren perdre perder
arrive reach ankommen arriver llegar | depart abfahren
stay remain bleiben rester quedar | leave verlassen quitter
able possible capable möglich possible posible | unable impossible incapable unmöglich imposible
safe sicher sûr seguro | dangerous unsafe hazardous gefährlich dangereux peligroso
hot warm heiß chaud caliente | cold cool kalt froid frío
high tall hoch haut alto | low niedrig bas bajo
big large great huge major groß grand grande | small little minor klein petit pequeño
old ancient alt vieux ancien viejo antiguo | new modern neu nouveau nuevo
old elderly | young jung jeune joven
early früh tôt temprano | late spät tard tarde
fast quick rapid schnell rapide rápido | slow langsam lent lento
easy simple leicht einfach facile fácil | difficult hard schwierig schwer difficile difícil
rich reich riche rico | poor pauvre pobre
strong stark fort fuerte | weak schwach faible débil
heavy schwer lourd pesado | light leicht léger ligero
full voll plein lleno | empty leer vide vacío
dry trocken sec seco | wet nass mouillé mojado
clean sauber propre limpio | dirty schmutzig sucio
long lang largo | short kurz court corto
wide broad breit ancho | narrow schmal étroit estrecho
thick dick épais grueso | thin dünn mince delgado
deep tief profond profundo | shallow flach
more mehr davantage plus más | less fewer weniger moins menos
most meist | least wenigst
above over oberhalb über dessus encima | below under beneath underneath unterhalb unter dessous debajo
maximum höchstens | minimum mindestens
first erst premier primero | last final letzt dernier último
north nord norte | south süd sud sur
east ost est este | west ouest oeste
left links gauche izquierda | right rechts droite derecha
inside indoors drinnen intérieur dentro | outside outdoors draußen extérieur fuera
front vorder avant delantero | back rear hinter arrière trasero
upper ober supérieur superior | ground lower unter inférieur inferior
public öffentlich público | private privat privé privado
internal intern interne interno | external extern externe externo
valid gültig valable válido | invalid ungültig
legal lawful rechtmäßig légal | illegal unlawful rechtswidrig illégal ilegal
required require need necessary essential mandatory compulsory obligatory erforderlich notwendig nötig obligatoire
 nécessaire obligatorio necesario | optional voluntary unnecessary freiwillig facultatif opcional
present anwesend présent presente | absent abwesend ausente
often frequent common häufig souvent frecuente | rare seldom selten rarement raramente
improve better verbessern améliorer mejorar | worsen worse deteriorate verschlechtern empirer empeorar
support favour favor | oppose against
for dafür pour | against gegen contre contra
correct right richtig exact correcto | wrong incorrect falsch faux incorrecto
same gleich même mismo | different verschieden différent diferente
positive positiv | negative negativ
profit gain gewinn bénéfice beneficio | loss verlust perte pérdida
earlier vorher zuvor beforehand auparavant previamente | afterwards later nachher danach hinterher
import einfuhr | export ausfuhr
guilty schuldig coupable culpable | innocent unschuldig
alive lebend vivant vivo | dead tot mort muerto
free gratis kostenlos kostenfrei gratuit gratuito gratuitement | chargeable kostenpflichtig
attach fasten connect anschließen raccorder conectar | detach unfasten disconnect trennen débrancher desconectar
appear erscheinen apparaître | disappear vanish verschwinden disparaître desaparecer
continue fortsetzen continuer continuar | discontinue stop
agree zustimmen | disagree widersprechen
true wahr vrai verdadero | false untrue
day tag jour día | night nacht nuit noche
morning morgen matin mañana | evening abend soir noche
wholly fully completely entirely vollständig ganz entièrement completamente
 | partly partially teilweise partiellement parcialmente
hire employ recruit appoint einstellen engager embaucher contratar | dismiss fire sack entlassen licencier despedir
install einbauen installer instalar | uninstall dismantle remove ausbauen démonter
enable activate aktivieren activer activar | disable deactivate deaktivieren désactiver desactivar
lock verriegeln verrouiller bloquear | unlock entriegeln déverrouiller
join enter eintreten | quit resign
survive überleben survivre sobrevivir | die perish sterben mourir morir death
remember recall | forget
success succeed erfolg gelingen réussir | failure
intact unharmed unscathed undamaged unversehrt unbeschädigt indemne | damaged destroyed
raw roh cru crudo | cooked gekocht cuit cocido
guest visitor gast besucher visiteur visitante
pay paid spend bezahlen zahlen payer pagar
cost price fee charge rate kosten preis gebühr betragen belaufen coûter prix coûte tarif costar precio cuesta vale
buy purchase acquire kaufen erwerben acheter acquérir comprar adquirir
show demonstrate indicate reveal zeigen montrer mostrar
build construct erect bauen erbauen errichten gebaut construire bâtir construir | demolish abreißen démolir demoler
found establish create gründen gegründet fonder créer fundar crear | dissolve abolish auflösen dissoudre disolver
write author schreiben geschrieben verfassen écrire rédiger escribir
repair fix mend restore reparieren réparer reparar
destroy demolish ruin zerstören détruire destruir
choose select pick elect wählen choisir élire elegir
help assist aid promote encourage helfen fördern aider ayudar | inhibit hinder prevent hemmen hindern empêcher impedir
confirm bestätigen confirmer confirmar | deny dispute leugnen nier negar
praise loben | criticise criticize kritisieren
strengthen | weaken
extend prolong verlängern prolonger prolongar | shorten kürzen
add hinzufügen ajouter añadir | subtract
load laden | unload
push | pull
hide | reveal
advance beforehand
use utilise utilize apply verwenden benutzen nutzen utiliser usar utilizar
keep store retain maintain preserve aufbewahren behalten garder conserver guardar conservar
send dispatch ship deliver transmit schicken senden liefern envoyer expédier enviar
inform notify tell report mitteilen informieren informer avertir informar avisar
ask question request inquire fragen demander interroger pedir preguntar
attend participate teilnehmen participer asistir participar
live reside wohnen habiter vivir
lead head manage run direct leiten geleitet leitung führen diriger dirigir
chair preside
receive obtain get erhalten bekommen recevoir obtenir recibir obtener
give provide supply offer grant geben bieten donner fournir offrir dar ofrecer
discover find detect entdecken finden découvrir trouver descubrir encontrar
cancel annul absagen streichen annuler cancelar anular
postpone delay defer verschieben reporter aplazar
replace substitute exchange swap ersetzen remplacer reemplazar sustituir
remove delete erase eliminate clear entfernen löschen supprimer enlever eliminar borrar quitar
wash rinse waschen laver lavar
check inspect examine test verify review prüfen kontrollieren vérifier contrôler comprobar revisar
own possess belong besitzen gehören posséder poseer pertenecer
marry wed heiraten épouser casar
move relocate transfer umziehen déménager trasladar mudar
happen occur geschehen arriver ocurrir suceder
last duration dauern durer durar
consume eat essen manger comer
car vehicle automobile auto wagen fahrzeug voiture véhicule coche vehículo
child kid kind enfant niño
company firm business enterprise firma unternehmen entreprise société empresa
worker employee staff personnel mitarbeiter angestellter employé salarié empleado trabajador
doctor physician arzt médecin docteur médico
film movie
shop store laden geschäft magasin boutique tienda
contract agreement vertrag contrat contrato
lease tenancy rental mietvertrag bail
error mistake fehler erreur error
fault defect mangel défaut defecto
salary wage pay gehalt lohn salaire salario sueldo
holiday vacation urlaub congé vacaciones
illness disease sickness krankheit maladie enfermedad
medicine medication drug arzneimittel medikament médicament medicamento
tablet pill tablette comprimé pastilla
town city stadt ville ciudad
photo photograph picture image foto bild
okay ok fine
apologise apologize sorry apology
blaze fire burn brand brennen brannte feuer incendie feu incendio fuego
speed pace
mandate order command
demand insist
quote cite
leftover remaining
answer reply respond response antworten répondre responder
assure guarantee warrant warranty garantieren garantir garantizar
exempt exemption free
house home
main principal chief haupt
yearly annual year annum jährlich jahr année annuel an año anual anualmente
monthly month monatlich monat mois mensuel mes mensual
weekly week wöchentlich woche semaine hebdomadaire semana semanal
daily day täglich tag jour quotidien día diario
hourly hour stündlich stunde heure hora
quarterly quarter
phone telephone call ring
mail email
complete finish
study trial research
inhabitant resident
maker manufacturer producer
director manager boss
bill invoice
cooperate collaborate
eat consume
journey trip travel voyage
attempt try
return hand
teach instruct
hurt injure wound
job post position vacancy
handbook manual
guide instructions
team crew
reason cause
quiet silent
purpose aim goal objective
aprire aperto aperta apre | chiudere chiuso chiusa chiude
iniziare cominciare inizio partire decorrere | finire terminare fine cessare
permettere consentire permesso consentito autorizzare | vietare proibire vietato proibito
gratis gratuito gratuitamente
pagare versare pagamento saldare
affitto canone pigione locazione
inquilino conduttore locatario affittuario
proprietario locatore
arrivare arrivo giungere | partire partenza
aumentare salire crescere aumento | diminuire scendere calare ridurre
accettare approvare approvato | respingere rifiutare bocciare
scadere scadenza
comprare acquistare | vendere
bisogna deve occorre
обязан должен необходимо
платить оплачивать выплачивать вносить уплачивать
начинаться начаться начало | заканчиваться закончиться окончание
повышать увеличивать поднимать | снижать уменьшать понижать
открыт открыться открытие | закрыт закрыться
вправе право может
запрещено нельзя запрещать
aged age old
consecutive running successive
perform execute
unbefristet unbestimmt indefinite
benötigen brauchen bedürfen erfordern need require
send transfer wire remit
come stem derive originate
grow return regrow
mean indicate signify bedeuten signifier significar
übernehmen übergehen
stock available supply
score add goal
rank lead head
pull unplug
licence license
behaviour behavior
centre center
colour color
metre meter
litre liter
programme program
grey gray
"""

CONVERSE = """
buy purchase acquire kaufen erwerben acheter comprar | sell sale verkaufen vendre vente vender venta
borrow ausleihen emprunter | lend loan leihen prêter
receive get inherit erhalten bekommen recevoir recibir
 | give send hand bequeath geben schicken donner envoyer dar enviar
learn lernen apprendre aprender | teach lehren enseigner enseñar
win beat defeat schlagen battre | lose
cost | pay
account | come stem derive
precede | follow succeed folgen succéder suceder
"""

# Words of closed lists: each shuts the others out, and nothing else says the same.
EXCLUSIVE = frozenset(
    [
        "hourly",
        "daily",
        "weekly",
        "monthly",
        "quarterly",
        "yearly",
        "annually",
        "täglich",
        "wöchentlich",
        "monatlich",
        "vierteljährlich",
        "jährlich",
        "spring",
        "summer",
        "autumn",
        "winter",
        "fall",
        "frühling",
        "frühjahr",
        "sommer",
        "herbst",
        "printemps",
        "été",
        "automne",
        "hiver",
        "primavera",
        "verano",
        "otoño",
        "invierno",
        "estate",
        "autunno",
        "inverno",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "mondays",
        "tuesdays",
        "wednesdays",
        "thursdays",
        "fridays",
        "saturdays",
        "sundays",
        "montag",
        "dienstag",
        "mittwoch",
        "donnerstag",
        "freitag",
        "samstag",
        "sonnabend",
        "sonntag",
        "montags",
        "dienstags",
        "mittwochs",
        "donnerstags",
        "freitags",
        "samstags",
        "sonntags",
        "lundi",
        "mardi",
        "mercredi",
        "jeudi",
        "vendredi",
        "samedi",
        "dimanche",
        "lunes",
        "martes",
        "miércoles",
        "jueves",
        "viernes",
        "sábado",
        "domingo",
        "lunedì",
        "martedì",
        "mercoledì",
        "giovedì",
        "venerdì",
        "sabato",
        "domenica",
        "понедельник",
        "вторник",
        "среда",
        "четверг",
        "пятница",
        "суббота",
        "воскресенье",
        "red",
        "green",
        "blue",
        "yellow",
        "black",
        "white",
        "brown",
        "grey",
        "gray",
        "orange",
        "purple",
        "pink",
        "rot",
        "grün",
        "blau",
        "gelb",
        "schwarz",
        "weiß",
        "braun",
        "grau",
        "rouge",
        "vert",
        "verte",
        "bleu",
        "jaune",
        "noir",
        "noire",
        "blanc",
        "blanche",
        "rojo",
        "verde",
        "azul",
        "amarillo",
        "negro",
        "blanco",
        "rosso",
        "giallo",
        "nero",
        "bianco",
        "north",
        "south",
        "east",
        "west",
        "northern",
        "southern",
        "eastern",
        "western",
        "norden",
        "süden",
        "osten",
        "westen",
        "father",
        "mother",
        "son",
        "daughter",
        "brother",
        "sister",
        "husband",
        "wife",
        "uncle",
        "aunt",
        "nephew",
        "niece",
        "vater",
        "mutter",
        "sohn",
        "tochter",
        "bruder",
        "schwester",
        "père",
        "mère",
        "fils",
        "fille",
        "frère",
        "sœur",
        "padre",
        "madre",
        "hijo",
        "hija",
        "hermano",
        "hermana",
        "morning",
        "afternoon",
        "evening",
        "night",
        "noon",
        "midnight",
        "today",
        "tomorrow",
        "yesterday",
        "heute",
        "morgen",
        "gestern",
        "left",
        "right",
        "upper",
        "lower",
        "front",
        "rear",
        "gold",
        "silver",
        "bronze",
        "iron",
        "steel",
        "copper",
        "aluminium",
        "wood",
        "glass",
        "plastic",
        "leather",
        "cotton",
        "wool",
    ]
)
