"""The description of a picture that turns: what travels in the page is where the atoms are."""

import base64
import json
import re

import numpy as np
import pytest

from glasslib import turnable
from glasslib.pictures3d import View

LATTICE = np.array([[10.0, 1.0, 0.0], [0.0, 12.0, 0.0], [0.0, 0.0, 14.0]])
PLACES = np.random.default_rng(4).random((30, 3)) @ LATTICE.T


def example(**changes):
    groups = (turnable.Group("first", PLACES[:20], "orange"), turnable.Group("none", np.zeros((0, 3))))
    arguments = {"scenes": [turnable.Scene("one", LATTICE, groups), turnable.Scene("two", LATTICE, groups[1:])],
                 "title": "A <b>title</b> </script>"} | changes  # fmt: skip
    return turnable.figure(**arguments)


def test_atoms_are_unpacked_where_they_are():
    document = example().document()
    scene = document["scenes"][0]
    codes = np.frombuffer(base64.b64decode(scene["groups"][0]["places"]), "<u2").reshape(-1, 3)
    np.testing.assert_allclose(codes / 65535 @ np.array(scene["cell"]), PLACES[:20], atol=2e-4)
    assert scene["groups"][1]["places"] == "" and document["view"] == View()._asdict()


def test_page_element_is_valid_json_and_cannot_end_its_script():
    text = example().html()
    data = re.search(r'<script type="application/json">(.*?)</script>', text, re.S).group(1)
    assert json.loads(data) == example().document()
    assert "</script>" not in data and 'alt="A &lt;b&gt;' in text and "data:image/png;base64," in text and "http" not in text


def test_one_output_of_two_kinds():
    bundle = example()._repr_mimebundle_()
    assert {"text/html", "application/vnd.jupyter.widget-view+json", "text/plain"} == set(bundle)


def test_widget_turns_and_changes_the_scene():
    box = example().widget()
    chosen, azimuth, _, image = box.children
    first = image.value
    azimuth.value = 100
    turned = image.value
    chosen.value = 1
    assert first[:4] == b"\x89PNG" and len({first, turned, image.value}) == 3


@pytest.mark.parametrize("changes, words", [
    ({"scenes": []}, "number of scenes = 0"),
    ({"view": View(distance=1.0)}, "distance of the view = 1.0"),
    ({"scenes": [turnable.Scene("one", LATTICE, (turnable.Group("g", PLACES, "pink"),))]}, "colour of g = 'pink'"),
    ({"scenes": [turnable.Scene("one", LATTICE, (turnable.Group("g", PLACES, radius=0),))]}, "radius of g = 0"),
    ({"scenes": [turnable.Scene("one", LATTICE, (turnable.Group("g", PLACES[:, :2]),))]}, "positions of g of shape (30, 2)"),
    ({"scenes": [turnable.Scene("one", LATTICE[:2], ())]}, "lattice of one of shape (2, 3)"),
])  # fmt: skip
def test_wrong_description_is_refused(changes, words):
    with pytest.raises(ValueError, match="^" + re.escape(words)) as caught:
        example(**changes)
    assert "\n" not in str(caught.value)
