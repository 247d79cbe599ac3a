"""Words that can stand for each other, as `lexicon.RELATED` has them: what is bought, paid, worn, cooked or repaired.

The nouns and verbs of contracts, manuals, minutes, leaflets, letters and news, mostly in English, German, French and
Spanish. Words that differ in who does it (employer, employee; lessor, lessee) are never in one group.
"""

from __future__ import annotations

SYNONYMS = """
plan intend aim beabsichtigen planen vorhaben projeter planear
submit file lodge hand einreichen einzureichen eingereicht déposer presentar
postpone delay defer put move reschedule adjourn
carry adopt | reject defeat
carry pass
throw discard dispose bin wegwerfen entsorgen jeter tirar
favour favor prefer bevorzugen vorziehen préférer preferir
betragen beträgt belaufen beläuft
suggest propose recommend vorschlagen proposer proponer | oppose
think believe consider suppose glauben meinen denken croire penser creer pensar opinar
mix combine blend mischen vermischen mélanger mezclar | separate
harm damage hurt injure spoil impair schädigen beschädigen abîmer endommager dañar | benefit
responsible liable accountable answerable verantwortlich haftbar haften responsable
meal food essen mahlzeit nahrung repas nourriture comida alimento
double twofold verdoppeln doubler doblar duplicar | halve halbieren
cause trigger produce induce provoke verursachen auslösen causer provoquer causar provocar
contribute add beitragen contribuer contribuir
post mail letter brief courrier correo
breach violate infringe break verstoßen verletzen enfreindre infringir | comply obey observe follow
rule regulation provision vorschrift regel règle regla norma
dispute disagreement conflict streit litige disputa
switch turn shift schalten
resign quit retire step zurücktreten démissionner dimitir renunciar | appoint
salary wage pay earn income verdienen gehalt lohn gagner ganar sueldo
leak escape drip auslaufen
require demand need call
oblige bind force compel verpflichten obliger obligar
penalty fine sanction strafe bußgeld amende pénalité multa sanción
termination notice kündigung résiliation rescisión
terminate end cancel kündigen résilier rescindir
tenant lessee renter mieter locataire arrendatario inquilino
landlord lessor vermieter bailleur arrendador casero
buyer purchaser käufer acheteur comprador
seller vendor verkäufer vendeur vendedor
customer client kunde client cliente
applicant candidate bewerber candidat candidato solicitante
member mitglied membre miembro
partner associate
parent guardian elternteil
pupil student schüler élève alumno estudiante
teacher lecturer instructor tutor lehrer professeur profesor maestro
lawyer attorney solicitor anwalt avocat abogado
author writer autor auteur escritor
employer arbeitgeber
supervisor superior vorgesetzter
chairman chairwoman chair chairperson president vorsitzender vorsitzende président presidente
committee board panel ausschuss comité
flat apartment wohnung appartement vivienda piso
building structure edifice gebäude bâtiment edificio
room chamber zimmer raum pièce habitación
road street straße rue calle
lorry truck lastwagen camion camión
bicycle bike cycle fahrrad vélo bicicleta
luggage baggage gepäck bagage equipaje
ticket fahrkarte billet billete boleto
timetable schedule fahrplan horaire horario
appointment termin rendez-vous cita
delivery shipment lieferung livraison entrega envío
parcel package paket colis paquete
goods merchandise products items ware waren marchandise mercancía
device appliance unit machine gerät appareil aparato dispositivo
tool instrument werkzeug outil herramienta
screen display monitor bildschirm écran pantalla
lamp light bulb lampe lumière lámpara luz
button key knopf taste bouton botón
lid cover cap deckel couvercle tapa
cable cord lead wire kabel câble
plug connector stecker prise enchufe
battery akku batterie batería
rubbish waste trash garbage refuse müll abfall déchets basura
garden yard jardin jardín garten
noise sound lärm bruit ruido
smell odour odor geruch
side nebenwirkung
pain ache schmerz douleur dolor
relieve ease alleviate soothe reduce lindern soulager aliviar
treat cure therapy treatment behandeln traiter tratar
physician doctor gp
dose dosage dosis
swallow ingest schlucken avaler tragar
chew kauen mâcher
pregnant expecting schwanger enceinte embarazada
breastfeed nurse lactate stillen allaiter amamantar
suitable appropriate fit geeignet approprié adecuado | unsuitable inappropriate ungeeignet
allergic allergisch allergique alérgico
expire lapse run ablaufen expirer caducar vencer
valid effective force gültig gelten
enforce apply
sign signature undersign unterschreiben unterzeichnen signer firmar
written writing schriftlich écrit escrito | oral verbal mündlich
agree consent approval approve permission authorisation authorization zustimmen zustimmung einwilligung erlaubnis
 accord consentement consentimiento permiso autorisation autorización
object protest complain widersprechen beschweren s'opposer
demand claim require fordern exiger exigir
refund reimburse repay return erstatten zurückzahlen rembourser reembolsar devolver
owe due schulden devoir deber fällig
due payable fällig exigible
debt liability schulden dette deuda
loan credit darlehen kredit prêt préstamo
deposit security kaution caution fianza
discount reduction rebate rabatt remise descuento
tax levy duty steuer impôt impuesto
expense expenditure outlay cost ausgabe dépense gasto
revenue turnover income sales umsatz einnahmen chiffre ingresos
budget funds haushalt presupuesto
account konto compte cuenta
amount sum total betrag somme montant suma importe
increase rise growth gain anstieg zunahme hausse aumento | decrease decline drop fall reduction rückgang baisse
 descenso
rise soar climb jump surge go | sink plummet slump dip shrink fall
exceed surpass top übersteigen dépasser superar
double | halve
expand enlarge extend widen ausbauen erweitern agrandir ampliar | narrow reduce shrink
begin start commence launch open
complete finish conclude finalise finalize abschließen fertigstellen achever completar | unfinished incomplete
construct build erect
renovate refurbish restore modernise modernize sanieren renovieren rénover renovar
inaugurate open einweihen inaugurer inaugurar
bring introduce
reintroduce return restore bring
obtain gain get acquire win
catch capture arrest seize fassen attraper capturar | release free
kill slay töten tuer matar
die death pass perish dead sterben gestorben tod mort décéder fallecer
born birth geboren geburt né naissance nacido nacer
grow cultivate anbauen cultiver cultivar
injure wound hurt verletzen blesser herir
rescue save retten sauver salvar rescatar
attack assault angreifen attaquer atacar | defend
flee escape fliehen fuir huir
travel journey go reisen voyager viajar
drive ride fahren conduire conducir
fly fliegen voler volar
walk stroll gehen marcher caminar
meet gather convene assemble treffen versammeln réunir reunir
discuss debate talk besprechen diskutieren discuter debatir
speak talk sprechen reden parler hablar
announce declare state publish ankündigen bekanntgeben annoncer anunciar
publish release issue appear veröffentlichen erscheinen publier publicar
mention refer note erwähnen mentionner mencionar
describe depict beschreiben décrire describir
explain clarify erklären expliquer explicar
argue claim maintain assert contend behaupten affirmer afirmar
promise pledge vow versprechen promettre prometer
warn caution warnen avertir advertir
order request commission bestellen beauftragen commander encargar
invite einladen inviter invitar
greet welcome begrüßen accueillir
thank danken remercier
assess evaluate rate judge beurteilen bewerten évaluer evaluar
measure gauge messen mesurer medir
count number zählen compter contar
calculate compute work berechnen calculer calcular
estimate reckon schätzen estimer estimar
compare vergleichen comparer comparar
examine study investigate analyse analyze untersuchen étudier examiner investigar
record log register note document aufzeichnen enregistrer registrar
monitor watch observe track supervise überwachen surveiller vigilar
control operate run steuern contrôler
open unlock
press push hit tap hold drücken appuyer pulsar
insert put place introduce einlegen einsetzen insérer insertar
remove take pull extract detach entnehmen herausnehmen retirer sacar | insert
tighten fasten secure anziehen serrer apretar | loosen slacken lösen desserrer aflojar
heat warm erhitzen erwärmen chauffer calentar | cool chill abkühlen refroidir enfriar
boil cook kochen bouillir hervir
fry roast braten frire freír
stir mix rühren remuer remover
pour tip gießen verser verter
cut slice chop schneiden couper cortar
peel schälen éplucher pelar
dry trocknen sécher secar | soak moisten
clean wipe wash reinigen putzen nettoyer limpiar
fill füllen remplir llenar | empty drain leeren vider vaciar
lift raise heben lever levantar | lower
turn rotate twist drehen tourner girar
install mount fit attach assemble montieren anbringen monter montar
unplug disconnect
start launch begin run starten démarrer arrancar | stop shut halt
switch power
happen take
save store keep back speichern sichern enregistrer
delete erase
copy duplicate kopieren copier copiar
download herunterladen télécharger descargar | upload hochladen
print drucken imprimer imprimir
update upgrade refresh aktualisieren actualiser actualizar
restart reboot neustarten redémarrer reiniciar
crash fail abort
log sign
raise throw
catch handle
default standard preset
maximum most highest top largest
minimum least lowest smallest
average mean durchschnitt moyenne promedio media
main chief principal primary
entire whole complete full total gesamt entier entero
additional extra further another supplementary zusätzlich weiter supplémentaire adicional
previous earlier former prior preceding vorherig früher précédent anterior | subsequent later next following nächst
 suivant siguiente
immediately instantly directly straight sofort unverzüglich immédiatement inmediatamente
annually yearly
currently presently now derzeit aktuell actuellement actualmente
recently lately kürzlich récemment recientemente
finally eventually ultimately schließlich enfin finalmente
mainly mostly chiefly primarily hauptsächlich vorwiegend principalement principalmente
approximately about roughly around circa etwa ungefähr environ aproximadamente
exactly precisely genau exactement exactamente
carefully gently vorsichtig soigneusement cuidadosamente
separately individually getrennt einzeln séparément | together jointly gemeinsam zusammen ensemble juntos
usual customary normal regular standard typical gewöhnlich üblich habituel habitual
common widespread frequent | rare uncommon
severe serious grave schwer grave
mild slight gentle | severe
large big sizeable considerable substantial
tiny small minute
broken defective faulty damaged kaputt defekt cassé roto defectuoso | working intact functioning
defect fault flaw
lack shortage absence mangel manque falta
disaster catastrophe katastrophe catastrophe catástrofe
rain rainfall regen pluie lluvia
accident crash collision unfall accidente
reduce lower cut lessen diminish senken réduire rebajar
protect guard shield schützen protéger proteger
prevent avoid stop verhindern vermeiden éviter evitar
enable allow let ermöglichen
encourage promote support unterstützen soutenir apoyar
fund finance pay sponsor finanzieren financer financiar
bequeath leave legacy vermachen hinterlassen léguer legar
donate give gift spenden schenken
lend loan
rent lease let hire louer alquilar
sublet sublease untervermieten subarrendar
occupy inhabit live
vacate leave move räumen
assign allocate allot zuweisen zuteilen attribuer asignar
appoint name nominate designate ernennen nommer nombrar
elect choose vote
succeed follow replace
represent vertreten représenter representar
attend join visit
leave depart go abfahren partir salir
reach arrive come get
enter access betreten entrer entrar | exit leave
hold keep
wear carry tragen porter llevar
compulsory mandatory
waive drop erlassen
exempt free befreien exempter eximir
cover insure versichern assurer asegurar
include comprise contain
consist comprise made
exclude except
apply hold
concern affect relate betreffen concerner afectar
effect impact influence wirkung effet efecto
affect effect influence beeinflussen
lead guide
result outcome ergebnis résultat resultado
benefit advantage vorteil avantage ventaja | disadvantage drawback nachteil inconvénient desventaja
aim goal target
method procedure process verfahren méthode procédure método procedimiento
step stage phase schritt étape paso
task job duty assignment aufgabe tâche tarea
skill ability fähigkeit compétence habilidad
region area district zone gebiet région zona
border frontier grenze frontière frontera
country nation state land pays país
village dorf pueblo
river stream fluss rivière río
hill mountain berg montagne montaña
sea ocean meer mer mar
ship vessel boat schiff navire bateau barco
plane aircraft aeroplane airplane flugzeug avion avión
train zug tren
forest wood woods wald forêt bosque
dog hund chien perro
cat katze chat gato
pet animal haustier animal mascota
money cash sum geld argent dinero
war conflict krieg guerre guerra
army troops military forces armee armée ejército
treaty pact accord vertrag traité tratado
law act statute gesetz loi ley
court tribunal gericht juzgado
judge richter juge juez
crime offence offense straftat crimen delito
prison jail gefängnis cárcel
police polizei policía
thief burglar dieb voleur ladrón
steal theft rob stehlen voler robar
murder mord meurtre asesinato
school schule école escuela
university college universität université universidad
degree diploma abschluss diplôme título
exam examination test prüfung examen
lesson class course unterricht kurs cours clase curso
training instruction schulung ausbildung formation formación
book volume buch livre libro
newspaper paper journal zeitung periódico
letter brief lettre carta
painting picture gemälde tableau cuadro
music musik musique música
church kirche église iglesia
museum musée museo
hospital clinic krankenhaus klinik hôpital
office bureau büro oficina
factory plant works fabrik werk usine fábrica
branch subsidiary filiale zweigstelle succursale sucursal
headquarters base sitz siège sede
boss chief head chef jefe
colleague coworker kollege collègue compañero
friend freund ami amigo
mother mum mutter mère madre
father dad vater père padre
son sohn fils hijo
daughter tochter fille hija
wife frau épouse esposa
husband mann mari marido esposo
brother bruder frère hermano
sister schwester sœur hermana
staff personnel workforce
famous well-known renowned berühmt célèbre famoso
important significant wichtig important importante
dangerous harmful gefährlich
poisonous toxic giftig toxique tóxico
probably likely presumably wahrscheinlich vermutlich probablement probablemente
perhaps maybe possibly vielleicht peut-être quizás
almost nearly fast presque casi
always constantly permanently immer stets toujours siempre
enough sufficient adequate genug ausreichend suffisant suficiente | insufficient inadequate
ready prepared fertig bereit prêt listo
busy occupied
available obtainable accessible verfügbar disponible
entry admission entrance access eintritt einlass entrée entrada
lab laboratory labor laboratoire laboratorio
ad advert advertisement anzeige annonce anuncio
need consume use
info information
kilo kilogram
temperature heat temperatur température temperatura
"""
