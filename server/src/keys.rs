//! The workers' master key: made once, kept in a file that only its owner reads, never printed.

use std::{
    fs,
    io::{ErrorKind, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use anyhow::{Context, bail};
use slipway_seal::WorkerKey;

/// Reads the key, or makes one if the file is missing and `make` says so.
///
/// # Errors
/// If the file is missing, is readable for others, or holds something else.
pub fn load(path: &Path, make: bool) -> anyhow::Result<WorkerKey> {
    match fs::read(path) {
        Ok(bytes) => {
            let mode = fs::metadata(path)?.permissions().mode();
            if mode & 0o077 != 0 {
                bail!(
                    "The key file {} can be read by others (mode {:o}).\n  Whoever reads it can open every state: chmod 600 it, and think about who has read it.",
                    path.display(),
                    mode & 0o777
                );
            }
            let key: [u8; 32] = bytes
                .try_into()
                .map_err(|_| anyhow::anyhow!("The key file {} does not hold 32 bytes.\n  Put the right one there: without it nothing that is sealed can be opened.", path.display()))?;
            Ok(WorkerKey::from_master(&key))
        }
        Err(error) if error.kind() == ErrorKind::NotFound && make => {
            let key = slipway_seal::random::<32>();
            let mut file = fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)
                .with_context(|| format!("The key file {} could not be made", path.display()))?;
            file.write_all(&key)?;
            file.sync_all()?;
            Ok(WorkerKey::from_master(&key))
        }
        Err(error) => Err(error).with_context(|| {
            format!("The key file {} could not be read.\n  Name it with SLIPWAY_KEY_FILE; `head -c 32 /dev/urandom > FILE` makes a new one", path.display())
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone() {
        let path = std::env::temp_dir().join(format!("slipway-key-{}", std::process::id()));
        let _ = fs::remove_file(&path);
        assert!(load(&path, false).is_err());
        let made = load(&path, true).unwrap().id();
        assert_eq!(load(&path, true).unwrap().id(), made);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(
            load(&path, true)
                .unwrap_err()
                .to_string()
                .contains("chmod 600")
        );
        fs::remove_file(&path).unwrap();
    }
}
