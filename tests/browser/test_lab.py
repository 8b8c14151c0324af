"""JupyterLab in a real browser: a notebook runs, a slider moves, the engine answers, the figure changes."""

import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request

import nbformat
import pytest

pytestmark = pytest.mark.browser

CELL = """
import numpy as np
from glasslib import live

def compute(width):
    x = np.linspace(0, 1, 50)
    return {"curve": (x, width * x**2), "end": width}

live.figure(compute, [live.Slider("width", "width", 0.0, 2.0, 5, 1.0)],
            [live.Panel(live.Axis("x"), live.Axis("y"), (live.Series("curve", "square"),))],
            [live.Readout("end", "value at one")])
"""

KERNEL_IS_IDLE = """() => {
  const panel = window.jupyterapp?.shell.currentWidget, session = panel?.context?.sessionContext;
  return session?.isReady && session.session?.kernel?.status === 'idle';
}"""


@pytest.fixture
def lab(tmp_path):
    """Start JupyterLab on a folder with one notebook; return the address that opens it, and its log."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, tmp_path / "live.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    folders = {name: str(tmp_path / name.lower()) for name in
               ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_SETTINGS_DIR",
                "JUPYTERLAB_WORKSPACES_DIR", "IPYTHONDIR")}
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--ip=127.0.0.1", f"--port={port}",
               f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={tmp_path}", "--allow-root",
               "--ServerApp.port_retries=0", "--LabApp.expose_app_in_browser=True", "--LabApp.news_url=None", "--LabApp.check_for_updates_class="
               "jupyterlab.NeverCheckForUpdate"]
    with open(tmp_path / "lab.log", "wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | folders)
    try:
        _wait_for(f"http://127.0.0.1:{port}/api?token={token}", server, tmp_path / "lab.log")
        yield f"http://127.0.0.1:{port}/lab/tree/live.ipynb?token={token}", tmp_path / "lab.log"
    finally:
        server.terminate()
        server.wait(20)


def _wait_for(address, server, log):
    for _ in range(300):
        if server.poll() is not None:
            break
        try:
            return urllib.request.urlopen(address, timeout=2).close()
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")


def test_slider_changes_the_figure(browser, lab):
    address, log = lab
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=90000)
    page.wait_for_function(KERNEL_IS_IDLE, timeout=90000)
    page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
    try:
        page.locator(".jp-OutputArea-output img").first.wait_for(timeout=90000)
    except Exception:
        page.screenshot(path=log.parent / "lab.png")
        pytest.fail(f"no picture: {log.parent / 'lab.png'}\n{page.locator('.jp-Notebook').inner_text()}\n"
                    f"{log.read_text()[-2000:]}")
    page.wait_for_function("document.querySelector('.jp-OutputArea-output img')?.naturalWidth > 0", timeout=30000)
    before = fingerprint(page)
    handle = page.locator(".jp-OutputArea-output .noUi-handle").first
    handle.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("old => document.querySelector('.jp-OutputArea-output').innerText !== old", arg=before[0],
                           timeout=30000)
    deadline = time.monotonic() + 30
    while fingerprint(page)[1] == before[1] and time.monotonic() < deadline:
        page.wait_for_timeout(100)
    after = fingerprint(page)
    context.close()
    assert after[1] != before[1] and "value at one" in after[0]


def fingerprint(page):
    """Return the output's text and its picture, read back pixel by pixel."""
    return page.evaluate("""() => {
      const output = document.querySelector('.jp-OutputArea-output'), image = output.querySelector('img');
      const canvas = document.createElement('canvas');
      canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
      const pen = canvas.getContext('2d');
      pen.drawImage(image, 0, 0);
      return [output.innerText, canvas.toDataURL()];
    }""")
