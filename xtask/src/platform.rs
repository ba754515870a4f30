//! The platform's tiers: modules, charts and pipelines on real parts.
//!
//! Why here: `infra/tests` are shell scripts, since what they prove is used from a shell. This brings their parts, runs
//! them and reads their counts, so that `make test` ends with one count for everything. It forbids itself to know what
//! the tiers do.

use crate::tiers::Count;
use crate::{Result, cmd, test};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// What `make test` runs of the tiers for a person: those that need no cluster and are done in minutes.
const QUICK: [&str; 5] = ["static", "state", "charts", "portal", "policy"];

/// What CI runs besides: those that stand on the control plane. The others are `make test-platform`'s until all of them
/// have been seen green in one go.
const IN_CI: [&str; 5] = ["access", "pipelines", "cluster", "secrets", "dns"];

/// The parts that those need.
const QUICK_PARTS: [&str; 6] = [
    "moto",
    "checkov",
    "lint",
    "kube-validate",
    "helm",
    "helm-provider",
];

/// `make test-platform`: all tiers, or those that are named.
pub fn run(tiers: &[String]) -> Result<()> {
    parts(&["all"])?;
    let mut run = Command::new("bash");
    run.arg("infra/tests/run.sh").args(tiers);
    // One tier runs the portal itself; whoever names a binary has built it.
    let portal = tiers.is_empty() || tiers.iter().any(|tier| tier == "portal");
    if portal && std::env::var_os("SLIPWAY_BIN").is_none() {
        run.envs(test::environment()?);
    }
    cmd::visible(&mut run)
}

/// Gets what is missing of the real software. What cannot be had is said there, and skipped by its tests.
fn parts(which: &[&str]) -> Result<()> {
    let mut get = Command::new("bash");
    cmd::visible(get.arg("infra/lab/parts.sh").args(which))
}

/// The tiers, shown while they run: the quick ones, and in CI those on the control plane too. `env` says where the portal and its parts are; what was
/// skipped goes to `named`.
pub fn tier(env: &[(&'static str, String)], ci: bool, named: &mut Vec<String>) -> Count {
    let mut wanted = vec!["try"];
    wanted.extend(QUICK_PARTS);
    let tiers = if ci { &IN_CI[..] } else { &[] };
    let outcome = parts(if ci { &["all"] } else { &wanted }).and_then(|()| {
        let mut run = Command::new("bash");
        run.arg("infra/tests/run.sh")
            .args(tiers)
            .args(QUICK)
            .envs(env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        if ci {
            run.env("SLIPWAY_REQUIRE", "1");
        }
        let mut child = run
            .spawn()
            .map_err(|error| format!("infra/tests/run.sh did not start: {error}"))?;
        let mut said = Said::default();
        for line in child
            .stdout
            .take()
            .map(BufReader::new)
            .into_iter()
            .flat_map(BufRead::lines)
        {
            let line = line.map_err(|error| format!("infra/tests/run.sh: {error}"))?;
            println!("{line}");
            said.hear(&line);
        }
        let status = child
            .wait()
            .map_err(|error| format!("infra/tests/run.sh: {error}"))?;
        Ok((said, status.success()))
    });
    match outcome {
        Ok((said, well)) => {
            let mut count = said.count();
            // A skip is named, and counted where it is named.
            count.skipped = count.skipped.saturating_sub(said.skips.len() as u64);
            if !well && said.skips.is_empty() || count.passed == 0 {
                count.failed = count.failed.max(1);
            }
            named.extend(said.skips.iter().map(|why| format!("platform: {why}")));
            count
        }
        Err(reason) => {
            println!("platform: {reason}");
            Count {
                failed: 1,
                ..Count::default()
            }
        }
    }
}

/// What run.sh's lines told.
#[derive(Debug, Default)]
struct Said {
    /// The closing line of each tier, which run.sh repeats at its end.
    tiers: Vec<(String, Count)>,
    skips: Vec<String>,
}

impl Said {
    fn hear(&mut self, line: &str) {
        if let Some(why) = line.strip_prefix("SKIPPED  ") {
            self.skips.push(why.trim().to_owned());
        }
        if let Some((name, count)) = closing(line)
            && !self.tiers.iter().any(|(known, _)| known == name)
        {
            self.tiers.push((name.to_owned(), count));
        }
    }

    fn count(&self) -> Count {
        self.tiers
            .iter()
            .fold(Count::default(), |mut sum, (_, count)| {
                sum.add(*count);
                sum
            })
    }
}

/// `unit: 436 passed, 0 failed, 1 skipped`, with or without ` (70 s)` behind it.
fn closing(line: &str) -> Option<(&str, Count)> {
    let (name, rest) = line.split_once(": ")?;
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase()) {
        return None;
    }
    let mut numbers = rest.split(" (").next()?.split(", ");
    let mut number = |word: &str| numbers.next()?.strip_suffix(word)?.trim().parse().ok();
    let count = Count {
        passed: number(" passed")?,
        failed: number(" failed")?,
        skipped: number(" skipped")?,
    };
    Some((name, count))
}

#[cfg(test)]
mod tests {
    use super::{Said, closing};
    use crate::tiers::Count;

    #[test]
    fn tiers_are_counted_once_though_their_lines_come_twice() {
        let mut said = Said::default();
        for line in [
            "== unit",
            "ok       vpc          29 runs",
            "SKIPPED  eks: the part 'ministack' is not here",
            "unit: 4 passed, 1 failed, 1 skipped",
            "moto: 2 passed, 0 failed, 0 skipped",
            "",
            "unit: 4 passed, 1 failed, 1 skipped (70 s)",
            "moto: 2 passed, 0 failed, 0 skipped (9 s)",
        ] {
            said.hear(line);
        }
        let wanted = Count {
            passed: 6,
            failed: 1,
            skipped: 1,
        };
        assert_eq!(said.count(), wanted);
        assert_eq!(said.skips, ["eks: the part 'ministack' is not here"]);
    }

    #[test]
    fn only_closing_lines_count() {
        assert!(closing("ok       charts: 3 passed, 1 failed, 0 skipped").is_none());
        assert!(closing("Success! 29 passed, 0 failed.").is_none());
        assert!(closing("unit: 4 passed, 1 failed").is_none());
        // run.sh's own sum, which would count everything twice.
        assert!(closing("940 passed, 0 failed, 0 skipped").is_none());
    }
}
