"""A built book that needs no network, and a launch button only where there is something to launch.

Jupyter Book always loads thebe, which asks a content delivery network for its scripts, and MyST-NB does the same for
widgets. The notebooks of this book run with papermill and their live figures carry their own data, so both are
taken out. Binder opens notebooks by their place in the repository, which is not where the executed copies are
built: the button is ours.
"""

import html
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from docutils import nodes
from sphinx.errors import ConfigError

BINDER = "https://mybinder.org/v2"
# A browser refuses to fetch a page's text from file://, so search results come without their summaries there.
SEARCH = "if (location.protocol === 'file:') DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;"
PROVIDERS = {"github.com": "gh"}


def launch_link(repository, pagename):
    """Return the address that opens a page's notebook on Binder, or None for other pages and no repository."""
    page = PurePosixPath(pagename)
    if not repository or page.parent.name != "notebooks":
        return None
    address = urlsplit(repository)
    parts = address.path.strip("/").removesuffix(".git").split("/")
    if address.scheme != "https" or address.netloc not in PROVIDERS or len(parts) != 2:
        raise ConfigError(f"repository url = {repository!r}: must be https://github.com/<owner>/<name>, or empty")
    return f"{BINDER}/{PROVIDERS[address.netloc]}/{'/'.join(parts)}/HEAD?urlpath=lab/tree/notebooks/{page.name}.ipynb"


def _needs_network(asset):
    name = str(getattr(asset, "filename", None) or asset)
    body = str(getattr(asset, "attributes", {}).get("body", ""))
    return "//" in name or "thebe" in (name + body).lower()


def _drop_thebe(app, doctree, docname):
    for node in list(doctree.findall(nodes.raw)):
        if "x-thebe-config" in node.astext() or "kernelName" in node.astext():
            node.parent.remove(node)


def _finish_page(app, pagename, templatename, context, doctree):
    for key in ("script_files", "css_files"):
        context[key] = [asset for asset in context.get(key, []) if not _needs_network(asset)]
    repository = context.get("theme_repository_url") or ""
    link = launch_link(repository, pagename)
    buttons = context.setdefault("header_buttons", [])
    if link:
        buttons.insert(0, {"type": "link", "url": link, "text": "Run", "tooltip": "Open this notebook on Binder",
                           "icon": "fas fa-rocket", "label": "binder-button"})
    if repository:
        buttons.insert(0, {"type": "link", "url": repository, "text": "", "tooltip": "Repository",
                           "icon": "fas fa-code-branch", "label": "repository-button"})


FRONT = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<meta http-equiv="refresh" content="0; url={root}.html">
<link rel="icon" href="data:,">
</head>
<body><p><a href="{root}.html">{title}</a></p></body>
</html>
"""


def _lead_to_root(app, failure):
    """Write index.html, for the root of the contents lies in a folder."""
    if failure is None and app.builder.format == "html" and app.config.root_doc != "index":
        text = FRONT.format(title=html.escape(app.config.html_title), root=app.config.root_doc)
        (Path(app.outdir) / "index.html").write_text(text, encoding="utf-8")


def setup(app):
    """Register with Sphinx."""
    app.add_js_file(None, body=SEARCH)
    for script in ("live.js", "turn.js"):
        app.add_js_file(script, defer="defer")
    app.connect("doctree-resolved", _drop_thebe, priority=900)
    app.connect("html-page-context", _finish_page, priority=900)
    app.connect("build-finished", _lead_to_root, priority=100)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
