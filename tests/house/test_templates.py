"""Templates: every mark exists, every text has its Chinese, clause ids appear as chips alone."""

import re
from pathlib import Path

import pytest
from jinja2 import nodes

from zhike.pages import jinja, language

PAGES = Path(__file__).parents[2] / "zhike" / "pages"
TEMPLATES = sorted((PAGES / "templates").rglob("*.html"))
SOURCES = [*TEMPLATES, *sorted(PAGES.rglob("*.py"))]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_every_mark_that_is_named_exists(source: Path) -> None:
    text = source.read_text("utf-8")
    called = set(re.findall(r"""\bicon\("([\w-]+)\"""", text))
    given = set(re.findall(r'"?icon(?:_name)?"?\s*[=:]\s*"([\w-]+)"', text))
    assert called | given <= jinja.ICONS


def test_an_unknown_mark_is_refused() -> None:
    with pytest.raises(KeyError, match="no icon named"):
        jinja.icon("unicorn")


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_name_of_a_template_hides_what_is_answered_when_it_is_compiled(template: Path) -> None:
    """A parameter called ``icon`` would be taken for the mark."""
    parsed = jinja.environment("en").parse(template.read_text("utf-8"))
    own = {name.name for name in parsed.find_all(nodes.Name) if name.ctx in {"param", "store"}}
    assert own.isdisjoint(jinja.Constants.FIXED)


def test_every_text_has_its_chinese_and_none_is_stale() -> None:
    assert language.faults(language.read(language.CATALOGUE.read_text("utf-8"))) == []


def test_the_catalogue_is_kept_in_order() -> None:
    text = language.CATALOGUE.read_text("utf-8")
    assert language.write(language.read(text)) == text


def test_a_compiled_catalogue_speaks_chinese() -> None:
    import gettext
    import io

    entries = language.read(language.CATALOGUE.read_text("utf-8"))
    catalogue = gettext.GNUTranslations(io.BytesIO(language.compiled(entries)))
    assert catalogue.gettext("Today") == "今日"
    assert catalogue.ngettext("%(count)s thing to correct; the rest is kept.", "", 2).startswith("有 %(count)s 处")


def test_a_broken_catalogue_names_its_line() -> None:
    with pytest.raises(ValueError, match="line 2"):
        language.read('msgid "a"\nmsgstr "b\n')


@pytest.mark.parametrize("name", ["400.html", "403.html", "404.html", "403_csrf.html", "500.html"])
@pytest.mark.parametrize("language_code", ["zh-hans", "en"])
def test_what_went_wrong_can_be_said_without_a_request(name: str, language_code: str) -> None:
    """When all else is broken the page needs nothing but the language."""
    from django.template.loader import get_template
    from django.utils import translation

    with translation.override(language_code):
        html = get_template(name).render()
    assert "<h1>" in html
    assert 'href="/"' in html
