use std::{fs, io, path::Path};

use super::{clear::Clear, state::StateVersion};

/// All that another worker needs to apply a plan exactly as it was shown. Store the parts together; `plan` sealed.
#[derive(Clone, Debug)]
pub struct SavedPlan {
    /// The engine's own plan file.
    pub plan: Clear,
    /// The dependency lock file; `None` for a template without providers.
    pub lock_file: Option<String>,
    /// The engine's name: `terraform` or `opentofu`.
    pub engine: String,
    /// The engine's version, in full.
    pub engine_version: String,
    /// The state that it was made on; `None` if there was none.
    pub base: Option<StateVersion>,
}

/// The plan holds secrets: nobody else reads it.
pub(super) fn write_plan(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    io::Write::write_all(&mut file, bytes)
}
