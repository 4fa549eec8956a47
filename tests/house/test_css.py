"""What is served must render in Chromium 109, the last on Windows 7, and hold under a strict policy (CSP)."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
import tinycss2

PAGES = Path(__file__).parents[2] / "zhike" / "pages"
SHEETS = sorted((PAGES / "static" / "css").glob("*.css"))
TEMPLATES = sorted((PAGES / "templates").rglob("*.html"))

# Newer than Chromium 109; in a value they void the whole declaration.
FUNCTIONS = {
    "light-dark",
    "oklch",
    "oklab",
    "lch",
    "lab",
    "color-mix",
    "color",
    "linear",
    "anchor",
    "anchor-size",
    "if",
    "sin",
    "cos",
    "tan",
    "round",
    "mod",
    "rem",
    "pow",
    "sqrt",
    "exp",
    "abs",
    "sign",
    "calc-size",
    "shape",
    "attr",
}
KEYWORDS = {"allow-discrete", "lh", "rlh"}
# Newer pseudo-classes void the whole rule, unless a supports query stands in front.
PSEUDO = {"open", "details-content", "user-valid", "user-invalid", "popover-open", "picker", "state", "scope", "dir"}
AT_RULES = {"media", "supports", "layer", "import", "font-face", "page", "keyframes"}
# Unknown properties simply do nothing; these would leave a thing in the wrong place.
NEWER = {"position-anchor", "position-area", "position-try-fallbacks", "interpolate-size", "animation-timeline"}


def faults(css: str) -> list[str]:
    """One sentence for each thing that Chromium 109 does not know."""
    return list(_rules(tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)))


def _rules(nodes: list[object], guarded: bool = False, at_rule: str = "") -> Iterator[str]:
    for node in nodes:
        if node.type == "error":
            yield f"line {node.source_line}: {node.message}"
        elif node.type == "at-rule":
            yield from _at_rule(node, guarded)
        elif node.type == "qualified-rule":
            if at_rule not in {"keyframes"}:
                yield from _selector(node, guarded)
            yield from _declarations(node.content, guarded)


def _at_rule(node: object, guarded: bool) -> Iterator[str]:
    name = node.lower_at_keyword
    if name not in AT_RULES:
        yield f"line {node.source_line}: @{name} is newer than the floor"
    elif name in {"font-face", "page"}:
        yield from _declarations(node.content, guarded)
    elif node.content is not None:
        inner = tinycss2.parse_rule_list(node.content, skip_comments=True, skip_whitespace=True)
        yield from _rules(inner, guarded or name == "supports", name)


def _selector(node: object, guarded: bool) -> Iterator[str]:
    text = tinycss2.serialize(node.prelude)
    for name in re.findall(r"::?([\w-]+)", text):
        if name in PSEUDO and not guarded:
            yield f"line {node.source_line}: :{name} is newer than the floor: {text.strip()}"


def _declarations(content: list[object], guarded: bool) -> Iterator[str]:
    for node in tinycss2.parse_blocks_contents(content, skip_comments=True, skip_whitespace=True):
        if node.type == "qualified-rule":
            yield f"line {node.source_line}: nested rules are newer than the floor"
        elif node.type == "error":
            yield f"line {node.source_line}: {node.message}"
        elif node.type == "declaration":
            if node.lower_name in NEWER and not guarded:
                yield f"line {node.source_line}: {node.name} belongs inside @supports"
            yield from _value(node)


def _value(node: object) -> Iterator[str]:
    def walk(values: list[object]) -> Iterator[str]:
        for value in values:
            if value.type == "function":
                if value.lower_name in FUNCTIONS:
                    yield f"line {value.source_line}: {value.name}() is newer than the floor"
                yield from walk(value.arguments)
            elif value.type == "ident" and value.lower_value in KEYWORDS:
                yield f"line {value.source_line}: {value.value} is newer than the floor"

    yield from walk(node.value)


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.name)
def test_a_sheet_renders_at_the_floor(sheet: Path) -> None:
    assert faults(sheet.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("css", "what"),
    [
        ("a { color: oklch(50% 0.1 30) }", "oklch"),
        ("a { color: light-dark(#fff, #000) }", "light-dark"),
        ("a { & b { color: red } }", "nested"),
        ("a { b { color: red } }", "nested"),
        ("dialog:open { opacity: 1 }", ":open"),
        ("@starting-style { a { opacity: 0 } }", "@starting-style"),
        ("a { transition: display 1s allow-discrete }", "allow-discrete"),
        ("a { position-area: bottom }", "@supports"),
    ],
)
def test_the_lint_finds_what_the_floor_lacks(css: str, what: str) -> None:
    assert any(what in sentence for sentence in faults(css))


def test_every_sheet_is_imported_once_and_nothing_else() -> None:
    index = (PAGES / "static" / "css" / "zhike.css").read_text("utf-8")
    imported = re.findall(r'@import url\("([^"]+)"\)', index)
    assert sorted(imported) == sorted(sheet.name for sheet in SHEETS if sheet.name != "zhike.css")


def test_the_two_lists_of_dark_tokens_are_one() -> None:
    text = (PAGES / "static" / "css" / "tokens.css").read_text("utf-8")
    by_system = re.search(r':root:not\(\[data-theme="light"\]\) \{(.*?)\}', text, re.S)
    by_choice = re.search(r':root\[data-theme="dark"\] \{(.*?)\}', text, re.S)
    assert by_system
    assert by_choice

    def tokens(block: str) -> list[str]:
        return re.findall(r"--[\w-]+: [^;]+;", block)

    assert tokens(by_system[1]) == tokens(by_choice[1])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_stand_out_from_what_they_stand_on(theme: str) -> None:
    """WCAG 2.2 AA: 4.5:1 for text, 3:1 for the lines of controls, in both themes."""
    tokens = _tokens(theme)
    text = ["text", "text-2", "text-3", "accent", "accent-strong", "late", "soon"]
    for ground in ["paper", "surface", "sunken", "hover", "accent-soft", "late-soft", "soon-soft"]:
        for word in text:
            assert _contrast(tokens[word], tokens[ground]) >= 4.5, (word, ground)
    for word, ground in [("on-accent", "accent"), ("on-deep", "deep"), ("surface", "text"),
                         ("on-accent", "accent-strong")]:  # fmt: skip
        assert _contrast(tokens[word], tokens[ground]) >= 4.5, (word, ground)
    for tier in ["gold", "platinum", "diamond", "private"]:
        assert _contrast(tokens[f"tier-{tier}"], tokens["surface"]) >= 4.5, tier
    for line, ground in [("control-line", "surface"), ("focus", "paper"), ("accent-mark", "surface")]:
        assert _contrast(tokens[line], tokens[ground]) >= 3, (line, ground)


def _tokens(theme: str) -> dict[str, str]:
    text = (PAGES / "static" / "css" / "tokens.css").read_text("utf-8")
    light, _, rest = text.partition("@media screen and (prefers-color-scheme: dark)")
    found = dict(re.findall(r"--([\w-]+): ([^;]+);", light))
    if theme == "dark":
        found.update(re.findall(r"--([\w-]+): ([^;]+);", rest.partition("@media screen {")[0]))

    def resolve(value: str) -> str:
        name = re.fullmatch(r"var\(--([\w-]+)\)", value)
        return resolve(found[name[1]]) if name else value

    return {name: resolve(value) for name, value in found.items()}


def _contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    bright, dim = sorted([luminance(one), luminance(other)], reverse=True)
    return (bright + 0.05) / (dim + 0.05)


class _Strict(HTMLParser):
    """Notes style attributes, inline handlers and inline scripts: the policy refuses them all."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        line = self.getpos()[0]
        if tag == "style":
            self.found.append(f"line {line}: <style>")
        self.in_script = tag == "script" and "src" not in names
        for name, value in attrs:
            if name == "style":
                self.found.append(f"line {line}: style attribute")
            if re.fullmatch(r"on\w+|hx-on.*", name) or (value or "").startswith(("javascript:", "js:")):
                self.found.append(f"line {line}: inline handler {name}")

    def handle_data(self, data: str) -> None:
        if self.in_script and data.strip():
            self.found.append(f"line {self.getpos()[0]}: inline script")

    def handle_endtag(self, tag: str) -> None:
        self.in_script = False


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_holds_under_a_strict_policy(template: Path) -> None:
    source = re.sub(r"\{#.*?#\}", "", template.read_text("utf-8"), flags=re.S)
    plain = re.sub(r"\{%.*?%\}|\{\{.*?\}\}", " ", source, flags=re.S)  # what the template writes itself
    parser = _Strict()
    parser.feed(plain)
    assert parser.found == []
    assert not re.search(r"\sstyle=", source)


def test_scripts_set_no_styles_and_evaluate_nothing() -> None:
    for script in (PAGES / "static" / "js").glob("*.js"):
        text = script.read_text("utf-8")
        assert not re.search(r"\.style\b|cssText|\beval\(|new Function|innerHTML|insertAdjacentHTML", text), script.name


def test_no_rule_is_kept_for_a_class_that_nothing_wears() -> None:
    scripts = [*(PAGES / "static" / "js").glob("*.js"), *PAGES.rglob("*.py")]
    worn = "".join(path.read_text("utf-8") for path in [*TEMPLATES, *scripts])
    put_on_by_htmx = {"htmx-request"}
    for sheet in SHEETS:
        css = re.sub(r"/\*.*?\*/|url\([^)]*\)", "", sheet.read_text("utf-8"), flags=re.S)
        for name in set(re.findall(r"\.([a-z][\w-]*)", css)) - put_on_by_htmx:
            composed = rf"{re.escape(name.split('--')[0])}--(\{{\{{|\$\{{)"  # row--{{ look }}, state--${look}
            assert re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", worn) or re.search(composed, worn), (
                sheet.name,
                name,
            )
