"""The files of a study."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from certdde.reports.regularity_figure import margins
from certdde.reports.regularity_page import markdown, web
from certdde.reports.style import LIGHT, encoded

RESULT, FIGURE = "regularity.json", "regularity.png"


def written(study: Mapping[str, Any], directory: Path) -> dict[str, Path]:
    """Write ``regularity.json``, ``figures/regularity.png`` and ``.pdf``, ``report.md`` and ``report.html``.

    Returns
    -------
    dict from str to Path
    """
    folder = directory / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    drawn = margins(study, LIGHT)
    image = encoded(drawn, "png")
    contents: dict[str, bytes] = {
        RESULT: (json.dumps(study, indent=1) + "\n").encode(),
        f"figures/{FIGURE}": image,
        "figures/regularity.pdf": encoded(drawn, "pdf"),
        "report.md": markdown(study, f"figures/{FIGURE}").encode(),
        "report.html": web(study, image).encode(),
    }
    for name, content in contents.items():
        (directory / name).write_bytes(content)
    return {name: directory / name for name in contents}
