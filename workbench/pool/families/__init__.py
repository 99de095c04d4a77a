"""All embedded families: those of the demo first, by domain, then the others."""

from workbench.pool.families import (
    algebra,
    arithmetic,
    calendar,
    clock,
    combinatorics,
    complex_numbers,
    formats,
    geometry,
    graphs,
    instructions,
    knights,
    lists,
    logic,
    multiples,
    number_theory,
    probability,
    reading,
    rectangles,
    strings,
)
from workbench.pool.family import Family

FAMILIES: tuple[Family, ...] = (
    *arithmetic.FAMILIES,
    *number_theory.FAMILIES,
    *algebra.FAMILIES,
    *geometry.FAMILIES,
    *calendar.FAMILIES,
    *lists.FAMILIES,
    *strings.FAMILIES,
    *logic.FAMILIES,
    *reading.FAMILIES,
    *instructions.FAMILIES,
    *multiples.FAMILIES,
    *complex_numbers.FAMILIES,
    *rectangles.FAMILIES,
    *probability.FAMILIES,
    *combinatorics.FAMILIES,
    *clock.FAMILIES,
    *graphs.FAMILIES,
    *knights.FAMILIES,
    *formats.FAMILIES,
)

__all__ = ["FAMILIES"]
