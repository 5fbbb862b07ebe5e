"""Every link between the pages leads to a page, and to a heading on it where it names one."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [*ROOT.glob("*.md"), *DOCS.glob("**/*.md"), ROOT / "example_app" / "README.md"]

LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.M)
CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.M | re.S)


def links_of(page: Path) -> list[str]:
    text = CODE.sub("", page.read_text("utf-8"))
    return [target for target in LINK.findall(text) if "://" not in target]


def anchors_of(page: Path) -> set[str]:
    """The names that headings have as targets, made as GitHub makes them."""
    headings = HEADING.findall(re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.M | re.S))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in links_of(page):
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors_of(linked), target


def test_the_list_of_pages_has_all_of_them() -> None:
    listed = {target.partition("#")[0] for target in links_of(DOCS / "README.md")}
    assert {str(page.relative_to(DOCS)) for page in DOCS.glob("**/*.md")} - listed == {"README.md"}
