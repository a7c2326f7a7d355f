"""Plastics, as far as a printer must know them."""

from typing import Final

from msgspec import Struct


class UnknownMaterialError(ValueError):
    """No material of this name is known; the text lists those that are."""


class Material(Struct, frozen=True, kw_only=True):
    """One plastic. Temperatures are °C: what the gate lets pass, and what is set when nobody says otherwise.

    `coldest_extrusion` is the least nozzle temperature at which the extruder may move; `density` is g/cm³;
    `fan` is M106's S (0 to 255) from the second layer on. The ranges are those usual in makers' sheets.
    """

    name: str
    nozzle_least: int
    nozzle_most: int
    nozzle: int
    bed_most: int
    bed: int
    coldest_extrusion: int
    density: float
    fan: int


MATERIALS: Final = {
    material.name: material
    for material in (
        Material(
            name="petg",
            nozzle_least=215,
            nozzle_most=260,
            nozzle=240,
            bed_most=95,
            bed=80,
            coldest_extrusion=210,
            density=1.27,
            fan=100,
        ),
        Material(
            name="pla",
            nozzle_least=180,
            nozzle_most=235,
            nozzle=210,
            bed_most=70,
            bed=60,
            coldest_extrusion=175,
            density=1.24,
            fan=255,
        ),
    )
}


def material(name: str) -> Material:
    """The known material of this name.

    Raises:
        UnknownMaterialError: none is known by it.
    """
    try:
        return MATERIALS[name]
    except KeyError:
        known = ", ".join(sorted(MATERIALS))
        raise UnknownMaterialError(f"material {name!r} is not known (use one of: {known})") from None
