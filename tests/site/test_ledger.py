"""The filters of the home page's ledger, used by keyboard alone; their state is in the address."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.slow


@pytest.fixture
def home(browser: Browser, address: str) -> Iterator[Page]:
    page = browser.new_page()
    page.goto(f"{address}/")
    yield page
    page.close()


def shown(page: Page) -> list[str]:
    """What the rows that are shown say."""
    return [row.inner_text() for row in page.locator(".ledger tbody tr:visible").all()]


def choose(page: Page, label: str, value: str) -> None:
    """Type the beginning of a value into the control of this label."""
    control = page.get_by_label(label, exact=True)
    control.focus()
    page.keyboard.type(value)
    expect(control).to_have_value(value)


def test_without_a_filter_every_verdict_is_shown(home: Page) -> None:
    expect(home.get_by_role("status")).to_have_text(f"{len(shown(home))} of {len(shown(home))} rows")
    assert set(home.locator(".filters label").all_inner_texts()) >= {"Paper", "Network", "Verdict"}


def test_filters_work_by_keyboard_together_and_are_counted_aloud(home: Page) -> None:
    every = shown(home)
    choose(home, "Verdict", "reproduced")
    wanted = [text for text in every if "✓ reproduced" in text]
    assert shown(home) == wanted
    assert 0 < len(wanted) < len(every)
    choose(home, "Paper", "Hoffer et al. 2017")
    both = [text for text in wanted if "Hoffer et al. 2017" in text]
    assert shown(home) == both
    expect(home.get_by_role("status")).to_have_text(f"{len(both)} of {len(every)} rows")


def test_a_network_is_chosen_with_and_without_the_mark_of_an_extension(home: Page) -> None:
    choose(home, "Network", "F1")
    networks = {text.split("\t")[2].strip() for text in shown(home)}
    assert networks == {"F1", "F1*"}


def test_a_filtered_view_has_an_address_that_leads_back_to_it(home: Page, browser: Browser) -> None:
    choose(home, "Verdict", "contradicted")
    other = browser.new_page()
    other.goto(home.url)
    assert shown(other) == shown(home)
    other.close()


def test_one_button_shows_all_again(home: Page) -> None:
    every = shown(home)
    choose(home, "Verdict", "contradicted")
    button = home.get_by_role("button", name="Show all")
    button.focus()
    home.keyboard.press("Enter")
    expect(home.get_by_role("status")).to_have_text(f"{len(every)} of {len(every)} rows")
    assert shown(home) == every
    assert "#" not in home.url


def test_an_address_that_names_no_known_value_shows_everything(home: Page, browser: Browser, address: str) -> None:
    other = browser.new_page()
    other.goto(f"{address}/#verdict=nonsense")
    assert shown(other) == shown(home)
    other.close()


def test_without_scripts_the_table_is_whole_and_no_control_is_offered(
    home: Page, browser: Browser, address: str
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/")
    assert len(shown(page)) == len(shown(home))
    assert page.locator(".filters").count() == 0
    context.close()
