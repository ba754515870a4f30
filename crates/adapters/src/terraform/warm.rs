//! What `init` made, kept for the next step that would make the very same: then `init` is skipped.
//!
//! The key is everything that `init` depends on: the engine and its version, the mirror, the template's digest, the
//! lock file that was given, and the providers that the state needs. Small files are copied, so that no step can change
//! what another gets; a provider's binary is linked, and the engine compares it with the lock file's checksum each time.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::workspace::LOCK;

/// Larger files are linked, in bytes.
const SMALL: u64 = 1024 * 1024;

/// The most entries that are kept.
const MOST: usize = 64;

#[derive(Clone, Debug)]
pub(crate) struct Warm {
    folder: PathBuf,
    mirror: Option<PathBuf>,
}

impl Warm {
    pub(crate) fn open(folder: &Path, mirror: Option<&Path>) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            mirror: mirror.map(Path::to_owned),
        })
    }

    /// The name of an entry.
    pub(crate) fn key<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
        let mut text = Vec::new();
        for part in parts {
            text.extend((part.len() as u64).to_le_bytes());
            text.extend(part.as_bytes());
        }
        slipway_seal::hex(&slipway_seal::sha256(&text)[..16])
    }

    /// Lays an entry into a step's work folder; false if there is none.
    pub(crate) fn take(&self, key: &str, work: &Path) -> bool {
        let entry = self.folder.join(key);
        let laid = self
            .copy(&entry.join("terraform"), &work.join(".terraform"))
            .and_then(
                |()| match fs::copy(entry.join("lock.hcl"), work.join(LOCK)) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                    _ => Ok(()),
                },
            );
        if laid.is_err() {
            // Half of it is worse than none.
            let _ = fs::remove_dir_all(work.join(".terraform"));
        }
        laid.is_ok()
    }

    /// Keeps what `init` made. Failing costs the next step an `init`, nothing more.
    pub(crate) fn keep(&self, key: &str, work: &Path) {
        let entry = self.folder.join(key);
        if entry.exists() {
            return;
        }
        let kept = tempfile::tempdir_in(&self.folder).and_then(|new| {
            self.copy(&work.join(".terraform"), &new.path().join("terraform"))?;
            if work.join(LOCK).exists() {
                fs::copy(work.join(LOCK), new.path().join("lock.hcl"))?;
            }
            fs::rename(new.path(), &entry)?;
            self.prune()
        });
        if let Err(error) = kept {
            tracing::debug!(%error, "nothing was kept of an init");
        }
    }

    /// Drops an entry that turned out not to fit.
    pub(crate) fn forget(&self, key: &str) {
        let _ = fs::remove_dir_all(self.folder.join(key));
    }

    fn prune(&self) -> io::Result<()> {
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            all.push((entry.metadata()?.modified()?, entry.path()));
        }
        all.sort();
        for (_, path) in all.iter().take(all.len().saturating_sub(MOST)) {
            fs::remove_dir_all(path)?;
        }
        Ok(())
    }

    fn copy(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::create_dir(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            let (source, target) = (entry.path(), to.join(entry.file_name()));
            let meta = entry.metadata()?;
            if meta.is_dir() {
                self.copy(&source, &target)?;
            } else if meta.is_symlink() {
                let points = fs::read_link(&source)?;
                // Only the mirror is the same for everybody.
                if !self
                    .mirror
                    .as_ref()
                    .is_some_and(|mirror| points.starts_with(mirror))
                {
                    return Err(io::Error::other("a link leaves the folder"));
                }
                std::os::unix::fs::symlink(points, target)?;
            } else if meta.len() < SMALL || fs::hard_link(&source, &target).is_err() {
                fs::copy(&source, &target)?;
            }
        }
        Ok(())
    }
}
