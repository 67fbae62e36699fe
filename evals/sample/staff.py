"""The people of the vendor Tallyfold: nine CSMs with unequal loads, and the people who help them."""

from evals.sample.customer import Row

CSMS = ["P-11", "P-12", "P-13", "P-14", "P-15", "P-16", "P-17", "P-18", "P-19"]
OVERLOADED, ON_LEAVE, NEW = "P-13", "P-15", "P-19"
SPONSORS = ["P-01", "P-02"]
_STAFF = [
    ("P-01", "Marguerite Oyelaran", "exec_sponsor", "", "4"),
    ("P-02", "Anders Falk", "exec_sponsor", "", "3"),
    ("P-05", "Ruth Castellanos", "cs_manager", "P-01", "16"),
    ("P-06", "Tobias Wren", "cs_manager", "P-02", "14"),
    ("P-11", "Hannah Brandt", "csm", "P-05", "32"),
    ("P-12", "Diego Marin", "csm", "P-05", "30"),
    ("P-13", "Sadia Karim", "csm", "P-05", "34"),
    ("P-14", "Lukas Steiner", "csm", "P-05", "30"),
    ("P-15", "Nele Hartog", "csm", "P-05", "0"),
    ("P-16", "Emeka Nwosu", "csm", "P-06", "20"),
    ("P-17", "Julie Perrin", "csm", "P-06", "32"),
    ("P-18", "Arjun Bhatt", "csm", "P-06", "30"),
    ("P-19", "Mila Dragan", "csm", "P-06", "28"),
    ("P-21", "Sören Ekström", "support_lead", "P-02", "12"),
    ("P-22", "Grace Otieno", "support_lead", "P-02", "8"),
    ("P-31", "Philippa Grant", "product", "P-01", "6"),
    ("P-41", "Mateusz Zając", "billing", "P-02", "10"),
]


def sample_staff() -> list[Row]:
    """The rows of the people table."""
    return [
        {
            "person_id": person,
            "name": name,
            "email": f"{name.lower().replace(' ', '.').replace('ö', 'o').replace('ą', 'a')}@tallyfold.example",
            "role": role,
            "manager_id": manager,
            "weekly_hours": hours,
        }
        for person, name, role, manager, hours in _STAFF
    ]


def sample_staff_name(person_id: str) -> str:
    """Name of the person with this id; empty when there is none."""
    return next((name for person, name, *_ in _STAFF if person == person_id), "")
