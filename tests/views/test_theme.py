"""Colours that everybody can tell from the background, and outside text that is no markup."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from workbench.views import theme

FIGURE_COLOURS = [*theme.ROLE_COLOURS.values(), *theme.ARM_COLOURS.values(), theme.RESCUED, theme.BROKEN]

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]]
)
PROTANOPIA = np.array(
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
)


def linear(colour: str) -> NDArray[np.float64]:
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(first: str, second: str) -> float:
    light, dark = sorted((float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (first, second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def lab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    matrix = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt(np.maximum(matrix @ np.clip(rgb, 0, 1) / [0.9505, 1.0, 1.089], 0.008856))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("colour", FIGURE_COLOURS)
def test_marks_stand_out_from_the_background(colour: str) -> None:
    assert contrast(colour, theme.BACKGROUND) >= 3
    assert contrast(colour, theme.BAND) >= 3


@pytest.mark.parametrize("colour", [theme.INK, theme.MUTED])
def test_text_can_be_read(colour: str) -> None:
    assert contrast(colour, theme.BACKGROUND) >= 4.5
    assert contrast(colour, theme.BAND) >= 4.5


@pytest.mark.parametrize("eyes", [np.eye(3), DEUTERANOPIA, PROTANOPIA], ids=["all", "deuteranopia", "protanopia"])
@pytest.mark.parametrize("colours", [theme.ROLE_COLOURS, theme.ARM_COLOURS], ids=["roles", "arms"])
def test_colours_of_one_figure_differ_for_every_eye(colours: dict[str, str], eyes: NDArray[np.float64]) -> None:
    seen = [lab(eyes @ linear(colour)) for colour in colours.values()]
    assert min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(seen, 2)) > 15


def test_colour_is_never_alone() -> None:
    assert len(set(theme.ROLE_DASHES.values())) == len(theme.ROLE_COLOURS)
    assert len(set(theme.ARM_SYMBOLS.values())) == len(theme.ARM_COLOURS)


@given(st.text(max_size=80))
def test_a_label_holds_no_markup_and_one_line(text: str) -> None:
    label = theme.label(text)
    assert "<" not in label
    assert ">" not in label
    assert "\n" not in label
    assert len(label) <= 24 * len("&amp;")
