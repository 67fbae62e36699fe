"""Invented names of companies and people, and a few unusual names as in real CRMs."""


def _words(text: str) -> list[str]:
    return text.split()


STEMS = _words("""
Nordhaven Baobab Ferrolux Quillmark Ostrava Tamarind Bluestile Kestrelby Ambervale Zephyrine Corvina Halmstead
Lindqvist Mirabelle Pelagia Oakhurst Solvanta Trevanion Umbra Vantaa Wexcombe Xylo Yarrowfield Zaltbom Akwaaba
Brantwick Caldera Delphine Esmer Fjordline Gantry Hinode Ixtapa Jadran Kivu Luminar Maravilla Nakuru Orinoco
Paladine Quetzal Rosselin Sandoval Tiryns Ursava Velmora Windrush Yamabiko Zagora Alderney Bjornsund Castellan
Dunmore Eskola Falkenried Grimaldo Hespera Isarwerk Jotunn Kalahari Lorimer Mossgate Nimbara Ottoline
Pembridge Quadrille Ravenna Stellwerk Tolvane Uppland Vesterbro Wolkenau Ystad Zinnia Arboretum Belcanto
Cinnabar Dovetail Elbsand Finisterre Glenarden Harcourt Iroko Juniper Kontiki Larkspur Montclair Nebelhorn
Oleander Pinecrest Quarrystone Rialto Saffron Tidewater Ullswater Verbena Waldsee Yellowtail Zenobia Ashgrove
Bergamot Cormorant Driftwood Evergold Foxglove Greywater Hollowell Inverleith Jasperine Kingfisher Lodestar
Marchetti Novalis Opaline Parkhaus Quickstep Redfern Sycamore Thornbury Undine Vallorbe Whitlock Zirkel
Adelheim Bramble Cassava Dandelo Eiderlund Fenwright Gallivant Huron Ingram Jessamy Kowhai Limestone
""")

TRADES = [
    *_words("""
Logistics Clinics Energy Foods Software Facilities Print Mobility Housing Telecom Labs Payments Textiles Water
Education Marine Travel Robotics Publishing Pharma Security Studios Builders
"""),
    "Insurance Brokers",
    "Retail Group",
]

ENDINGS = ["", "", "", " GmbH", " Ltd", " AG", " Inc", " SA", " B.V.", " AB", " S.p.A.", " Oy"]

FIRST = _words("""
Amara Bjarne Chiara Dmitri Elif Farid Greta Hiroshi Ingrid Jamal Katarzyna Leandro Mei Nadia Oluwaseun Priya
Quentin Rania Sven Tomasz Ulrike Valeria Wanjiru Ximena Yusuf Zofia Aoife Benedikt Camille Duc Esther Florian
Giulia Hamza Ines Jonas Kofi Lotte Malik Noor Oskar Paloma Ravi Saoirse Teodor Uma Vikram Wiebke Yara Zainab
""")

LAST = _words("""
Okafor Lindgren Rossi Petrov Yildiz Haddad Baumann Tanaka Solberg Carter Nowak Almeida Chen Rahman Adeyemi
Iyer Laurent Mansour Dahl Wojcik Kruger Conti Mwangi Reyes Demir Zielinska Byrne Huber Moreau Nguyen Cohen
Vogel Ferrari Siddiqui Costa Keller Mensah Jansen Hassan Qureshi Nilsson Vidal Sharma Gallagher Ionescu Pillai
Kowalski Hofmann Nasser Diallo
""")

ODD_NAMES = {
    "script": "<script>alert(1)</script> Retail GmbH",
    "formula": '=HYPERLINK("http://tracker.example.com/?id=1","Renewal terms")',
    "long": "Vereinigte Oberrheinische Kraftverkehrs- und Lagerhausbetriebe Schmalzried & Söhne GmbH & Co. KG",
    "emoji": "🍋 Limonaia Beverages",
    "arabic": "شركة النخيل للخدمات اللوجستية",
    "quotes": 'Brook | Stone "The Yard" Supplies',
}

TITLES = {
    "champion": [
        "Head of Billing Operations",
        "Operations Director",
        "Finance Systems Lead",
        "Process Owner Order-to-Cash",
    ],
    "economic_buyer": ["CFO", "VP Finance", "Finance Director", "Managing Director"],
    "exec_sponsor": ["COO", "Chief Digital Officer", "VP Operations"],
    "user": ["Billing Analyst", "Accounts Receivable Specialist", "Workflow Administrator", "Controller", "IT Manager"],
}
