"""Templates of pages in docs/, which are Markdown."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from reports.facts.markdown import escaped


def template(name: str) -> Template:
    """One of them; what comes from results is a number, or goes through ``escaped``."""
    environment = Environment(
        loader=PackageLoader("reports.pages"),
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["escaped"] = escaped
    return environment.get_template(name)
