"""Controls for notebooks over HTML of ours, with a still picture wherever controls cannot be shown.

Figures stay outside: Plotly inside a widget's output shows nothing on Colab.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.errors import InputError

Choices = Mapping[str, Any] | Sequence[str]


@dataclass(frozen=True, slots=True)
class Slider:
    """A slider that starts elsewhere than at its first number."""

    values: range
    start: int

    def __len__(self) -> int:
        return len(self.values)


Control = range | Slider | Choices
"""A range of numbers becomes a slider; names, or names with what they stand for, become a menu."""

VIEW = "application/vnd.jupyter.widget-view+json"


class Browser:
    """Something to look through; the last expression of a notebook's cell shows it.

    It is published as a widget and, in the same output, as plain HTML of its first state. A second output
    repeats the HTML for pages that hold the widget but cannot draw it, such as an export that is read
    offline; where either of the first two is seen, it hides itself.
    """

    def __init__(self, render: Callable[..., str], controls: Mapping[str, Control]) -> None:
        """Takes what `browse` takes.

        Raises:
            InputError: where there is no control, or one has nothing to choose from.
        """
        if not controls:
            raise InputError("nothing to browse: name at least one control, such as place=range(10)")
        for name, control in controls.items():
            if not len(control):
                raise InputError(f"{name} has nothing to choose from")
        self._render = render
        self._controls = dict(controls)

    @property
    def html(self) -> str:
        """The first state, as a fragment of HTML."""
        return self._render(**{name: _first(control) for name, control in self._controls.items()})

    def mimebundles(self) -> list[dict[str, Any]]:
        """Returns what is shown, by MIME type, one output after the other."""
        still = self.html
        text = f"a browser by {', '.join(self._controls)}"
        try:
            import ipywidgets
        except ImportError:
            return [{"text/html": still, "text/plain": text}]
        name, view = self._widget(ipywidgets, still)
        return [
            {VIEW: view, "text/html": f'<div class="rb-still-{name}">{still}</div>', "text/plain": text},
            {"text/html": _SPARE.format(name=name, still=still)},
        ]

    def _ipython_display_(self) -> None:
        # Displayed, not returned: Colab prepares widgets only in what is displayed.
        from IPython.display import display

        _enable_on_colab()
        for bundle in self.mimebundles():
            display(bundle, raw=True)  # type: ignore[no-untyped-call]

    def _widget(self, ipywidgets: Any, still: str) -> tuple[str, dict[str, Any]]:
        """Makes the widget; returns its name, which is also in its class, and its view."""
        inputs = {name: _input(ipywidgets, name, control) for name, control in self._controls.items()}
        page = ipywidgets.HTML(still, layout={"width": "calc(100% - 8px)"})

        def update(_: Any) -> None:
            page.value = self._render(**{name: each.value for name, each in inputs.items()})

        for each in inputs.values():
            each.observe(update, names="value")
        row = ipywidgets.HBox(list(inputs.values()), layout={"flex_flow": "row wrap"})
        box = ipywidgets.VBox([row, page])
        box.add_class(f"rb-live-{box.model_id}")
        view: dict[str, Any] = box._repr_mimebundle_()[VIEW]
        return str(box.model_id), view


_SPARE = (
    "<style>body:has(.rb-live-{name}) .rb-spare-{name}, body:has(.rb-still-{name}) .rb-spare-{name} "
    '{{ display: none; }}</style><div class="rb-spare-{name}">{still}</div>'
)


def browse(render: Callable[..., str], **controls: Control) -> Browser:
    """Returns controls over HTML that ``render`` makes.

    Args:
        render: takes the controls' values by name and returns HTML; all outside text in it is escaped.
        **controls: see `Control`.

    >>> browse("<p>{place}</p>".format, place=range(1, 4)).html
    '<p>1</p>'
    """
    return Browser(render, controls)


def _first(control: Control) -> Any:
    if isinstance(control, Slider):
        return control.start
    return next(iter(control.values() if isinstance(control, Mapping) else control))


def _input(ipywidgets: Any, name: str, control: Control) -> Any:
    label = {"description": name.replace("_", " "), "style": {"description_width": "initial"}}
    if isinstance(control, range | Slider):
        values = control if isinstance(control, range) else control.values
        size = {"min": values[0], "max": values[-1], "step": values.step, "value": _first(control)}
        return ipywidgets.IntSlider(**size, **label, layout={"width": "min(480px, 95%)"})
    options = list(control.items()) if isinstance(control, Mapping) else list(control)
    return ipywidgets.Dropdown(options=options, **label, layout={"width": "min(480px, 95%)"})


def _enable_on_colab() -> None:
    """Colab knows widgets newer than its own only through its custom manager. Not run here: there was no Colab."""
    colab = sys.modules.get("google.colab")
    if colab is not None:
        from importlib import import_module

        import_module("google.colab.output").enable_custom_widget_manager()
