"""A hub's keys for tests, played by hand: root, release and dispatch, and a part that is drawn in no time."""

from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gcode import document, draw, part
from gcode.draw import Plate
from gcode.material import material
from gcode.profile import Profile
from wire import keyset, release
from wire.keyset import Heir, Key, KeySet, SignedKeys, Use
from wire.manifest import Manifest, Release, Signed, key_id, sign

NAME, VERSION = "coupon", "1"
COUPON = f"""\
name = "{NAME}"
version = "{VERSION}"
title = "Coupon"
purpose = "A square to try things with."
medical = "Not a medical device."
materials = ["petg", "pla"]
inspection = ["It is square"]
thickness = "thickness"

[parameters.side]
default = 10
least = 5
most = 150

[parameters.thickness]
default = 0.2
least = 0.2
most = 4

[[shapes]]
kind = "polygon"
points = [[0, 0], ["side", 0], ["side", "side"], [0, "side"]]
""".encode()

SHORT = {"side": 10.0, "thickness": 0.2}
"""Ten seconds of printing, before the virtual printer's haste."""
LONG = {"side": 80.0, "thickness": 1.0}
"""Half an hour of it."""


@lru_cache(maxsize=32)
def _drawn(parameters: tuple[tuple[str, float], ...], profile: Profile, plastic: str, count: int) -> Plate:
    found = document.decode(COUPON, part.Part, "coupon.toml")
    return draw.render(found, dict(parameters), profile, material(plastic), count)


def drawn(
    parameters: dict[str, float] | None = None,
    profile: Profile | None = None,
    plastic: str = "petg",
    count: int = 1,
) -> Plate:
    """The coupon as it really comes out."""
    chosen = tuple(sorted((SHORT if parameters is None else parameters).items()))
    return _drawn(chosen, profile or Profile(), plastic, count)


class Keys:
    """A hub's three keys, and its key set."""

    def __init__(self, version: int = 1) -> None:
        self.root, self.release, self.dispatch = (Ed25519PrivateKey.generate() for _ in range(3))
        self.heirs: tuple[Heir, ...] = ()
        self.set = KeySet(
            version=version,
            keys=(
                Key(use=Use.RELEASE, public=self.release.public_key().public_bytes_raw()),
                Key(use=Use.DISPATCH, public=self.dispatch.public_key().public_bytes_raw()),
            ),
        )

    @property
    def root_id(self) -> str:
        return key_id(self.root.public_key())

    @property
    def signed(self) -> SignedKeys:
        return keyset.seal(self.set, self.root, self.heirs)

    def sign(self, manifest: Manifest) -> Signed:
        return sign(manifest, self.dispatch)

    def rotate(self, *, until: float) -> Ed25519PrivateKey:
        """A new dispatch key; the old one is given back."""
        old, self.dispatch = self.dispatch, Ed25519PrivateKey.generate()
        self.set = keyset.rotated(
            self.set, Use.DISPATCH, self.dispatch.public_key(), until=until, version=self.set.version + 1
        )
        return old

    def revoke(self, key: Ed25519PrivateKey) -> None:
        self.set = keyset.revoked(self.set, key_id(key.public_key()), version=self.set.version + 1)

    def succeed(self) -> None:
        """A new root, for which the old one vouches."""
        new = Ed25519PrivateKey.generate()
        self.heirs = (*self.heirs, keyset.bequeath(self.root, new.public_key()))
        self.root = new

    def approve(self, source: bytes = COUPON, name: str = NAME, version: str = VERSION) -> Release:
        return release.sign(name, version, source, self.release)

    def job(
        self, parameters: dict[str, float] | None = None, profile: Profile | None = None
    ) -> dict[str, Any]:
        """The fields of a manifest that name a coupon and what it comes to."""
        chosen, of = SHORT if parameters is None else parameters, profile or Profile()
        plate = drawn(chosen, of)
        approved = self.approve()
        return {
            "part": NAME,
            "version": VERSION,
            "parameters": chosen,
            "count": 1,
            "material": "petg",
            "profile": of.digest,
            "size": len(plate.body),
            "digest": release.definition(plate.body),
            "grams": plate.grams,
            "seconds": plate.seconds,
            "release": approved,
        }
