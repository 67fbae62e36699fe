"""Invented names. Numbers are spread over all combinations, so that no name repeats and neighbours differ."""


def _words(text: str) -> list[str]:
    return text.split()


_STARTS = _words("""
Brav Calv Dorv Elsk Fenv Garm Hulv Irv Jolm Kasv Lomv Merv Nelk Osv Palv Quorv Rulm Salv Torv Ulm Velk Wond Yelv Zarm
Bosk Culm Drem Esk Falm Grosk Hesv Ildr Jarv Kolm Lusk Mosv
""")
_ENDS = _words("""
adine ambra andor aris arko edda elio enna erit essor ette idor ilon imba inte isko ivane olda olume ondra oquin orane
osti otha udena ulio umar unte urisk yndra
""")
_TRADES = _words("""
Logistics Clinics Energy Foods Facilities Print Mobility Housing Telecom Labs Textiles Water Education Marine Travel
Robotics Publishing Packaging Studios Builders Catering Optics Rail
""")
_FORMS = ["", "", "", " GmbH", " Ltd", " AG", " SA", " B.V.", " AB", " Oy"]

_FIRST = _words("""
Adele Agata Akin Alba Alejo Amina Anouk Ansel Arda Asha Astrid Aurel Basil Beata Bela Birgit Bruno Carla Cem Clara
Colin Corin Dagny Dana Darius Delia Denis Dorota Edda Edgar Elena Elias Emil Enzo Erik Esra Fatou Felix Fiona Flora
Frida Gemma Georg Gita Gregor Hana Harald Hedda Heidi Henrik Hugo Ida Igor Ilse Imran Irene Ivo Jana Joel Johan
Judit Julian Karim Karin Kemal Klara Lars Laura Leila Leon Lidia Lina Louis Lucia Luka Magda Mara Marek Marta Matteo
Milan Mina Miro Nabil Naomi Nils Nina Olaf Olga Omar Otto Petra Rafael Rosa Samir Selma Silvia Stefan Tessa Viktor
""")
_LAST = _words("""
Abelin Adler Akande Albers Amato Anders Arslan Aubert Bakker Balog Barros Basu Becker Bellini Benes Berger Birk
Blanco Boateng Borg Bosman Brandl Brito Bruun Calder Castro Celik Cerny Colombo Danso Dekker Dias Doyle Dubois
Duran Ebner Eklund Engel Erdem Evers Fabre Faria Fischl Flores Foss Frey Galli Garnier Gerber Gomes Grau Greco Gruber
Haas Hagen Hallberg Hauser Heller Horvat Ilic Imhof Jaeger Jokinen Joshi Juhasz Kaplan Karlsen Kato Kaya Klein Koch
Kovac Kral Lange Leclerc Lehto Lenz Lopes Lund Maier Marino Mehta Meyer Molnar Moser Novak Olsen Orsini Pavlov Peeters
Perez Pinto Popa Rao Ricci Roth Sand Sato Silva Simic
""")
_TITLES = {
    "champion": ["Head of Operations", "Process Owner", "Systems Lead", "Operations Director", "Programme Lead"],
    "economic_buyer": ["CFO", "Finance Director", "VP Finance", "Managing Director"],
    "exec_sponsor": ["COO", "Chief Digital Officer", "VP Operations"],
    "user": ["Analyst", "Administrator", "Controller", "IT Manager", "Team Lead"],
}
CONTACTS_AN_ACCOUNT = 10
_STRIDE = 7919  # a prime that divides neither number of combinations


def company_name(seed: int, number: int) -> str:
    """The name of the account with that number."""
    spread = (number * _STRIDE + seed * 31) % (len(_STARTS) * len(_ENDS))
    stem = _STARTS[spread % len(_STARTS)] + _ENDS[spread // len(_STARTS)]
    return f"{stem} {_TRADES[(spread * 5 + seed) % len(_TRADES)]}{_FORMS[(spread * 3 + seed) % len(_FORMS)]}"


def contact_name(seed: int, number: int, slot: int) -> str:
    """The name of a contact of that account."""
    spread = ((number * CONTACTS_AN_ACCOUNT + slot) * _STRIDE + seed * 101) % (len(_FIRST) * len(_LAST))
    return f"{_FIRST[spread % len(_FIRST)]} {_LAST[spread // len(_FIRST)]}"


def contact_title(role: str, slot: int, number: int) -> str:
    """A job title that fits the role."""
    titles = _TITLES[role]
    return titles[(number * 3 + slot) % len(titles)]
