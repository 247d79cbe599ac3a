"""Which questions are about all documents at once, in several languages, and which only look like it."""

from __future__ import annotations

import pytest

from desktop_llm.conversation.questions import asks_for_a_summary, asks_for_every_file

ABOUT_ALL = [
    "List every town that has a site",
    "List all towns",
    "How many towns have a site?",
    "Which of them expire in 2025?",
    "which contracts mention a deposit?",
    "In how many files is the rent named?",
    "What are the rents in all contracts?",
    "list the rents of all warehouses",
    "Please list every invoice number",
    "Give me all names",
    "Find all dates",
    "List every town in which we have a site.",
    "Nenne alle Orte",
    "Liste alle Standorte auf",
    "Wie viele Verträge laufen 2025 aus?",
    "Wie viele Orte haben eine Kantine?",
    "Welche Verträge nennen eine Kaution?",
    "Welche von ihnen sind befristet?",
    "Liste toutes les villes",
    "Combien de contrats mentionnent une caution ?",
    "Quels documents parlent du loyer ?",
    "Énumère chaque site",
    "Enumera todas las ciudades",
    "¿Cuántos contratos hay?",
    "¿Qué documentos hablan de la renta?",
    "Перечисли все города",
    "Сколько договоров упоминают залог?",
    "Какие документы говорят об аренде?",
    "列出所有有工厂的城市",
    "有多少个城市有工厂？",
    "哪些文件提到押金？",
    "すべての都市を挙げてください",
    "いくつの都市に工場がありますか",
    "どのファイルに家賃がありますか",
    "모든 도시를 나열해 주세요",
]
SUMMARIES = [
    "Compare the contracts",
    "Summarise everything",
    "Summarize all documents",
    "Fasse alle Dokumente zusammen",
    "Vergleiche die Angebote",
    "Fasse alles zusammen",
    "Résume tous les documents",
    "Resume todo",
    "Compara los contratos",
    "Сравни все договоры",
    "总结所有文件",
    "全ての文書を要約して",
]
OTHERS = [
    "How do I list all running jobs?",
    "How do I resume a paused job?",
    "What does the summary table say about lamps?",
    "How many days of notice are needed?",
    "How many people worked in Bari in 2021?",
    "Summarise contrat-dupont.md",
    "What is the rent?",
    "Where is the list of towns?",
    "Who wrote the listing?",
    "Which day is the canteen closed?",
    "Compare Aarhus and Bari",
    "How much is the deposit?",
    "What is the notice period?",
    "Can I list my flat on Airbnb?",
    "Wie kann ich alle Dateien auflisten?",
    "Wie hoch ist die Miete?",
    "Wie viele Tage Kündigungsfrist gelten?",
    "Comment lister tous les fichiers ?",
    "Combien coûte le loyer ?",
    "Quel est le loyer ?",
    "¿Cuánto cuesta?",
    "¿Cuántos días de plazo?",
    "Сколько стоит аренда?",
    "Как перечислить все файлы?",
    "如何列出所有文件？",
    "租金是多少？",
    "家賃はいくらですか？",
    "Name the landlord.",
    "Show me the house rules",
    "Summarise the lease of the flat in Bern",
    "Find the phone number of Ines Halloran",
    "Is every dog allowed?",
    "What happened in May?",
    "Tell me about the canteen",
    "Nenne den Vermieter",
    "How many euros does a lost key cost?",
]


@pytest.mark.parametrize("question", ABOUT_ALL)
def test_lists_and_counts_are_told(question: str) -> None:
    assert asks_for_every_file(question)
    assert not asks_for_a_summary(question)


@pytest.mark.parametrize("question", SUMMARIES)
def test_summaries_and_comparisons_of_everything_are_told(question: str) -> None:
    assert asks_for_every_file(question)
    assert asks_for_a_summary(question)


@pytest.mark.parametrize("question", OTHERS)
def test_other_questions_are_left_alone(question: str) -> None:
    assert not asks_for_every_file(question)
