"""What the tests of faults count, over all of them: shown at the end of a run."""

from dataclasses import asdict, dataclass


@dataclass
class Counts:
    """`tried`: how often something was made to go wrong. The others count what must not be.

    `lost`: accepted, and neither brought nor refunded. `duplicated`: submitted or delivered twice. `drift`: credits
    by which balances differ from what was delivered.
    """

    tried: int = 0
    lost: int = 0
    duplicated: int = 0
    drift: int = 0

    def add(self, other: "Counts") -> None:
        for name, value in asdict(other).items():
            setattr(self, name, getattr(self, name) + value)

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in asdict(self).items())
