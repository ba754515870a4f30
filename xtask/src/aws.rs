//! `AWS=moto`: an imitation of AWS on loopback, and the real AWS provider if this machine has it.
//!
//! Nothing here is needed to run Slipway: what is missing is named, and the catalog says so on its page.

use crate::ui::Step;
use crate::{Result, cmd, python, tree};
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const MOTO: &str = "moto[server]==5.2.5";

/// What `slipway up` is told about this AWS.
pub struct Aws {
    /// Environment variables.
    pub env: Vec<(&'static str, String)>,
}

/// Starts the imitation and looks for the provider; either may be missing.
pub fn ensure() -> Aws {
    let mut env = Vec::new();
    let mut step = Step::begin("AWS");
    match start(&mut step) {
        Ok(port) => {
            step.done(&format!(
                "an imitation (moto) on 127.0.0.1:{port}; what is made there ends with it"
            ));
            env.push(("SLIPWAY_AWS_ENDPOINT", format!("http://127.0.0.1:{port}")));
            env.push(("SLIPWAY_AWS_IMITATION", "moto".to_owned()));
        }
        Err(reason) => step.skipped(&reason),
    }
    let step = Step::begin("AWS provider");
    match provider_mirror() {
        Some(mirror) => {
            step.done(&format!("found in {}", mirror.display()));
            env.push(("SLIPWAY_PROVIDER_MIRROR", mirror.to_string_lossy().into_owned()));
        }
        None => step.skipped(
            "no filesystem mirror with terraform-provider-aws on this machine; SLIPWAY_PROVIDER_MIRROR names one",
        ),
    }
    Aws { env }
}

fn start(step: &mut Step) -> Result<u16> {
    let folder = tree::cache().join(MOTO.replace("[server]==", "-"));
    let log = tree::target().join("xtask/moto.log");
    step.working("an imitation from PyPI (moto)");
    let python = python::environment(&folder, &[MOTO], &log)?;
    let script = tree::target().join("xtask/imitated_aws.py");
    tree::write(&script, include_bytes!("../imitated_aws.py"))?;
    // Free now; taken by moto in a moment. A race here shows as moto not starting.
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map_err(|error| format!("no free port: {error}"))?
        .port();
    let (out, err) = (cmd::append(&log)?, cmd::append(&log)?);
    let mut moto = Command::new(python);
    moto.arg(&script)
        .arg(port.to_string())
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err);
    // A group of its own: Ctrl-C must reach the portal, whose engine may still need AWS to save its state.
    let mut child = moto
        .process_group(0)
        .spawn()
        .map_err(|error| format!("moto did not start: {error}"))?;
    let began = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        let ended = child.try_wait().ok().flatten().is_some();
        if ended || began.elapsed() > Duration::from_secs(60) {
            let said = fs::read_to_string(&log).unwrap_or_default();
            return Err(format!("moto did not come up: {}", cmd::tail(&said, 5)));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(port)
}

/// A folder laid out as Terraform's filesystem mirror that has the AWS provider.
pub fn provider_mirror() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("SLIPWAY_PROVIDER_MIRROR") {
        return Some(PathBuf::from(named));
    }
    let home = std::env::var_os("HOME")
        .map(PathBuf::from)
        .unwrap_or_default();
    let mut places: Vec<PathBuf> = std::env::var_os("TF_PLUGIN_CACHE_DIR")
        .map(PathBuf::from)
        .into_iter()
        .collect();
    places.extend(
        [
            ".terraform.d/plugins",
            ".terraform.d/plugin-cache",
            ".local/share/terraform/plugins",
        ]
        .map(|end| home.join(end)),
    );
    places.extend(
        [
            "/usr/local/share/terraform/plugins",
            "/usr/share/terraform/plugins",
        ]
        .map(PathBuf::from),
    );
    places.extend(
        fs::read_dir("/opt")
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path()),
    );
    places.into_iter().find(|place| has_aws(place))
}

fn has_aws(place: &Path) -> bool {
    place.join("registry.terraform.io/hashicorp/aws").is_dir()
}
