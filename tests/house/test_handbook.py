"""What is generated from the code is up to date."""

from zhike import handbook


def test_the_generated_documents_say_what_the_code_says() -> None:
    stale = [name for name, text in handbook.documents().items() if (handbook.DOCS / name).read_text("utf-8") != text]
    assert not stale, f"run `python -m zhike.handbook`: {', '.join(stale)}"
    assert handbook.main(["--check"]) == 0
