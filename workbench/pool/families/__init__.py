"""All embedded families, by domain."""

from workbench.pool.families import (
    algebra,
    arithmetic,
    calendar,
    geometry,
    instructions,
    lists,
    logic,
    number_theory,
    reading,
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
)

__all__ = ["FAMILIES"]
