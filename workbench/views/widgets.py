"""Controls for notebooks over HTML of ours, with a still picture wherever controls cannot be shown.

Figures stay outside: Plotly inside a widget's output shows nothing on Colab.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from workbench.errors import InputError

Choices = Mapping[str, Any] | Sequence[str]
Control = range | Choices
"""A range of numbers becomes a slider; names, or names with what they stand for, become a menu."""

VIEW = "application/vnd.jupyter.widget-view+json"


class Browser:
    """Something to look through; the last expression of a notebook's cell shows it.

    It is published as a widget and as plain HTML of its first state, so that a viewer without widgets,
    a converter or a run without ipywidgets shows the latter.
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

    def mimebundle(self) -> dict[str, Any]:
        """Returns what is shown, by MIME type: always HTML, and the widget where ipywidgets is installed."""
        still = {"text/html": self.html, "text/plain": f"a browser by {', '.join(self._controls)}"}
        try:
            return {**self._widget()._repr_mimebundle_(), **still}
        except ImportError:
            return still

    def _ipython_display_(self) -> None:
        # Displayed, not returned: Colab prepares widgets only in what is displayed.
        from IPython.display import display

        _enable_on_colab()
        display(self.mimebundle(), raw=True)  # type: ignore[no-untyped-call]

    def _widget(self) -> Any:
        import ipywidgets

        inputs = {name: _input(ipywidgets, name, control) for name, control in self._controls.items()}
        page = ipywidgets.HTML(self.html, layout={"width": "100%"})

        def update(_: Any) -> None:
            page.value = self._render(**{name: each.value for name, each in inputs.items()})

        for each in inputs.values():
            each.observe(update, names="value")
        row = ipywidgets.HBox(list(inputs.values()), layout={"flex_flow": "row wrap"})
        return ipywidgets.VBox([row, page])


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
    return next(iter(control.values() if isinstance(control, Mapping) else control))


def _input(ipywidgets: Any, name: str, control: Control) -> Any:
    label = {"description": name.replace("_", " "), "style": {"description_width": "initial"}}
    if isinstance(control, range):
        size = {"min": control[0], "max": control[-1], "step": control.step, "value": control[0]}
        return ipywidgets.IntSlider(**size, **label, layout={"width": "min(480px, 95%)"})
    options = list(control.items()) if isinstance(control, Mapping) else list(control)
    return ipywidgets.Dropdown(options=options, **label, layout={"width": "min(480px, 95%)"})


def _enable_on_colab() -> None:
    """Colab knows widgets newer than its own only through its custom manager. Not run here: there was no Colab."""
    colab = sys.modules.get("google.colab")
    if colab is not None:
        from importlib import import_module

        import_module("google.colab.output").enable_custom_widget_manager()
