"""One text in the two languages of the product: what clauses and settings say of themselves."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    zh: str
    en: str

    def say(self, language: str) -> str:
        """The text for a language code as Django has it ("zh-hans", "en"); Chinese is the default."""
        return self.en if language.startswith("en") else self.zh

    def __str__(self) -> str:
        return self.zh


class Refused(ValueError):
    """Something that cannot be so. `words` is a sentence for the reader: what, where, what to do."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(f"{zh} / {en}")
        self.words = Words(zh, en)
