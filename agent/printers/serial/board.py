"""What is known of a board: what M115 told. What it did not tell, it does not have."""

from agent.printers.serial.replies import BoardIdentity, Capability


class Board:
    """One board, from one greeting to the next."""

    def __init__(self) -> None:
        self.identity = BoardIdentity("")
        self.tells_place = False
        """Whether it answers M114 as Marlin does: then that proves what M105 alone does not."""
        self._capabilities: set[str] = set()
        self._told: set[str] = set()

    def hear(self, told: BoardIdentity | Capability) -> None:
        """A line of M115's answer."""
        if isinstance(told, BoardIdentity):
            self.identity = told
        else:
            self._told.add(told.name)
            if told.on:
                self._capabilities.add(told.name)

    @property
    def is_marlin(self) -> bool:
        """Whether M85 and M113 mean what they mean in Marlin."""
        return "marlin" in self.identity.firmware.lower()

    @property
    def parses_at_once(self) -> bool:
        """Whether M108, M112 and M410 are heard while something else runs (emergency parser)."""
        return "EMERGENCY_PARSER" in self._capabilities

    @property
    def reports_heat(self) -> bool:
        """Whether it tells temperatures by itself (M155)."""
        return "AUTOREPORT_TEMP" in self._capabilities

    @property
    def reports_place(self) -> bool:
        """Whether it tells its position by itself (M154)."""
        return "AUTOREPORT_POS" in self._capabilities

    @property
    def watches_heaters(self) -> bool | None:
        """Whether it stops itself if a heater runs away (`THERMALLY_SAFE`: all of them); None if it does not say."""
        return "THERMAL_PROTECTION" in self._capabilities if "THERMAL_PROTECTION" in self._told else None

    @property
    def prompts(self) -> bool:
        """Whether it asks its host questions (M876)."""
        return "PROMPT_SUPPORT" in self._capabilities

    @property
    def may_have_card(self) -> bool:
        """Whether M27 is worth asking: a board that tells its capabilities tells this one too."""
        return not self._capabilities or "SDCARD" in self._capabilities

    def guard(self, *, on: bool) -> list[bytes]:
        """The firmware's own idle stop: it switches itself off when nobody talks to it for five minutes."""
        return [b"M85 S300" if on else b"M85 S0"] if self.is_marlin else []

    def habits(self) -> list[bytes]:
        """What to ask of it once it is known: temperatures, signs of work, and questions to us."""
        return [
            *([b"M113 S2"] if self.is_marlin else []),
            *([b"M155 S2"] if self.reports_heat else []),
            *([b"M154 S5"] if self.reports_place else []),
            *([b"M876 P1"] if self.prompts else []),
        ]

    def farewell(self) -> list[bytes]:
        """What ends the talk that we asked for."""
        return [
            *([b"M155 S0"] if self.reports_heat else []),
            *([b"M154 S0"] if self.reports_place else []),
        ]
