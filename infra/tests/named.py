"""named.py DOCUMENT INFRA : every test that the document names, `like this` in the last column of a table `| What | Tier |
Test |`, is in that tier's script, or, for the tiers that run Terraform's tests, is a run of theirs."""
import pathlib
import re
import sys

doc, infra = pathlib.Path(sys.argv[1]).read_text(), pathlib.Path(sys.argv[2])
runs = "\n".join(p.read_text() for d in ("modules", "tests/catalog") for p in (infra / d).rglob("*.tftest.hcl"))
bad, n = [], 0
for table in re.findall(r"^\| What \| Tier \| Test \|\n\|[-|]+\n((?:\|.*\n)+)", doc, re.M):
    for tier, test in re.findall(r"\| (\w+) \| `([^`]+)` \|$", table, re.M):
        n += 1
        script = infra / "tests" / f"{tier}.sh"
        text = script.read_text() if script.exists() else ""
        # Names that are put together while running stand there as "$name: applied".
        tail = test.split(": ", 1)[-1]
        if f'run "{test}"' not in runs and test not in text and not (tail in text and test.split(":")[0] in text):
            bad.append(f"{tier}: no test is called '{test}'")
    if table.count("\n") != len(re.findall(r"\| (\w+) \| `([^`]+)` \|$", table, re.M)):
        bad.append("a row of a table names no test")
print(f"{n} tests are named")
print("\n".join(bad))
sys.exit(bool(bad) or n < 40)
