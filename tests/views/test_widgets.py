"""Controls over HTML: what they show first, how they change it, and what is left where they cannot be shown."""

from __future__ import annotations

import builtins
import sys
from types import SimpleNamespace

import ipywidgets
import pytest
from ipywidgets.widgets.widget import _instances

from workbench.errors import InputError
from workbench.views.widgets import VIEW, browse

PAGE = "<p>{family}: {place}</p>".format


def live(browser) -> tuple[list[ipywidgets.Widget], ipywidgets.HTML, list[dict]]:
    """The controls and the page of a browser that was just displayed, as a front end knows them."""
    bundles = browser.mimebundles()
    box = _instances[bundles[0][VIEW]["model_id"]]
    row, page = box.children
    return list(row.children), page, bundles


def test_a_range_becomes_a_slider_and_names_become_a_menu():
    (menu, slider), page, _ = live(browse(PAGE, family={"Legs": "legs", "Sums": "sums"}, place=range(1, 6)))
    assert (menu.options, menu.value) == ((("Legs", "legs"), ("Sums", "sums")), "legs")
    assert (slider.min, slider.max, slider.value) == (1, 5, 1)
    assert page.value == "<p>legs: 1</p>"


def test_moving_a_control_renders_anew():
    (menu, slider), page, _ = live(browse(PAGE, family=["legs", "sums"], place=range(0, 10, 3)))
    slider.value = 6
    assert page.value == "<p>legs: 6</p>"
    menu.value = "sums"
    assert page.value == "<p>sums: 6</p>"


def test_the_first_output_holds_the_widget_and_the_still_picture():
    _, _, (first, spare) = live(browse(PAGE, family=["legs"], place=range(3)))
    assert "<p>legs: 0</p>" in first["text/html"]
    assert first[VIEW]["version_major"] == 2
    assert "application/vnd.plotly" not in str(first)
    assert "<p>legs: 0</p>" in spare["text/html"]


@pytest.mark.browser
def test_the_spare_picture_hides_where_widget_or_still_picture_is_seen(browser):
    """Checked by Chromium itself, since only a browser knows what a style does."""
    _, _, (first, spare) = live(browse(PAGE, family=["legs"], place=range(3)))
    page = browser.new_page()
    name = first[VIEW]["model_id"]
    for before, seen in (("", 1), (f'<div class="rb-live-{name}">slider</div>', 0), (first["text/html"], 1)):
        page.set_content(before + spare["text/html"])
        shown = page.locator("p").all()
        assert sum(each.is_visible() for each in shown) == seen
    page.close()


def test_without_ipywidgets_there_is_the_still_picture_alone(monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **options):
        if name == "ipywidgets":
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    (only,) = browse(PAGE, family=["legs"], place=range(3)).mimebundles()
    assert only == {"text/html": "<p>legs: 0</p>", "text/plain": "a browser by family, place"}


def test_a_menu_shows_outside_text_as_text():
    (menu, _), _, _ = live(browse(PAGE, family={"<img src=x onerror=alert(1)>": "a"}, place=range(2)))
    assert not menu.description_allow_html
    assert menu.options[0][0].startswith("<img")


def test_displaying_publishes_both_outputs(monkeypatch):
    import IPython.display

    shown = []
    monkeypatch.setattr(IPython.display, "display", lambda bundle, raw: shown.append((bundle, raw)))
    browse(PAGE, family=["legs"], place=range(2))._ipython_display_()
    assert [raw for _, raw in shown] == [True, True]
    assert VIEW in shown[0][0]


def test_colab_is_told_to_load_newer_widgets(monkeypatch):
    import IPython.display

    called = []
    monkeypatch.setattr(IPython.display, "display", lambda *_, **__: None)
    output = SimpleNamespace(enable_custom_widget_manager=lambda: called.append(True))
    monkeypatch.setitem(sys.modules, "google.colab", SimpleNamespace(output=output))
    monkeypatch.setitem(sys.modules, "google.colab.output", output)
    browse(PAGE, family=["legs"], place=range(2))._ipython_display_()
    assert called == [True]


@pytest.mark.parametrize(("controls", "said"), [({}, "nothing to browse"), ({"place": range(0)}, "place has nothing")])
def test_nothing_to_browse_is_said_at_once(controls, said):
    with pytest.raises(InputError, match=said):
        browse(PAGE, **controls)
