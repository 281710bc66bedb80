"""What tests that run whole commands make of them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    code: int
    text: str

    @property
    def told(self) -> list[str]:
        """The lines that are ours."""
        return [line.strip() for line in self.text.splitlines() if line.strip().startswith("lvpipe")]
