//! Which Helm this worker has.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use crate::terraform::{EngineMissing, Orphan, kill_orphan, orphans, process::SEARCH};

/// A Helm that was found and answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Helm {
    /// Its binary.
    pub program: PathBuf,
    /// Its version, such as `4.3.1`; a build that does not know its own says only `4.3`.
    pub version: String,
    /// Where steps have their private folders.
    pub(super) folders: PathBuf,
}

impl Helm {
    /// Looks for Helm 4: the named binary, else `helm` on the PATH.
    ///
    /// # Errors
    /// When there is none, it does not answer, or it is another major version.
    pub async fn find(named: Option<&Path>, folders: PathBuf) -> Result<Self, EngineMissing> {
        let missing = |message: String| EngineMissing {
            message,
            hint: "Install Helm 4, or name its binary in SLIPWAY_HELM.".into(),
        };
        let program = match named {
            Some(path) => path.to_owned(),
            None => on_path().ok_or_else(|| missing("No program “helm” was found.".into()))?,
        };
        let asked = tokio::process::Command::new(&program)
            .args(["version", "--template", "{{.Version}}"])
            .env_clear()
            .env("PATH", SEARCH)
            .env("HOME", "/nonexistent")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let shown = program.display();
        let output = match tokio::time::timeout(Duration::from_secs(20), asked).await {
            Ok(Ok(output)) => output,
            Ok(Err(error)) => {
                return Err(missing(format!("{shown} could not be started: {error}.")));
            }
            Err(_) => return Err(missing(format!("{shown} did not say its version in 20 s."))),
        };
        let said = String::from_utf8_lossy(&output.stdout);
        let version = said.trim().trim_start_matches('v').to_owned();
        if !version.starts_with("4.") {
            return Err(missing(format!(
                "{shown} is not Helm 4: it calls itself “{}”.",
                said.trim().chars().take(40).collect::<String>()
            )));
        }
        Ok(Self {
            program,
            version,
            folders,
        })
    }

    /// Ends what an earlier life of the worker left running, and clears its folders away.
    ///
    /// # Errors
    /// When the folders can't be made or read.
    pub fn sweep(&self) -> std::io::Result<Vec<Orphan>> {
        use std::os::unix::fs::DirBuilderExt;
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folders)?;
        let mut killed = Vec::new();
        for entry in std::fs::read_dir(&self.folders)? {
            let folder = entry?.path();
            let left = orphans(&folder);
            left.iter().for_each(kill_orphan);
            killed.extend(left);
            std::fs::remove_dir_all(&folder)?;
        }
        Ok(killed)
    }
}

fn on_path() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join("helm"))
        .find(|program| program.is_file())
}
