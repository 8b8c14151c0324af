"""The picture that turns, in Chromium: from a file, by keys, mouse, finger and buttons; its formulas are those of Python."""

import json
from pathlib import Path

import numpy as np
import pytest

from glasslib import turnable
from glasslib.pictures3d import View

pytestmark = pytest.mark.browser

STATIC = Path(__file__).parents[2] / "book" / "_static"
LATTICE = np.array([[10.0, 1.0, 0.0], [0.0, 12.0, 0.0], [0.0, 0.0, 14.0]])
FRACTIONS = np.random.default_rng(5).random((40, 3))
PAGE = """<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8"><title>turn</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">
<link rel="stylesheet" href="{0}/live.css"><link rel="stylesheet" href="{0}/turn.css">
<script src="{0}/turn.js" defer></script></head><body style="margin: 8px">{1}</body></html>"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    places = FRACTIONS @ LATTICE.T
    groups = (turnable.Group("some", places[:25], "orange"), turnable.Group("others", places[25:]))
    scenes = [turnable.Scene("one", LATTICE, groups), turnable.Scene("two", LATTICE, groups[:1])]
    path = tmp_path_factory.mktemp("turn") / "page.html"
    path.write_text(PAGE.format(STATIC.as_uri(), turnable.figure(scenes, "Atoms").html()), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def opened(browser, address):
    """Yield a page with the element, and fail where it asked the network or wrote to the console."""
    context = browser.new_context(viewport={"width": 800, "height": 900})
    page, faults = context.new_page(), []
    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: request.url.startswith(("file:", "data:")) or faults.append(request.url))
    page.goto(address)
    page.wait_for_selector("glass-turn.ready canvas")
    yield page
    context.close()
    assert not faults


def drawing(page):
    """Return the canvas as it is once all is drawn."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page.evaluate("document.querySelector('glass-turn canvas').toDataURL()")


def view(page):
    return page.evaluate("document.querySelector('glass-turn').view")


@pytest.mark.parametrize("given", [View(), View(-140, 65, 3.0), View(170, -50, 8.0)])
def test_points_and_faces_are_where_python_says(opened, given):
    found = opened.evaluate("""([fractions, view]) => {
      const turn = document.querySelector('glass-turn');
      Object.assign(turn.view, view);
      return {places: fractions.map(p => turn.place(p)), seen: [0, 1, 2].map(a => [0, 1].map(side => turn.seen(a, side)))};
    }""", [FRACTIONS.tolist(), given._asdict()])  # fmt: skip
    flat, depth, enlarged = given.project(FRACTIONS @ LATTICE.T, LATTICE)
    np.testing.assert_allclose(found["places"], np.column_stack([flat, depth, enlarged]), atol=1e-6)
    assert found["seen"] == given.facing(LATTICE)[1].tolist()


def test_keys_turn_it_and_bring_it_back(opened):
    canvas, first, seen = opened.locator("glass-turn canvas"), drawing(opened), set()
    assert not opened.locator("glass-turn > img").is_visible()
    opened.keyboard.press("Tab")  # to the choice, the two boxes, then the canvas
    for _ in range(3):
        opened.keyboard.press("Tab")
    assert canvas.evaluate("canvas => document.activeElement === canvas")
    for key in ("ArrowLeft", "ArrowUp", "ArrowRight", "+", "-", "ArrowDown"):
        opened.keyboard.press(key)
        seen.add(drawing(opened))
    assert len(seen | {first}) == 5 and first in seen and "elevation" in opened.locator("glass-turn output").inner_text()
    opened.keyboard.press("Home")
    assert drawing(opened) == first


def test_mouse_and_buttons_turn_it(opened):
    box, before = opened.locator("glass-turn canvas").bounding_box(), view(opened)
    opened.mouse.move(box["x"] + 200, box["y"] + 150)
    opened.mouse.down()
    opened.mouse.move(box["x"] + 260, box["y"] + 170, steps=3)
    opened.mouse.up()
    after = view(opened)
    assert after["azimuth"] == pytest.approx(before["azimuth"] - 30)
    assert after["elevation"] == pytest.approx(before["elevation"] + 10)
    for button in opened.locator("glass-turn button").all():
        assert button.get_attribute("aria-label")
        button.click()
    assert view(opened) == before


def test_a_finger_turns_it(browser, address):
    context = browser.new_context(viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("glass-turn.ready canvas")
    before, box = view(page), page.locator("glass-turn canvas").bounding_box()
    session = context.new_cdp_session(page)
    x, y = box["x"] + 100, box["y"] + 100
    for kind, points in (("touchStart", [x]), ("touchMove", [x + 30]), ("touchMove", [x + 60]), ("touchEnd", [])):
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": at, "y": y} for at in points]})
    after, wide = view(page), page.evaluate("document.documentElement.scrollWidth - innerWidth")
    context.close()
    assert after["azimuth"] < before["azimuth"] and wide <= 0


def test_scenes_groups_and_theme_change_what_is_drawn(opened):
    label = opened.locator("glass-turn canvas").get_attribute("aria-label")
    assert label == "Atoms. one: 25 some, 15 others"
    pictures = [drawing(opened)]
    opened.locator("glass-turn input").first.uncheck()
    pictures.append(drawing(opened))
    opened.locator("glass-turn select").select_option("1")
    pictures.append(drawing(opened))
    assert opened.locator("glass-turn canvas").get_attribute("aria-label") == "Atoms. two: 25 some"
    opened.evaluate("document.documentElement.dataset.theme = 'dark'")
    pictures.append(drawing(opened))
    assert len(set(pictures)) == 4


def test_a_picture_remains_without_scripts(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    picture = page.locator("glass-turn > img")
    visible, described = picture.is_visible(), picture.get_attribute("alt")
    context.close()
    assert visible and json.dumps(described) == '"Atoms: one"'
