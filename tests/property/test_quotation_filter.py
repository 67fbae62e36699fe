"""Quotations for the model: no name, address, number of a bank account or telephone, or birth date leaves, however it is written."""

import re
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from tools.save_play.quotation_filter import names_pattern, remove_private_data

PEOPLE = ("Sadia Karim", "Søren Ekström", "Anne-Marie O'Neil", "Rose van der Berg", "李小龙")
ACCOUNT = "Cormorant Security AB"
NAMES = names_pattern(PEOPLE, ACCOUNT, frozenset({"security", "rose"}))
around = (
    st.sampled_from(["", "We asked ", "(", "Call: ", "Hi,\n"]),
    st.sampled_from(["", ".", ", please", ")", " – thanks", "\nBye"]),
)
digits = st.text("0123456789", min_size=7, max_size=13)
written = st.sampled_from([str.upper, str.lower, str.title, str])


@given(st.sampled_from(["Sadia", "Karim", "Sadia Karim", "Ekström", "Ekstrom", "Anne", "O'Neil", "Berg", "Cormorant", "Rose"]), written,
       st.sampled_from(["", "'s", "’s", "'"]), *around)  # fmt: skip
def test_a_name_is_hidden_in_any_case_and_with_a_possessive(name, write, ending, before, after) -> None:  # type: ignore[no-untyped-def]
    shown = remove_private_data(f"{before}{write(name)}{ending}{after}", NAMES)
    assert name.casefold() not in shown.casefold()
    assert "somebody" in shown


@given(digits, st.lists(st.sampled_from(["", " ", "-", "/", ".", " (0)", "\u00a0", " - "]), min_size=13, max_size=13),
       st.sampled_from(["", "+", "00", "(0", "+49 (0)"]), *around)  # fmt: skip
def test_a_telephone_or_account_number_is_taken_out_however_it_is_grouped(number, gaps, start, before, after) -> None:  # type: ignore[no-untyped-def]
    spelt = start + "".join(digit + gap for digit, gap in zip(number, gaps, strict=False)).rstrip(" -/.")
    shown = remove_private_data(f"{before}{spelt}{after}")
    left = re.sub(
        r"\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\s?\d{1,2}[-./]\s?\d{2,4}", "", shown
    )  # an ordinary date stays
    assert len(re.findall(r"\d", left)) < 7


@given(
    st.sampled_from(["DE", "GB", "FR", "nl", "se"]),
    st.from_regex(r"\A[0-9]{2}[A-Z0-9]{4}[0-9]{10,22}\Z"),
    st.sampled_from([0, 4]),
    *around,
)
def test_a_bank_account_is_taken_out_with_and_without_groups(country, body, group, before, after) -> None:  # type: ignore[no-untyped-def]
    whole = country + body
    spelt = " ".join(whole[i : i + group] for i in range(0, len(whole), group)) if group else whole
    shown = remove_private_data(f"{before}{spelt}{after}")
    assert body[6:] not in shown.replace(" ", "")
    assert not re.search(r"\d{4}", shown)


@given(st.dates(date(1930, 1, 1), date(2010, 12, 31)),
       st.sampled_from(["%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%d %B %Y", "%B %d, %Y", "%d. %b %Y"]), *around)  # fmt: skip
def test_a_birth_date_is_taken_out(born, form, before, after) -> None:  # type: ignore[no-untyped-def]
    assert str(born.year) not in remove_private_data(f"{before}{born.strftime(form)}{after}")


@given(
    st.sampled_from(["born on", "DOB:", "date of birth", "geboren am", "née le", "Birthday is"]),
    st.dates(date(2016, 1, 1), date(2026, 1, 1)),
)
def test_a_date_after_a_word_for_birth_is_taken_out(word, born) -> None:  # type: ignore[no-untyped-def]
    assert str(born.year) not in remove_private_data(f"She was {word} {born.isoformat()}.")


@given(st.emails(), *around)
def test_an_e_mail_address_is_taken_out(address, before, after) -> None:  # type: ignore[no-untyped-def]
    assert "@" not in remove_private_data(f"{before}{address}{after}")


@given(st.text(max_size=200))
def test_any_text_can_be_filtered_and_filtering_again_changes_nothing(text) -> None:  # type: ignore[no-untyped-def]
    once = remove_private_data(text, NAMES)
    assert remove_private_data(once, NAMES) == once


def test_what_is_no_personal_data_stays() -> None:
    said = "Security is fine; 12 of 40 users left on 2026-11-03, invoice 4711 over EUR 12,500 is late since Q3 2026."
    assert remove_private_data(said.replace("Security", "The security"), NAMES) == said.replace(
        "Security", "The security"
    )
