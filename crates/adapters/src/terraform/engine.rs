//! Finding an engine and knowing what it is. Forbidden: guessing a version, or using a binary that changed since it
//! was asked.

use std::{
    ffi::OsStr,
    fmt, fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::Stdio,
    str::FromStr,
    time::Duration,
};

use serde::Deserialize;

use super::constraint::{Constraint, Version};

/// Which of the two engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EngineKind {
    /// HashiCorp Terraform, `terraform`.
    Terraform,
    /// OpenTofu, `tofu`.
    OpenTofu,
}

impl EngineKind {
    /// Its name in a template's `template.toml` and in the database: `terraform` or `opentofu`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Terraform => "terraform",
            Self::OpenTofu => "opentofu",
        }
    }

    /// The file name of its binary.
    #[must_use]
    pub const fn binary(self) -> &'static str {
        match self {
            Self::Terraform => "terraform",
            Self::OpenTofu => "tofu",
        }
    }
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Terraform => "Terraform",
            Self::OpenTofu => "OpenTofu",
        })
    }
}

impl FromStr for EngineKind {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "terraform" => Ok(Self::Terraform),
            "opentofu" | "tofu" => Ok(Self::OpenTofu),
            _ => Err(()),
        }
    }
}

/// No engine that can be used. `Display` is the whole message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} {hint}")]
pub struct EngineMissing {
    /// One line: what is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// An engine that was found and asked for its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engine {
    /// Which one.
    pub kind: EngineKind,
    /// Its version.
    pub version: Version,
    /// The binary, absolute.
    pub path: PathBuf,
    /// The platform that it is built for, for example `linux_amd64`.
    pub platform: String,
    /// Device, inode, size and time of change when it was asked.
    seal: (u64, u64, u64, i64),
}

#[derive(Deserialize)]
struct Said {
    terraform_version: String,
    #[serde(default)]
    platform: String,
}

/// `version` takes 50 ms; a minute means that the machine is on its knees.
const PATIENCE: Duration = Duration::from_secs(60);

impl Engine {
    /// Finds an engine: the file that was named, else the first on `PATH`. Runs it once.
    ///
    /// # Errors
    /// [`EngineMissing`] if there is none, it does not answer, or its version is refused by `constraint`.
    pub async fn find(
        kind: EngineKind,
        named: Option<&Path>,
        constraint: &Constraint,
    ) -> Result<Self, EngineMissing> {
        let search = std::env::var_os("PATH").unwrap_or_default();
        let engine = Self::ask(kind, locate(kind, named, &search)?).await?;
        engine.check(constraint)?;
        Ok(engine)
    }

    /// Refuses a version that a template does not accept.
    ///
    /// # Errors
    /// [`EngineMissing`] with both versions in it.
    pub fn check(&self, constraint: &Constraint) -> Result<(), EngineMissing> {
        if constraint.accepts(&self.version) {
            return Ok(());
        }
        Err(EngineMissing {
            message: format!(
                "{} {} at {} is not a version that is wanted here ({constraint}).",
                self.kind,
                self.version,
                self.path.display()
            ),
            hint: format!(
                "Install {} {constraint}, or name its binary in SLIPWAY_ENGINE.",
                self.kind
            ),
        })
    }

    /// True if the binary is still the one that was asked for its version.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        seal(&self.path).is_ok_and(|now| now == self.seal)
    }

    async fn ask(kind: EngineKind, path: PathBuf) -> Result<Self, EngineMissing> {
        let broken = |why: String| EngineMissing {
            message: format!("{} does not work as {kind}: {why}.", path.display()),
            hint: format!(
                "Run `{} version` by hand, and reinstall it if that fails.",
                path.display()
            ),
        };
        let seal = seal(&path).map_err(|error| broken(error.to_string()))?;
        let mut command = tokio::process::Command::new(&path);
        command
            .args(["version", "-json"])
            .env_clear()
            .env("PATH", super::process::SEARCH)
            .env("HOME", "/nonexistent")
            .env("CHECKPOINT_DISABLE", "1")
            .current_dir("/")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output = tokio::time::timeout(PATIENCE, command.output())
            .await
            .map_err(|_| broken("it did not answer within a minute".to_owned()))?
            .map_err(|error| broken(error.to_string()))?;
        let said: Said = serde_json::from_slice(&output.stdout)
            .map_err(|_| broken("`version -json` did not answer with a version".to_owned()))?;
        // An OpenTofu built from its Go module names the release that it was built from, and adds that nobody released
        // it; no template's constraint would accept that.
        let named = said.terraform_version.trim_end_matches("-dev");
        let version = named
            .parse()
            .map_err(|_| broken(format!("it calls itself version {named:?}")))?;
        Ok(Self {
            kind,
            version,
            path,
            platform: said.platform,
            seal,
        })
    }
}

fn locate(
    kind: EngineKind,
    named: Option<&Path>,
    search: &OsStr,
) -> Result<PathBuf, EngineMissing> {
    if let Some(path) = named {
        return std::path::absolute(path)
            .ok()
            .filter(|p| is_program(p))
            .ok_or_else(|| EngineMissing {
                message: format!("There is no {kind} at {}.", path.display()),
                hint: "Correct SLIPWAY_ENGINE, or remove it to use the first one on PATH."
                    .to_owned(),
            });
    }
    std::env::split_paths(search)
        .map(|folder| folder.join(kind.binary()))
        .find(|path| path.is_absolute() && is_program(path))
        .ok_or_else(|| EngineMissing {
            message: format!("{kind} is not installed: no `{}` on PATH.", kind.binary()),
            hint: "Install it, or name its binary in SLIPWAY_ENGINE.".to_owned(),
        })
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

fn seal(path: &Path) -> std::io::Result<(u64, u64, u64, i64)> {
    let meta = fs::metadata(path)?;
    Ok((meta.dev(), meta.ino(), meta.size(), meta.mtime()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_that_is_missing_says_what_to_do() {
        let missing = locate(EngineKind::OpenTofu, None, OsStr::new("/nonexistent")).unwrap_err();
        assert_eq!(
            missing.to_string(),
            "OpenTofu is not installed: no `tofu` on PATH. Install it, or name its binary in SLIPWAY_ENGINE."
        );
        let missing = locate(
            EngineKind::Terraform,
            Some(Path::new("/nowhere/terraform")),
            OsStr::new(""),
        )
        .unwrap_err();
        assert!(missing.message.contains("/nowhere/terraform"), "{missing}");
    }

    #[tokio::test]
    async fn a_program_that_is_no_engine_is_refused() {
        let refused = Engine::ask(EngineKind::Terraform, "/bin/true".into())
            .await
            .unwrap_err();
        assert!(
            refused.message.contains("did not answer with a version"),
            "{refused}"
        );
    }
}
