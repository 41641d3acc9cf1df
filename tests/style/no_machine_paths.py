"""No file names a path of the machine it was written on or a package host, or leaves a to-do."""

import re

import project

TEXT = (".cpp", ".hpp", ".ts", ".tsx", ".py", ".sh", ".md", ".json", ".txt", ".cmake", ".html",
        ".css", ".mjs", ".js", ".yml", ".yaml", "run", "Dockerfile", ".svg", ".webmanifest")
FORBIDDEN = {
    "a path of this machine": r"(?<![\w.>$}~*-])/(work|root|home)/",
    "a package host": r"registry\.npm" r"js|registry\.yarn" r"pkg|npm" r"mirror|files\.python"
                      r"hosted|py" r"pi\.org|deb\.deb" r"ian\.org|archive\.ubu" r"ntu\.com|"
                      r"arti" r"factory|:48" r"73\b|nex" r"us/repository",
    "a to-do": r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b",
}


def problems_of(path):
    relative = path.relative_to(project.ROOT)
    text = path.read_text("utf-8", errors="replace")
    for what, pattern in FORBIDDEN.items():
        for found in re.finditer(pattern, text):
            yield f"{relative}:{text.count(chr(10), 0, found.start()) + 1}: {what}"
    if path.name == "package-lock.json" and '"resolved"' in text:
        yield f'{relative}: "resolved" ties the lock file to one package host'


project.report([problem for path in project.files(*TEXT) for problem in problems_of(path)])
