"""What it costs to draw a plate and to pass it through the gate: the pure part, in time of the processor."""

import time

import gcode_templates
from gcode import document, draw, part, script
from gcode.gate import judge
from gcode.material import material
from gcode.profile import Profile
from tests.bench.figures import Failed, Figure

RUNS = 5
COUNT = 11
CHUNK = 256 * 1024
"""As the agent reads a file."""


def run(*, quick: bool) -> list[Figure]:
    """A plate of eleven ear savers, the most that fit on a bed of 220 mm."""
    profile, petg = Profile(), material("petg")
    saver = document.decode(gcode_templates.part_source("ear-saver"), part.Part, "ear-saver.toml")
    family = document.decode(gcode_templates.machine_source("marlin"), script.Script, "marlin.toml")
    around = script.fill(family, profile, petg)
    drawing, judging = list[float](), list[float]()
    lines = 0
    for _ in range(RUNS - 2 if quick else RUNS):
        began = time.process_time()
        body = draw.render(saver, part.settle(saver, {}), profile, petg, COUNT).body
        drawn = time.process_time()
        chunks = (body[at : at + CHUNK] for at in range(0, len(body), CHUNK))
        verdict = judge(around.start, chunks, around.end, profile, petg)
        judged = time.process_time()
        if not verdict.accepted:
            raise Failed(f"the gate refused the plate: {verdict.reason}")
        lines = body.count(b"\n") + around.start.count(b"\n") + around.end.count(b"\n")
        drawing.append(drawn - began)
        judging.append(judged - drawn)
    return [
        Figure(name=f"draw a plate of {COUNT} ({lines:,} lines)", unit="CPU s", values=drawing),
        Figure(name="pass it through the gate", unit="CPU s", values=judging),
        Figure(name="lines through the gate", unit="a CPU s", values=[lines / each for each in judging]),
    ]
