"""Every page of the built book in Chromium: nothing asked of the network, no error, nothing wider than a phone."""

import os
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

SHOTS = Path(os.environ.get("GLASSLIB_SCREENSHOTS", Path(__file__).parents[2] / "_build" / "screenshots"))
WIDTHS = (1280, 390)
THEMES = ("light", "dark")


def pages(built):
    """Return every page that a reader can reach, relative to the book's folder."""
    return sorted(path.relative_to(built).as_posix() for path in built.rglob("*.html")
                  if "_static" not in path.parts and "_sources" not in path.parts)


class Watched:
    """A page of the browser that notes what it asks for and what goes wrong."""

    def __init__(self, context, home):
        self.page, self.home = context.new_page(), home
        self.left, self.faults = [], []
        self.page.on("request", self._asked)
        self.page.on("requestfailed", lambda request: self.faults.append(f"failed: {request.url}"))
        self.page.on("response", lambda response: response.status >= 400 and self.faults.append(
            f"{response.status}: {response.url}"))
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        self.page.on("console", lambda message: message.type in ("error", "warning") and self.faults.append(
            f"console: {message.text}"))

    def _asked(self, request):
        if not request.url.startswith((self.home, "data:", "blob:")):
            self.left.append(request.url)

    def open(self, path):
        self.page.goto(f"{self.home}/{path}", wait_until="load")
        if path == "index.html":  # leads on to the root of the contents
            self.page.wait_for_url(f"{self.home}/book/index.html", wait_until="load")
        self.page.wait_for_function("!window.MathJax || !MathJax.startup || !MathJax.startup.promise || "
                                    "MathJax.startup.promise.then(() => true)")
        self.page.wait_for_timeout(100)


def context_of(browser, width, theme):
    return browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("road", ("file", "http"))
def test_all_pages_are_whole(browser, built, served, road, theme, width):
    home = built.as_uri() if road == "file" else served
    context = context_of(browser, width, theme)
    faults = []
    for path in pages(built):
        watched = Watched(context, home)
        watched.open(path)
        page = watched.page
        assert page.evaluate("document.documentElement.dataset.theme") == theme
        broken = page.evaluate("[...document.images].filter(i => i.complete && !i.naturalWidth && "
                               "i.getAttribute('src')).map(i => i.src.slice(0, 80))")
        wide = page.evaluate("Math.max(document.documentElement.scrollWidth, document.body.scrollWidth) - innerWidth")
        faults += [f"{path}: asked {url}" for url in watched.left] + [f"{path}: {fault}" for fault in watched.faults]
        faults += [f"{path}: broken picture {source}" for source in broken]
        faults += [f"{path}: {wide} pixels wider than the window"] if wide > 0 else []
        if road == "http":
            SHOTS.mkdir(parents=True, exist_ok=True)
            name = re.sub(r"\W+", "-", path.removesuffix(".html"))
            page.screenshot(path=SHOTS / f"{name}-{theme}-{width}.png", full_page=True)
        page.close()
    context.close()
    assert not faults, "\n".join(faults)


def test_first_page_leads_to_every_page_of_the_contents(browser, built):
    context = context_of(browser, 1280, "light")
    watched = Watched(context, built.as_uri())
    watched.open("index.html")
    watched.page.wait_for_selector("article h1")
    links = watched.page.evaluate("[...document.querySelectorAll('.bd-sidebar-primary a.reference.internal')]"
                                  ".map(a => a.href.split('#')[0])")
    reached = {link.removeprefix(built.as_uri() + "/") for link in links if link}
    context.close()
    assert {f"book/notebooks/{name}.html" for name in
            ("bauschinger", "coarse_graining", "bond_expansion", "polarity", "creep")} <= reached
    assert {"book/scorecard.html", "book/run.html"} <= reached


@pytest.mark.parametrize("road", ("file", "http"))
def test_search_finds_a_page(browser, built, served, road):
    home = built.as_uri() if road == "file" else served
    context = context_of(browser, 1280, "light")
    watched = Watched(context, home)
    watched.open("search.html?q=papermill")
    watched.page.wait_for_selector("#search-results li a", timeout=10000)
    found = watched.page.locator("#search-results").inner_text()
    context.close()
    assert "Run, cite, extend" in found and not watched.left and not watched.faults


def test_launch_button_only_with_an_address(browser, built):
    import yaml

    address = yaml.safe_load((Path(__file__).parents[2] / "_config.yml").read_text())["repository"]["url"]
    text = (built / "book" / "notebooks" / "creep.html").read_text()
    assert ("mybinder.org" in text) == bool(address)


def live_pages(built):
    return [path for path in pages(built) if "<glass-figure" in (built / path).read_text()]


def test_keyboard_moves_the_live_figure(browser, built):
    paths = live_pages(built)
    assert paths, "no page of the book holds a live figure"
    context = context_of(browser, 1280, "light")
    for path in paths:
        watched = Watched(context, built.as_uri())
        watched.open(path)
        for figure in watched.page.locator("glass-figure").all():
            assert not figure.locator("> img").is_visible()
            for slider in figure.locator("input[type=range]").all():
                move(watched.page, figure, slider)
        assert not watched.faults and not watched.left
    context.close()


def move(page, figure, slider):
    """Move one slider by keys alone; its value, the node and the drawing follow, and Home and End reach the ends."""
    label = slider.evaluate("input => input.labels[0].textContent")
    assert label.strip()
    slider.focus()
    page.keyboard.press("Home")
    first = slider.get_attribute("aria-valuetext"), figure.get_attribute("data-node"), drawing(figure)
    page.keyboard.press("End")
    last = slider.get_attribute("aria-valuetext"), figure.get_attribute("data-node"), drawing(figure)
    assert all(a != b for a, b in zip(first, last)), label
    page.keyboard.press("ArrowLeft")
    assert figure.get_attribute("data-node") != last[1]
    assert slider.evaluate("input => document.activeElement === input")


def drawing(figure):
    return figure.evaluate("f => [...f.querySelectorAll('svg g, .readouts dd')].map(g => g.innerHTML).join()")


def test_curve_of_the_page_is_the_curve_of_the_data(browser, built):
    """Read a drawn line back from its pixels and compare with the numbers that the element carries."""
    context = context_of(browser, 1280, "light")
    watched = Watched(context, built.as_uri())
    watched.open(live_pages(built)[0])
    gap = watched.page.evaluate("""() => {
      const figure = document.querySelector('glass-figure'), spec = figure.spec, node = Number(figure.dataset.node);
      let largest = 0, seen = 0;
      spec.panels.forEach((panel, k) => {
        const svg = figure.querySelectorAll('.drawing svg')[k];
        const frame = svg.querySelector('clipPath rect');
        const [left, top, width, height] = ['x', 'y', 'width', 'height'].map(a => Number(frame.getAttribute(a)));
        const lines = panel.series.filter(s => s.style === 'line');
        svg.querySelectorAll('path.line').forEach((line, j) => {
          const place = (axis, v) => { const f = axis.scale === 'log' ? Math.log10 : Number;
            return (f(v) - f(axis.low)) / (f(axis.high) - f(axis.low)); };
          const pick = c => { const a = lines[j].data[c]; return a[a.length === 1 ? 0 : node]; };
          const wanted = pick('x').map((x, i) => [left + width * place(panel.x, x),
            top + height * (1 - place(panel.y, pick('y')[i]))]).filter(p => p.every(isFinite));
          const drawn = line.getAttribute('d').split(/[ML]/).slice(1).map(p => p.split(' ').map(Number));
          if (drawn.length !== wanted.length) largest = Infinity;
          else drawn.forEach((p, i) => { seen += 1;
            largest = Math.max(largest, Math.abs(p[0] - wanted[i][0]), Math.abs(p[1] - wanted[i][1])); });
        });
      });
      return seen ? largest : Infinity;
    }""")
    context.close()
    assert gap < 0.06


def test_picture_remains_without_scripts(browser, built):
    context = browser.new_context(viewport={"width": 800, "height": 900}, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{built.as_uri()}/{live_pages(built)[0]}")
    picture = page.locator("glass-figure > img").first
    visible, described = picture.is_visible(), picture.get_attribute("alt")
    context.close()
    assert visible and described
