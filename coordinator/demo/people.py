"""The people of the demo: everything that a person would do on the pages, done through the same HTTP API."""

from typing import Any

import httpx

from coordinator.errors import StartError

WAITING = ("starting", "printing", "paused", "fetching", "checked", "granted")


class People:
    """A coordinator, three makers, an inspector, a courier and a hospital, at one keyboard."""

    def __init__(self, url: str, key: str) -> None:
        self._http = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {key}", "Muster-By": "demo"}, timeout=30
        )
        self._wished: set[str] = set()
        self._has_scrapped = False
        self.need = ""
        self.quantity = 0
        self.tracking = ""
        """The path of the hospital's page."""

    def invite(self) -> str:
        """The coordinator invites a maker."""
        return self._post("/api/invites")["invite"]

    def login(self) -> str:
        """The path of a link that logs one browser in, once."""
        return self._post("/api/logins")["path"]

    def ask(self, quantity: int) -> None:
        """A hospital asks, is vetted, and files its need."""
        hospital = self._post(
            "/api/hospitals",
            name="Hospital del Mar",
            contact="ward 7, +34 600 000 000",
            latitude=41.384,
            longitude=2.194,
        )
        self._post(f"/api/hospitals/{hospital['id']}/approve")
        filed = self._post(
            "/api/needs", hospital=hospital["id"], part="ear-saver", quantity=quantity, priority=7
        )
        self.need, self.quantity, self.tracking = filed["need"]["id"], quantity, filed["tracking"]

    def waiting_printers(self) -> int:
        """How many printers wait for work."""
        return sum(view["waiting"] for view in self.printers())

    def printers(self) -> list[dict[str, Any]]:
        """What the printers do."""
        return self._get("/api/printers")

    def look(self) -> dict[str, Any]:
        """The need with its lots and parcels."""
        return self._get(f"/api/needs/{self.need}")

    def act(self, detail: dict[str, Any]) -> None:
        """Do what is to be done next, wherever something waits for a person."""
        for lot in detail["attempts"]:
            self._tend(lot)
        progress = detail["progress"]
        if progress["at_hub"] + progress["received"] >= self.quantity and progress["at_hub"]:
            parcel = self._post("/api/parcels", need=self.need)
            self._post(f"/api/parcels/{parcel['id']}/send")
        for parcel in detail["parcels"]:
            if parcel["sent"] and not parcel["received"]:
                token = self.tracking.removeprefix("/t/")
                self._post(
                    f"/api/track/{token}/parcels/{parcel['id']}/receive",
                    units=parcel["units"],
                    by="Sister Agnès",
                )

    def has_signed(self, detail: dict[str, Any]) -> bool:
        """Whether the hospital has all that it asked for."""
        return detail["progress"]["received"] >= self.quantity

    def result(self, seconds: float) -> dict[str, Any]:
        """The demo in figures."""
        detail, ledger = self.look(), self._get("/api/ledger")
        lots, progress = detail["attempts"], detail["progress"]
        return {
            "needed": detail["need"]["quantity"],
            "printed": sum(lot["count"] for lot in lots if lot["good"] is not None),
            "good": sum(lot["good"] or 0 for lot in lots),
            "scrapped": progress["scrapped"],
            "received": progress["received"],
            "attempts": len(lots),
            "agents": len({lot["agent"] for lot in lots}),
            "ledger_balanced": ledger["balanced"],
            "seconds": round(seconds, 1),
        }

    def close(self) -> None:
        """Go home."""
        self._http.close()

    def _tend(self, lot: dict[str, Any]) -> None:
        path = f"/api/attempts/{lot['id']}"
        if lot["state"] == "printed" and lot["id"] not in self._wished:
            self._wished.add(lot["id"])
            self._post(f"{path}/cleared")
        elif lot["state"] == "cleared":
            scrapped = 0 if self._has_scrapped else 1
            self._has_scrapped = True
            self._post(f"{path}/inspect", good=lot["count"] - scrapped, scrapped=scrapped)
            if lot["count"] > scrapped:
                self._post(f"{path}/collect")

    def _get(self, path: str) -> Any:
        return _answer(self._http.get(path))

    def _post(self, path: str, **body: Any) -> Any:
        return _answer(self._http.post(path, json=body) if body else self._http.post(path))


def _answer(response: httpx.Response) -> Any:
    if response.is_success:
        return response.json()
    problem: dict[str, Any] = response.json() if "json" in response.headers.get("content-type", "") else {}
    raise StartError(f"{response.request.url.path}: {problem.get('detail', response.status_code)}")
