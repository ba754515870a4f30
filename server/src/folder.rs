//! The data folder: ours alone while we run, and with a memory of what it was made with.

use std::{
    fs::{self, File, TryLockError},
    io::{Read, Seek, Write},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

/// The data folder, locked for as long as this lives.
#[derive(Debug)]
pub struct Folder {
    /// Absolute.
    pub path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes it if it is missing, and takes its lock.
    ///
    /// # Errors
    /// If it cannot be written, or another `slipway up` uses it.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let path = std::path::absolute(path)?;
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(&path)
            .with_context(|| refused(&path))?;
        let mut lock = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path.join("lock"))
            .with_context(|| refused(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                let _ = lock.read_to_string(&mut pid);
                bail!(
                    "The data folder {} is in use by another `slipway up` (process {}).\n  Stop that one, or give this one a folder of its own with --data.",
                    path.display(),
                    pid.trim()
                );
            }
            Err(TryLockError::Error(error)) => return Err(error).with_context(|| refused(&path)),
        }
        lock.set_len(0)?;
        lock.rewind()?;
        write!(lock, "{}", std::process::id())?;
        Ok(Self { path, _lock: lock })
    }

    /// Refuses to go on with another version of something than this folder was made with; remembers it the first time.
    ///
    /// # Errors
    /// If it is another one.
    pub fn same(&self, what: &str, value: &str, hint: &str) -> anyhow::Result<()> {
        let file = self.path.join("made-with.toml");
        let text = fs::read_to_string(&file).unwrap_or_default();
        let known = text
            .lines()
            .find_map(|l| l.strip_prefix(&format!("{what} = \""))?.strip_suffix('"'));
        match known {
            Some(known) if known == value => Ok(()),
            Some(known) => bail!(
                "This data folder was made with {what} {known}, and now there is {value}.\n  {hint}"
            ),
            None => {
                fs::write(&file, format!("{text}{what} = \"{value}\"\n"))
                    .with_context(|| refused(&self.path))?;
                Ok(())
            }
        }
    }

    /// Remembers a value, and says which one was there before if it was another one.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn remember(&self, what: &str, value: &str) -> anyhow::Result<Option<String>> {
        let file = self.path.join("made-with.toml");
        let text = fs::read_to_string(&file).unwrap_or_default();
        let start = format!("{what} = \"");
        let before = text
            .lines()
            .find_map(|l| l.strip_prefix(&start)?.strip_suffix('"'))
            .map(str::to_owned);
        if before.as_deref() == Some(value) {
            return Ok(None);
        }
        let mut lines: Vec<String> = text
            .lines()
            .filter(|l| !l.starts_with(&start))
            .map(str::to_owned)
            .collect();
        lines.push(format!("{start}{value}\""));
        fs::write(&file, lines.join("\n") + "\n").with_context(|| refused(&self.path))?;
        Ok(before)
    }
}

fn refused(path: &Path) -> String {
    format!(
        "The data folder {} cannot be written.\n  Make it writable for this user, or choose another one with --data.",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn temp(name: &str) -> PathBuf {
        let path =
            std::env::temp_dir().join(format!("slipway-folder-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        path
    }

    #[test]
    fn a_second_one_is_refused_and_names_the_first() {
        let path = temp("second");
        let first = Folder::open(&path).unwrap();
        let error = Folder::open(&path).unwrap_err().to_string();
        assert!(
            error.contains(&std::process::id().to_string()) && error.contains("--data"),
            "{error}"
        );
        drop(first);
        assert!(
            Folder::open(&path).is_ok(),
            "the lock goes with its process"
        );
    }

    #[test]
    fn another_version_is_refused() {
        let folder = Folder::open(&temp("version")).unwrap();
        folder.same("postgresql", "15", "Hint.").unwrap();
        folder.same("postgresql", "15", "Hint.").unwrap();
        let error = folder
            .same("postgresql", "16", "Hint.")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("15") && error.contains("16") && error.contains("Hint."),
            "{error}"
        );
        assert_eq!(folder.remember("engine", "terraform 1.11.4").unwrap(), None);
        assert_eq!(
            folder
                .remember("engine", "terraform 1.12.0")
                .unwrap()
                .as_deref(),
            Some("terraform 1.11.4")
        );
    }
}
