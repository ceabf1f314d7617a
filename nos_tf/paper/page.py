"""The ledger as one self-contained HTML page."""

from __future__ import annotations

import jinja2

from nos_tf.paper import wording
from nos_tf.paper.ledger import Ledger


def render(ledger: Ledger) -> str:
    """Renders the page as HTML text without external resources."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("nos_tf.paper", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("ledger.html.j2").render(ledger=ledger, wording=wording)
