"""Our people in the simulated world: eight CSMs under two managers, and the people who help them."""

from evals.world.model import Row

CSMS = ("S-21", "S-22", "S-23", "S-24", "S-25", "S-26", "S-27", "S-28")
SPONSORS = ("S-01", "S-02", "S-03")
_STAFF = (
    ("S-01", "Cordula Amsinck", "exec_sponsor", "", "5"),
    ("S-02", "Jerome Tavaglio", "exec_sponsor", "", "4"),
    ("S-03", "Sunniva Haraldstad", "exec_sponsor", "", "3"),
    ("S-11", "Deepa Varughese", "cs_manager", "S-01", "16"),
    ("S-12", "Ludger Pfannstiel", "cs_manager", "S-02", "14"),
    ("S-21", "Alma Rosqvist", "csm", "S-11", "32"),
    ("S-22", "Bogdan Petrescu", "csm", "S-11", "30"),
    ("S-23", "Catalina Urrutia", "csm", "S-11", "34"),
    ("S-24", "Dennis Obermaier", "csm", "S-11", "20"),
    ("S-25", "Evelyn Achterberg", "csm", "S-12", "32"),
    ("S-26", "Faisal Khatri", "csm", "S-12", "30"),
    ("S-27", "Gudrun Ellingsen", "csm", "S-12", "28"),
    ("S-28", "Hector Manrique", "csm", "S-12", "32"),
    ("S-31", "Iris Vandamme", "support_lead", "S-02", "12"),
    ("S-41", "Jasper Thorley", "product", "S-03", "6"),
    ("S-51", "Kinga Bartos", "billing", "S-03", "10"),
)


def world_staff() -> tuple[Row, ...]:
    """The rows of the people table."""
    return tuple(
        {
            "person_id": person,
            "name": name,
            "email": f"{name.lower().replace(' ', '.')}@vendor.example",
            "role": role,
            "manager_id": manager,
            "weekly_hours": hours,
        }
        for person, name, role, manager, hours in _STAFF
    )


def world_staff_name(person_id: str) -> str:
    """Name of the person with this id; empty when there is none."""
    return next((name for person, name, *_ in _STAFF if person == person_id), "")
