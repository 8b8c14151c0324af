"""The live figure of a sheared glass shows what the engine computes."""

import base64
import json
import re

import numpy as np
import pytest

from glasslib import book, sheared_glass
from glasslib.particles.box import affine
from glasslib.particles.forces import evaluate
from glasslib.particles.potentials import SmoothedLennardJones
from glasslib.protocols import prepare


@pytest.fixture(scope="module")
def frames():
    glass = prepare.quench(prepare.mixture(196, np.random.default_rng(3)), SmoothedLennardJones())[0]
    return glass, sheared_glass.frames(glass, SmoothedLennardJones(), strain=0.04, count=5)


def test_frames_lie_on_the_curve_and_in_the_cell(frames):
    glass, found = frames
    np.testing.assert_allclose(found.nodes, [0, 0.01, 0.02, 0.03, 0.04])
    for node, stress, positions in zip(found.nodes, found.node_stress, found.positions):
        assert stress in found.stress[np.isclose(found.strain, node, atol=1e-9)]
        shown = evaluate(glass._replace(positions=positions, box=glass.box.sheared(node)), SmoothedLennardJones())
        assert shown.shear_stress == pytest.approx(stress, abs=1e-9) and shown.residual < 1e-7
        along = positions[:, 0] - node * positions[:, 1]
        assert (along > -1e-9).all() and (along < found.edge + 1e-9).all()


def test_affine_motion_is_not_shown():
    glass = prepare.mixture(196, np.random.default_rng(3))
    sheared = glass._replace(positions=affine(glass.positions, 0.01), box=glass.box.sheared(0.01))
    d2min, nonaffine = sheared_glass._moved(glass, sheared.wrapped())
    assert np.abs(nonaffine).max() < 1e-12 and d2min.max() < 1e-24


def test_page_part_carries_every_disc(frames):
    _, found = frames
    figure = sheared_glass.figure_of(found)
    document = figure.document()
    packing = next(s for panel in document["panels"] for s in panel["series"] if s["style"] == "discs")
    for name, code, column in (("x", "<u2", 0), ("y", "<u2", 1)):
        packed = packing["data"][name]
        step = (packed["high"] - packed["low"]) / 65535
        for node, positions in zip(packed["nodes"], found.positions):
            drawn = packed["low"] + step * np.frombuffer(base64.b64decode(node), code)
            np.testing.assert_allclose(drawn, positions[:, column], atol=0.51 * step + 1e-5)
    assert packing["data"]["value"]["bits"] == 8 and len(packing["data"]["radius"]["nodes"]) == 1
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    shown = figure.evaluate({"strain": found.nodes[2]})
    longest = np.hypot(*shown["packing"][4:]).max()
    assert longest == pytest.approx(sheared_glass.LONGEST)
    assert figure.png(shown)[:4] == b"\x89PNG"


def test_book_writes_the_part_of_the_page(tmp_path, monkeypatch, frames):
    _, found = frames
    monkeypatch.setattr(sheared_glass, "live_figure", lambda particles: sheared_glass.figure_of(found))
    target = tmp_path / "measured" / "glass.md"
    assert book.main(["sheared_glass", str(target)]) == 0
    text = target.read_text()
    assert re.fullmatch(r"```\{raw\} html\n<glass-figure .*</glass-figure>\n```\n", text, re.S) and text.count("```") == 2
