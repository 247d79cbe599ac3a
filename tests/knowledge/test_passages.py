"""Passages as a model gets them: what stands there, with what stands above it."""

from __future__ import annotations

from pathlib import Path

from desktop_llm.knowledge.client import Knowledge
from tests.knowledge.conftest import BREAD, COD, LEASE, read_all

COLUMNS = "number,name,town,base_salary,sick_days"


def test_a_row_of_a_table_is_found_by_its_number_and_comes_with_the_columns(
    knowledge: Knowledge, tmp_path: Path
) -> None:
    rows = [f"E{1000 + number},Person {number},Lyon,{38000 + 137 * number},{number % 9}" for number in range(60)]
    (tmp_path / "staff.csv").write_text("\n".join([COLUMNS, *rows]))
    read_all(knowledge.index("docs", [tmp_path / "staff.csv"]))
    for number in (3, 17, 44):
        passage = knowledge.search(["docs"], f"base salary of E{1000 + number}", 3)[0]
        assert rows[number].replace(",", " | ") in passage.text.split("\n")
        assert (
            passage.context.endswith("\n" + COLUMNS.replace(",", " | ")) or COLUMNS.replace(",", " | ") in passage.text
        )
        assert passage.place.startswith("rows ")


def test_a_row_is_found_by_the_name_of_its_column(knowledge: Knowledge, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "\n".join(["mooring,draught", *(f"berth {number},{number}" for number in range(100))])
    )
    read_all(knowledge.index("docs", [tmp_path / "a.csv"]))
    assert len(knowledge.search(["docs"], "mooring", 5)) == 5


def test_a_passage_is_found_by_a_heading_far_above_it(knowledge: Knowledge, tmp_path: Path) -> None:
    filler = "The people of this place get up early and go to the harbour to look at the boats. " * 20
    (tmp_path / "a.md").write_text(
        f"# Quarterly zeppelin report\n\n## Results\n\n{filler}\n\n## Costs\n\nThey were 12 euros.\n"
    )
    read_all(knowledge.index("docs", [tmp_path / "a.md"]))
    last = next(each for each in knowledge.search(["docs"], "zeppelin costs", 5) if "12 euros" in each.text)
    assert last.context == "Quarterly zeppelin report › Costs"


def test_code_keeps_its_lines_and_the_indentation_of_the_first_one(knowledge: Knowledge, tmp_path: Path) -> None:
    function = "    def rate_{0}(self, kwh: int) -> float:\n        # what is paid for {0}\n        return {0} * kwh"
    functions = "\n\n".join(function.format(number) for number in range(40))
    (tmp_path / "tariff.py").write_text(f"class Tariff:\n{functions}\n")
    read_all(knowledge.index("docs", [tmp_path / "tariff.py"]))
    stored = knowledge.page_text(str(tmp_path / "tariff.py"), None).text
    passages = knowledge.search(["docs"], "what is paid", 10)
    assert all(stored[passage.start : passage.end] == passage.text for passage in passages)
    assert any(passage.text.startswith("    def rate_") for passage in passages)


def test_documents_that_fit_are_given_whole_and_in_order(knowledge: Knowledge, documents: Path) -> None:
    read_all(knowledge.index("docs", [documents]))
    question = "What do I pay each month?"
    whole = knowledge.retrieve(["docs"], question, 500, whole=True)
    assert {passage.text for passage in whole} == {BREAD, COD, LEASE}
    assert [passage.number for passage in whole] == [1, 2, 3]
    assert all(passage.verified for passage in whole)
    assert len(knowledge.retrieve(["docs"], question, 100, whole=True)) == 1
    assert knowledge.retrieve(["docs"], "Who won the chess championship in 1972?", 500, whole=True) == []


def test_passages_in_any_script_say_about_as_much(knowledge: Knowledge, tmp_path: Path) -> None:
    sentences = {
        "en": "The landlord keeps the house dry and warm in winter, and the tenant pays for the heating. ",
        "ru": "Хозяин поддерживает в доме тепло и сухость зимой, а жилец платит за отопление. ",
        "zh": "冬天房东要保持房屋干燥和温暖，租户支付取暖费用。",
    }
    counts = {}
    for language, sentence in sentences.items():
        (tmp_path / f"{language}.txt").write_text(sentence * 60, encoding="utf-8")
        counts[language] = read_all(knowledge.index(language, [tmp_path / f"{language}.txt"])).chunks
    assert max(counts.values()) <= 1.4 * min(counts.values())
