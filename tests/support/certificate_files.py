"""Certificate files written without the writer's checks."""

import json
import zipfile


def write_raw(path, data, entries):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("certificate.json", json.dumps(data))
        for name, content in entries.items():
            archive.writestr(name, content)
    return path
