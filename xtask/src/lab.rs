//! `make lab`: a whole platform on this machine, and a portal that is connected to it.
//!
//! Nothing here is needed to run Slipway. The cluster is a real control plane whose nodes are simulated; Helm is real.
//! Parts are built once, with Go, and kept outside the clone by digest (infra/lab/parts.sh).

use crate::ui::Step;
use crate::{Result, cmd, tree};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What `slipway` is told of the lab.
pub struct Lab {
    /// Environment variables.
    pub env: Vec<(&'static str, String)>,
}

/// The cluster's name, as the templates of the catalog say it.
const NAME: &str = "lab";

/// Helm, built if `build` says so; `None`, and why, where it cannot be had.
pub fn helm(build: bool) -> Result<PathBuf> {
    part("helm", "Helm 4", build).map(|folder| folder.join("bin/helm"))
}

/// Starts a cluster for whoever calls, and ends it with this process (which may become another program meanwhile).
pub fn ensure(build: bool) -> Result<Lab> {
    let helm = helm(build)?;
    part("cluster", "Kubernetes 1.36", build)?;
    let step = Step::begin("lab");
    let folder = tree::target().join("lab");
    let clusters = folder.join("clusters");
    let run = folder.join("control-plane");
    let script = tree::root().join("infra/lab/cluster.sh");
    // What an earlier life left running would be two of everything.
    let _ = shell(&script, &["stop", &text(&run)]).status();
    let log = tree::target().join("xtask/lab.log");
    let started = shell(&script, &["start", &text(&run)])
        .stdout(cmd::append(&log)?)
        .stderr(cmd::append(&log)?)
        .status()
        .map_err(|error| format!("bash did not start: {error}"))?;
    if !started.success() {
        let said = std::fs::read_to_string(&log).unwrap_or_default();
        return Err(format!(
            "the control plane did not come up: {}",
            cmd::tail(&said, 5)
        ));
    }
    let kubeconfig =
        std::fs::read(run.join("kubeconfig")).map_err(|error| format!("no kubeconfig: {error}"))?;
    let file = clusters.join(format!("{NAME}.kubeconfig"));
    tree::write(&file, &kubeconfig)?;
    watch(&script, &run)?;
    step.done(&format!(
        "Kubernetes with simulated nodes; KUBECONFIG={}",
        file.display()
    ));
    Ok(Lab {
        env: vec![
            ("SLIPWAY_HELM", text(&helm)),
            ("SLIPWAY_CLUSTERS", text(&clusters)),
        ],
    })
}

/// Ends the control plane when this process has ended. A group of its own: Ctrl-C must reach the portal first, which may
/// still need the cluster.
fn watch(script: &Path, run: &Path) -> Result<()> {
    let me = std::process::id().to_string();
    Command::new("bash")
        .args([
            "-c",
            "while kill -0 \"$1\" 2>/dev/null; do sleep 1; done; exec bash \"$2\" stop \"$3\"",
            "lab",
        ])
        .args([me.as_str(), &text(script), &text(run)])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map(drop)
        .map_err(|error| format!("bash did not start: {error}"))
}

/// A part's folder; got if it is not there and may be.
fn part(name: &str, words: &str, build: bool) -> Result<PathBuf> {
    let script = tree::root().join("infra/lab/parts.sh");
    let ask = || {
        let said = shell(&script, &["path", name]).output().ok()?;
        let folder = String::from_utf8_lossy(&said.stdout).trim().to_owned();
        (said.status.success() && !folder.is_empty()).then(|| PathBuf::from(folder))
    };
    let mut step = Step::begin(words);
    if let Some(folder) = ask() {
        step.done(&format!("found in {}", folder.display()));
        return Ok(folder);
    }
    if !build {
        step.skipped("not built yet: make lab builds it");
        return Err(format!("{words} is not built; make lab builds it"));
    }
    if cmd::find("go").is_none() {
        step.skipped("it is built with Go, which this machine does not have");
        return Err(format!(
            "{words} cannot be had: it is built with Go, which this machine does not have"
        ));
    }
    step.hand_over("building, once; several minutes");
    cmd::visible(&mut shell(&script, &["get", name]))?;
    step.done("built");
    ask().ok_or_else(|| format!("{words} was built and is not there"))
}

fn shell(script: &Path, args: &[&str]) -> Command {
    let mut bash = Command::new("bash");
    bash.arg(script).args(args).stdin(Stdio::null());
    bash
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
