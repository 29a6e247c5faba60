import subprocess
import sys
import unicodedata
from importlib import util
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infer import normal
from infer.document import Document, Span
from infer.normal import Normalizer, read_aliases

ROOT = Path(__file__).resolve().parent.parent
FLOOR = 0.95  # of the hand-written mentions in tests/data/mentions.tsv

spec = util.spec_from_file_location("normal_benchmark", ROOT / "benchmarks" / "normal.py")
assert spec is not None
assert spec.loader is not None
benchmark = util.module_from_spec(spec)
spec.loader.exec_module(benchmark)


def document(marked: str) -> Document:
    """A Document from text with [[LABEL|mention]] marks."""
    text, spans, end = "", [], 0
    for match in benchmark.MARK.finditer(marked):
        text += marked[end : match.start()]
        spans.append(Span(len(text), len(text) + len(match[3]), match[2]))
        text += match[3]
        end = match.end()
    return Document("test", text + marked[end:], tuple(spans))


def test_hand_written_mentions() -> None:
    rows = benchmark.read_rows()
    assert len(rows) >= 420
    assert sum(row["mention"] != row["expected"] for row in rows) > len(rows) / 2
    assert benchmark.accuracy(rows, benchmark.in_context) >= FLOOR
    for label in ("OFFICIAL", "PARTNER", "SECTOR"):
        assert (
            benchmark.accuracy([row for row in rows if row["label"] == label], benchmark.in_context) >= FLOOR
        )


@pytest.mark.parametrize(
    ("mention", "expected"),
    [
        ("Алексеем Островским", "Алексей Островский"),
        ("Алексее Островском", "Алексей Островский"),
        ("Анне Петровой", "Анна Петрова"),
        ("Ивановой", "Иванова"),
        ("А. Островского", "А. Островский"),
        ("Полыниным А.В.", "Полынин А.В."),
        ("Тараса Шевченко", "Тарас Шевченко"),
        ("Юрием Живаго", "Юрий Живаго"),
        ("Ларисе Седых", "Лариса Седых"),
        ("Эрдоганом", "Эрдоган"),
        ("Петером Мюллером", "Петер Мюллер"),
        ("Ангелы Мюллер", "Ангела Мюллер"),
        ("Цзя Юймином", "Цзя Юймин"),
        ("Пак Чон Хо", "Пак Чон Хо"),
        ("Гейдару Алиеву оглы", "Гейдар Алиев оглы"),
        ("Марией-Луизой Петровой-Водкиной", "Мария-Луиза Петрова-Водкина"),
        ("Федору Королеву", "Федор Королев"),
        ("Фёдору Королёву", "Фёдор Королёв"),
        ("Петру", "Пётр"),
        ("ИВАНОВЫМ", "ИВАНОВ"),
    ],
)
def test_names(mention: str, expected: str) -> None:
    assert Normalizer().normal_form(mention, "OFFICIAL") == expected


@pytest.mark.parametrize(
    ("mention", "expected"),
    [
        ("провинцией Хэйлунцзян", "провинция Хэйлунцзян"),
        ("Посольства КНР в Российской Федерации", "Посольство КНР в Российской Федерации"),
        ("Народным Правительством провинции Хэйлунцзян", "Народное Правительство провинции Хэйлунцзян"),
        ("Киргизией", "Киргизия"),
        ("Объединёнными Арабскими Эмиратами", "Объединённые Арабские Эмираты"),
        ("Нидерландов", "Нидерланды"),
        ("Боснией и Герцеговиной", "Босния и Герцеговина"),
        ("городом Шэньчжэнь", "город Шэньчжэнь"),
        ("города Самарканда", "город Самарканд"),
        ("ООО «Фуяо Стекло Рус»", "ООО «Фуяо Стекло Рус»"),
        ("Q-Carbon Material Co", "Q-Carbon Material Co"),
        ("КНР", "КНР"),
        ("Фольксвагеном", "Фольксваген"),
        ("МАЗом", "МАЗ"),
    ],
)
def test_partners(mention: str, expected: str) -> None:
    assert Normalizer().normal_form(mention, "PARTNER") == expected


@pytest.mark.parametrize(
    ("mention", "expected"),
    [
        ("солнечной энергетике", "солнечная энергетика"),
        ("производства грузового транспорта", "производство грузового транспорта"),
        ("медицины", "медицина"),
        ("высоких технологий", "высокие технологии"),
        ("драгоценных металлов", "драгоценные металлы"),
        ("высшего образования", "высшее образование"),
        ("лёгкой и пищевой промышленности", "лёгкая и пищевая промышленность"),
        ("возобновляемой энергетикой", "возобновляемая энергетика"),
        ("ЖКХ", "ЖКХ"),
        ("IT", "IT"),
    ],
)
@pytest.mark.parametrize("label", ["SECTOR", "ANYTHING"])
def test_noun_phrases(mention: str, expected: str, label: str) -> None:
    assert Normalizer().normal_form(mention, label) == expected


def test_the_document_settles_what_a_word_leaves_open() -> None:
    woman = document("Министр [[OFFICIAL|Анна Иванова]] прибыла. Позже [[OFFICIAL|Иванова]] выступила.")
    man = document("По словам [[OFFICIAL|Иванова]], всё готово. Министр [[OFFICIAL|Пётр Иванов]] уехал.")
    acting = document(
        "прибыл врио губернатора [[OFFICIAL|Никита Шершна]], с ним атташе [[OFFICIAL|Паола Ферри]]"
    )
    assert Normalizer().normal_forms(acting) == ("Никита Шершна", "Паола Ферри")
    state = document("делегация [[PARTNER|Дархана]]; компания «[[PARTNER|Хангана]]»")
    assert Normalizer().normal_forms(woman) == ("Анна Иванова", "Иванова")
    assert Normalizer().normal_forms(man) == ("Иванов", "Пётр Иванов")
    assert Normalizer().normal_forms(state) == ("Дархан", "Хангана")


def test_one_key_for_an_entity() -> None:
    news = document(
        "[[OFFICIAL|А. Островский]] и [[PARTNER|Китайская нефтяная корпорация]] ([[PARTNER|CNPC]]). "
        "Губернатор [[OFFICIAL|Алексей Островский]] встретил [[PARTNER|CNPC]]. "
        "[[OFFICIAL|Островскому]] вручили письмо."
    )
    person, company = "Алексей Островский", "Китайская нефтяная корпорация"
    assert Normalizer().keys(news) == (person, company, company, person, company, person)


def test_a_surname_of_two_persons_joins_neither() -> None:
    news = document("[[OFFICIAL|Иван Петров]], [[OFFICIAL|Олег Петров]]. [[OFFICIAL|Петров]] уехал.")
    assert Normalizer().keys(news) == ("Иван Петров", "Олег Петров", "Петров")


def test_aliases_override_everything(tmp_path: Path) -> None:
    path = tmp_path / "aliases.csv"
    path.write_text("form,key\nАлексей Островский,Q1\n«Cnpc»,Нефтяная корпорация\n", encoding="utf-8-sig")
    normalizer = Normalizer(read_aliases(path))
    news = document("С [[OFFICIAL|Алексеем Островским]] и [[PARTNER|CNPC]]. [[OFFICIAL|Островский]] рад.")
    assert normalizer.keys(news) == ("Q1", "Нефтяная корпорация", "Q1")
    assert normalizer.normal_forms(news) == ("Q1", "Нефтяная корпорация", "Островский")
    assert normalizer.normal_form("Алексея Островского", "OFFICIAL") == "Q1"


def test_a_broken_alias_row_is_named(tmp_path: Path) -> None:
    path = tmp_path / "aliases.csv"
    path.write_text("form,key\nШапша\n", encoding="utf-8")
    with pytest.raises(ValueError, match="row 2"):
        read_aliases(path)


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("form;key\r\nКНР;Китай\r\nФуяо;Fuyao, Ltd\r\n", "cp1251"),
        ("form;key\r\nКНР;Китай\r\nФуяо;Fuyao, Ltd\r\n", "utf-8-sig"),
        ('КНР,Китай,\nФуяо,"Fuyao, Ltd",,\n,,\nкнр,Китай\n', "utf-8"),
    ],
)
def test_aliases_are_read_as_excel_saves_them(tmp_path: Path, content: str, encoding: str) -> None:
    path = tmp_path / "aliases.csv"
    path.write_bytes(content.encode(encoding))
    aliases = read_aliases(path)
    assert (aliases["КНР"], aliases["Фуяо"]) == ("Китай", "Fuyao, Ltd")
    assert "form" not in aliases


def test_one_form_with_two_keys_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "aliases.csv"
    path.write_text("«КНР»,Китай\nкнр,Тайвань\n", encoding="utf-8")
    with pytest.raises(ValueError, match='row 2 gives "кнр" the key "Тайвань", a row before "Китай"'):
        read_aliases(path)


@pytest.mark.parametrize("label", ["OFFICIAL", "PARTNER", "SECTOR", ""])
@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "🚀",
        "123",
        "-",
        "и",
        "«»",
        "А.",
        "株式会社",
        "а" * 10_000,
        "Иванова " * 1_250,
        "а-" * 5_000,
        "\ud800",
    ],
)
def test_odd_strings(text: str, label: str) -> None:
    assert isinstance(Normalizer().normal_form(text, label), str)


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=st.sampled_from("аеёиойнвкмсья АИКВЙ-.,«»\n\u0306'1z"), max_size=40))
def test_nothing_is_raised(text: str) -> None:
    for label in ("OFFICIAL", "SECTOR"):
        Normalizer().normal_form(text, label)
        if text:
            Normalizer().keys(Document("x", f"{text}{text}", (Span(len(text), 2 * len(text), label),)))


def test_decomposed_letters_and_line_breaks() -> None:
    text = unicodedata.normalize("NFD", "Андреем\n Полуйским")
    assert Normalizer().normal_form(text, "OFFICIAL") == "Андрей Полуйский"


def test_a_person_is_compared_with_namesakes_only(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    is_part = normal._is_part
    monkeypatch.setattr(normal, "_is_part", lambda form, full: compared.append(form) or is_part(form, full))
    surnames = [
        f"{first}{second}ов" for first in ("Бар", "Вет", "Гар", "Дуб") for second in ("ан", "ин", "ук")
    ]
    mentions = [
        f"[[OFFICIAL|Иван {name}]], [[OFFICIAL|{name}]], [[OFFICIAL|И. {name}]]." for name in surnames
    ]
    found = Normalizer().keys(document(" ".join(mentions)))
    assert len(set(found)) == len(surnames)
    # Full names share «Иван», but a form is looked up by its longest word.
    assert len(compared) < 3 * len(mentions)


def test_spans_are_parallel() -> None:
    assert (
        Normalizer().normal_forms(Document("x", "текст")) == Normalizer().keys(Document("x", "текст")) == ()
    )


def test_the_dictionary_is_loaded_at_first_use() -> None:
    code = "import sys, infer.normal; infer.normal.Normalizer(); sys.exit('pymorphy3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
