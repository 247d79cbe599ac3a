"""Forms of words that no ending explains, in English, German, French and Spanish.

On each line the word that the others are forms of stands first.
"""

from __future__ import annotations

IRREGULAR_VERBS = """
be am is are was were been being
have has had having
do does did done doing
go goes went gone
begin began begun
break broke broken
bring brought
build built
buy bought
choose chose chosen
come came
cut cut
draw drew drawn
drink drank drunk
drive drove driven
eat ate eaten
fall fell fallen
feed fed
feel felt
fight fought
find found
fly flew flown
forbid forbade forbidden
forget forgot forgotten
freeze froze frozen
get got gotten
give gave given
grow grew grown
hang hung
hear heard
hide hid hidden
hit hit
hold held
keep kept
know knew known
lay laid
lead led
leave left
lend lent
let let
lie lay lain
lose lost
make made
mean meant
meet met
pay paid
put put
read read
ride rode ridden
ring rang rung
rise rose risen
run ran
say said
see saw seen
seek sought
sell sold sale
send sent
set set
shake shook shaken
shine shone
shoot shot
show shown
shrink shrank shrunk
shut shut
sing sang sung
sink sank sunk
sit sat
sleep slept
speak spoke spoken
spend spent
spread spread
stand stood
steal stole stolen
stick stuck
strike struck
swear swore sworn
sweep swept
swim swam swum
take took taken
teach taught
tear tore torn
tell told
think thought
throw threw thrown
understand understood
undergo underwent undergone
wear wore worn
weigh weight
win won
withdraw withdrew withdrawn
write wrote written
bear bore borne
bind bound
bite bit bitten
blow blew blown
catch caught
dig dug
wake woke woken
"""
OTHER_FORMS = """
decide decision
succeed succession successor
receive receipt received receives receiving
absorb absorption
use used uses using
owe owed owes owing
tie tied ties tying
die died dies dying death
become became
lie lain lying
grow growth
choose choice
lose loss
lengthen length
person people persons
child children
man men
woman women
foot feet
tooth teeth
mouse mice
life lives
leaf leaves
knife knives
wife wives
half halves
good better best
bad worse worst
high height
deep depth
long length
wide width
strong strength
warm warmth
free freedom
burn burnt
bewegen bewog
verbieten verbot verboten
erlauben erlaubt erlaubnis
gießen goss gegossen
brechen brach gebrochen
bringen brachte gebracht
essen aß gegessen
fahren fuhr gefahren
finden fand gefunden
geben gab gegeben gibt
gehen ging gegangen
halten hielt gehalten hält
heißen hieß
kommen kam gekommen
lassen ließ gelassen lässt
laufen lief gelaufen
lesen las gelesen liest
nehmen nahm genommen nimmt
schließen schloss geschlossen
schreiben schrieb geschrieben
sehen sah gesehen sieht
sprechen sprach gesprochen spricht
stehen stand gestanden
steigen stieg gestiegen
sinken sank gesunken
sterben starb gestorben stirbt
tragen trug getragen trägt
treffen traf getroffen trifft
verlieren verlor verloren
wachsen wuchs gewachsen wächst
werfen warf geworfen wirft
ziehen zog gezogen
brennen brannte gebrannt abbrannte
bleiben blieb geblieben
beginnen begann begonnen
gewinnen gewann gewonnen
leihen lieh geliehen
leiten leitung
ouvrir ouvert ouverte ouverts
mettre mis mise
prendre pris prise
écrire écrit écrite
faire fait faite
naître né née
mourir mort morte
vendre vendu vendue vente
recevoir reçu reçue
devoir doit doivent
pouvoir peut peuvent
abrir abierto abierta abre abren
cerrar cierra cierran cierre
morir murió muerto muerta muere
escribir escrito escrita
hacer hecho hecha hizo
poner puesto puesta puso
costar cuesta cuestan coste
empezar empieza
"""
