#!/usr/bin/env python3
"""sync.py [--check] : keeps what is written once equal wherever it is needed.

- infra/modules/shared/*.tf  -> the modules (common.tf and versions.tf to all with AWS, key.tf to those that encrypt)
- variables and outputs      -> each module's README.md, between its markers; a chart's schema -> its README.md
- infra/modules/NAME         -> infra/catalog/TEMPLATE/modules/NAME, for templates that use it: a template is one
                                self-contained bundle, so it carries copies and reaches nothing outside its folder
- infra/charts/NAME          -> infra/catalog/NAME, for templates that are that chart (all but its README.md)

With --check nothing is written: every difference is named and the exit status is 1.
"""
import json
import re
import sys
from pathlib import Path

INFRA = Path(__file__).resolve().parent.parent
MODULES = INFRA / "modules"
CATALOG = INFRA / "catalog"
CHECK = "--check" in sys.argv
OWN_VERSIONS = {"helm", "twingate"}       # other providers: they write their own versions.tf
NO_COMMON = {"helm"}
WITH_KEY = {"vpc", "s3", "ecr", "rds", "events", "eks", "cicd", "bootstrap", "static_site"}
EPHEMERAL = {"rds"}                       # these cannot be tested with a mocked provider; see shared/tests/real.hcl
MOCKED = 'mock_provider "aws" {\n  source = "./tests/mocks"\n}\n'
BEGIN, END = "<!-- written by infra/lab/sync.py -->", "<!-- end -->"
stale: list[str] = []


def put(path: Path, text: str) -> None:
    if path.exists() and path.read_text() == text:
        return
    if CHECK:
        stale.append(str(path.relative_to(INFRA.parent)))
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def blocks(text: str, kind: str):
    """Top-level blocks of `terraform fmt` style: they begin in column 0 and end with a } in column 0."""
    for m in re.finditer(rf'^{kind} "([\w-]+)" \{{\n(.*?)^\}}', text, re.M | re.S):
        yield m[1], m[2]


def attribute(body: str, name: str) -> str | None:
    m = re.search(rf"^  {name}\s*= ", body, re.M)
    if not m:
        return None
    out, depth = "", 0
    for line in body[m.end():].splitlines():
        code = re.sub(r'"(\\.|[^"\\])*"', '""', line)
        depth += sum(code.count(c) for c in "([{") - sum(code.count(c) for c in ")]}")
        out += ("" if not out else " ") + line.strip()
        if depth <= 0:
            break
    return out


def unquote(s: str | None) -> str:
    if s is None:
        return ""
    return s[1:-1].replace('\\"', '"') if s.startswith('"') else s


def cell(s: str) -> str:
    return s.replace("|", "\\|").replace("\n", " ")


def readme(module: Path) -> str:
    tf = "\n".join(p.read_text() for p in sorted(module.glob("*.tf")))
    out = [BEGIN, "", "| Input | What it is | Type | Default |", "|-|-|-|-|"]
    for name, body in blocks(tf, "variable"):
        default = attribute(body, "default")
        typ = re.sub(r"\s+", " ", attribute(body, "type") or "any")
        typ = typ if len(typ) <= 70 else typ.split("(")[0] + "(object)"
        out.append(f"| `{name}` | {cell(unquote(attribute(body, 'description')))} | `{cell(typ)}` | {'required' if default is None else f'`{cell(default)}`'} |")
    outputs = list(blocks(tf, "output"))
    if outputs:
        out += ["", "| Output | What it is |", "|-|-|"]
        out += [f"| `{n}` | {cell(unquote(attribute(b, 'description')))} |" for n, b in outputs]
    rules = [unquote(m) for _, b in blocks(tf, "variable") for m in re.findall(r"error_message = (\".*\")", b)]
    if rules:
        out += ["", "What is refused, in the words that the requester reads:", ""]
        out += [f"- {r}" for r in rules]
    return "\n".join(out + ["", END])


def write_readme(module: Path) -> None:
    path = module / "README.md"
    old = path.read_text() if path.exists() else f"# {module.name}\n\n{BEGIN}\n{END}\n"
    if BEGIN not in old:
        old += f"\n{BEGIN}\n{END}\n"
    head, rest = old.split(BEGIN, 1)
    put(path, head + readme(module) + rest.split(END, 1)[1])


def module_files(module: Path):
    return [p for p in sorted(module.iterdir()) if p.is_file() and p.suffix == ".tf"]


def vendor(template: Path) -> None:
    text = "\n".join(p.read_text() for p in template.glob("*.tf"))
    used = set(re.findall(r'source\s*=\s*"\./modules/([\w-]+)"', text))
    kept = template / "modules"
    for name in sorted(used):
        if not (MODULES / name).is_dir():
            sys.exit(f"{template.name} uses the module {name}, which infra/modules does not have")
        want = {p.name: p.read_text() for p in module_files(MODULES / name)}
        for file, body in want.items():
            put(kept / name / file, body)
        for p in (kept / name).glob("*") if (kept / name).is_dir() else []:
            if p.name not in want:
                stale.append(f"{p.relative_to(INFRA.parent)} (not in the module)") if CHECK else p.unlink()
    for p in kept.iterdir() if kept.is_dir() else []:
        if p.name not in used:
            stale.append(f"{p.relative_to(INFRA.parent)} (no longer used)")


def vendor_chart(template: Path) -> None:
    chart, own = CATALOG.parent / "charts" / template.name, {"template.toml", "README.md", ".vendored"}
    files = lambda folder: {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    for file in sorted(files(chart) - own):
        put(template / file, (chart / file).read_text())
    for file in sorted(files(template) - files(chart) - own):
        stale.append(f"{(template / file).relative_to(INFRA.parent)} (not in the chart)") if CHECK else (template / file).unlink()


def chart_rows(schema: dict, path: str = ""):
    for key, p in schema.get("properties", {}).items():
        if key == "global":
            continue
        name, need = f"{path}{key}", key in schema.get("required", [])
        if p.get("description") or "enum" in p:
            kind = p.get("type") or "one of " + ", ".join(p["enum"])
            yield f"| `{name}` | {cell(p.get('description', ''))} | {kind} | {'required' if need else ''} |"
        yield from chart_rows(p, name + ".")
        if isinstance(p.get("items"), dict):
            yield from chart_rows(p["items"], name + "[].")


def chart_readme(chart: Path) -> None:
    schema = json.loads((chart / "values.schema.json").read_text())
    text = "\n".join([BEGIN, "", "| Value | What it is | Type | |", "|-|-|-|-|", *chart_rows(schema), "", "Values that are not in this table are refused.", "", END])
    meta = dict(re.findall(r"^(\w+): (.*)$", (chart / "Chart.yaml").read_text(), re.M))
    path = chart / "README.md"
    old = path.read_text() if path.exists() else f"# {meta['name']}\n\n{meta['description']}\n\n{BEGIN}\n{END}\n"
    head, rest = old.split(BEGIN, 1)
    put(path, head + text + rest.split(END, 1)[1])


def main() -> int:
    modules = [d for d in sorted(MODULES.iterdir()) if d.is_dir() and d.name != "shared" and (d / "main.tf").exists()]
    for m in modules:
        for f in ("common.tf", "versions.tf", "key.tf"):
            if (f == "key.tf" and m.name not in WITH_KEY) or (f == "versions.tf" and m.name in OWN_VERSIONS) or (f == "common.tf" and m.name in NO_COMMON):
                continue
            put(m / f, (MODULES / "shared" / f).read_text())
        for f, needed in (("common.tftest.hcl", m.name not in NO_COMMON), ("key.tftest.hcl", m.name in WITH_KEY)):
            if needed and (MODULES / "shared/tests" / f).exists() and m.name not in NO_COMMON:
                text = (MODULES / "shared/tests" / f).read_text()
                put(m / "tests" / f, text.replace(MOCKED, (MODULES / "shared/tests/real.hcl").read_text()) if m.name in EPHEMERAL else text)
        if m.name not in NO_COMMON | EPHEMERAL:
            put(m / "tests/mocks/aws.tfmock.hcl", (MODULES / "shared/tests/mocks/aws.tfmock.hcl").read_text())
        write_readme(m)
    for chart in sorted((INFRA / "charts").iterdir()):
        chart_readme(chart)
    templates = [d for d in sorted(CATALOG.iterdir()) if (d / "template.toml").exists()] if CATALOG.is_dir() else []
    for t in templates:
        if re.search(r'"\./modules/', "\n".join(p.read_text() for p in t.glob("*.tf"))) and (t / ".vendored").exists():
            vendor(t)
        if (t / ".vendored").exists() and (INFRA / "charts" / t.name).is_dir():
            vendor_chart(t)
    if stale:
        print("not in step with what they are made from (run infra/lab/sync.py):", *stale, sep="\n  ")
        return 1
    print(f"{len(modules)} modules and {len(templates)} templates are in step")
    return 0


if __name__ == "__main__":
    sys.exit(main())
