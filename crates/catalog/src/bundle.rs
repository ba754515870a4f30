//! A template's files as one value: read from a folder, named by its digest, packed for the database, written out for
//! the engine.
//!
//! A bundle is the same wherever it was read: only relative paths and bytes count, no owner, time or mode (scripts are
//! started by `sh script`, never by their own bit). Forbidden: a path that leaves the bundle, checked when it is read,
//! unpacked and written, because each of the three trusts none of the others.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};
use rustix::fs::OFlags;
use sha2::{Digest, Sha256};

use crate::broken::Broken;

/// The most files in a template.
pub const MAX_FILES: usize = 200;

/// The most bytes in a template.
pub const MAX_BYTES: usize = 2 * 1024 * 1024;

/// The longest path in a template, in bytes.
const MAX_PATH: usize = 200;

/// The deepest folder in a template.
const MAX_DEPTH: usize = 12;

/// The first bytes of the canonical encoding; another layout gets another word.
const MAGIC: &[u8; 8] = b"slipway1";

/// The largest canonical encoding that a bundle within the limits can have.
const MAX_ENCODED: usize = MAX_BYTES + MAX_FILES * (MAX_PATH + 16) + 16;

/// A template's files by path, `/` between folders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bundle {
    files: BTreeMap<String, Vec<u8>>,
}

/// Packed bytes that are no bundle.
#[derive(Debug, thiserror::Error)]
#[error("the stored template cannot be read: {0}")]
pub struct Undecodable(&'static str);

impl Bundle {
    /// A bundle of these files.
    ///
    /// # Errors
    /// When a path or the size is not allowed.
    pub fn from_files(files: BTreeMap<String, Vec<u8>>) -> Result<Self, Broken> {
        for (path, bytes) in &files {
            check_path(path).map_err(|reason| Broken::new(path, 1, reason, ""))?;
            if bytes.len() > MAX_BYTES {
                return Err(too_large(path));
            }
        }
        if files.len() > MAX_FILES {
            return Err(too_many());
        }
        if files.values().map(Vec::len).sum::<usize>() > MAX_BYTES {
            return Err(too_large("."));
        }
        Ok(Self { files })
    }

    /// Reads a folder. Left out: hidden files but `.terraform.lock.hcl` and `.helmignore` (without it, Helm would render
    /// what the author keeps out), state files, `*.tfvars`, saved plans.
    ///
    /// # Errors
    /// When something cannot be read, is a link, or the folder is larger than a template may be.
    pub fn read_dir(folder: &Path) -> Result<Self, Broken> {
        let meta = fs::symlink_metadata(folder).map_err(|error| unreadable(".", &error))?;
        if !meta.is_dir() {
            return Err(Broken::new(
                ".",
                1,
                "This is not a folder.",
                "A template is a folder with a template.toml.",
            ));
        }
        let mut files = BTreeMap::new();
        let mut bytes = 0;
        read_below(folder, "", 0, &mut files, &mut bytes)?;
        Self::from_files(files)
    }

    /// A file's bytes.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&[u8]> {
        self.files.get(path).map(Vec::as_slice)
    }

    /// Every file, by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files
            .iter()
            .map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
    }

    /// The template's version: the SHA-256 of its canonical encoding, 64 hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> String {
        slipway_seal::hex(&Sha256::digest(self.canonical()))
    }

    /// Every path and every content behind its own length: no two bundles share an encoding.
    fn canonical(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend((self.files.len() as u64).to_be_bytes());
        for (path, bytes) in &self.files {
            out.extend((path.len() as u64).to_be_bytes());
            out.extend(path.as_bytes());
            out.extend((bytes.len() as u64).to_be_bytes());
            out.extend(bytes);
        }
        out
    }

    /// The bundle as one compressed blob for the database. Its key is `digest`, which does not depend on compression.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        // Writing to a Vec cannot fail.
        let _ = encoder.write_all(&self.canonical());
        encoder.finish().unwrap_or_default()
    }

    /// Unpacks a blob that `encode` made.
    ///
    /// # Errors
    /// When it is damaged, larger than a template may be, or holds a path that is not allowed.
    pub fn decode(blob: &[u8]) -> Result<Self, Undecodable> {
        let mut bytes = Vec::new();
        ZlibDecoder::new(blob)
            .take(MAX_ENCODED as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(|_| Undecodable("it is damaged"))?;
        if bytes.len() > MAX_ENCODED {
            return Err(Undecodable("it is larger than a template may be"));
        }
        let mut rest = bytes
            .strip_prefix(MAGIC)
            .ok_or(Undecodable("it has another layout"))?;
        let count = take_length(&mut rest)?;
        if count > MAX_FILES {
            return Err(Undecodable("it holds too many files"));
        }
        let mut files = BTreeMap::new();
        for _ in 0..count {
            let path = String::from_utf8(take(&mut rest)?.to_vec())
                .map_err(|_| Undecodable("a path is not text"))?;
            let content = take(&mut rest)?.to_vec();
            if files.insert(path, content).is_some() {
                return Err(Undecodable("a path comes twice"));
            }
        }
        if !rest.is_empty() {
            return Err(Undecodable("something follows its end"));
        }
        Self::from_files(files)
            .map_err(|_| Undecodable("it holds a path or size that is not allowed"))
    }

    /// Writes the files below `folder`, which must exist and hold none of them.
    ///
    /// # Errors
    /// When a file exists already, a path is not allowed, or the disk refuses.
    pub fn write_to(&self, folder: &Path) -> io::Result<()> {
        for (path, bytes) in &self.files {
            check_path(path)
                .map_err(|reason| io::Error::new(io::ErrorKind::InvalidInput, reason))?;
            let target = folder.join(path);
            if let Some(parent) = target.parent() {
                fs::create_dir_all(parent)?;
            }
            OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(&target)?
                .write_all(bytes)?;
        }
        Ok(())
    }
}

fn take<'b>(rest: &mut &'b [u8]) -> Result<&'b [u8], Undecodable> {
    let length = take_length(rest)?;
    let (taken, left) = rest
        .split_at_checked(length)
        .ok_or(Undecodable("it is cut off"))?;
    *rest = left;
    Ok(taken)
}

fn take_length(rest: &mut &[u8]) -> Result<usize, Undecodable> {
    let (length, left) = rest
        .split_first_chunk::<8>()
        .ok_or(Undecodable("it is cut off"))?;
    *rest = left;
    usize::try_from(u64::from_be_bytes(*length))
        .map_err(|_| Undecodable("a length is out of range"))
}

/// A path that stays inside: relative, `/` between plain names.
fn check_path(path: &str) -> Result<(), &'static str> {
    if path.is_empty() || path.len() > MAX_PATH {
        return Err("The path is empty or longer than 200 bytes.");
    }
    if path.split('/').any(|name| matches!(name, "" | "." | "..")) {
        return Err("The path leaves the template.");
    }
    if path.contains(['\\', ':']) || path.chars().any(char::is_control) {
        return Err("The path holds a character that not every system can store.");
    }
    Ok(())
}

fn read_below(
    folder: &Path,
    prefix: &str,
    depth: usize,
    files: &mut BTreeMap<String, Vec<u8>>,
    bytes: &mut usize,
) -> Result<(), Broken> {
    let shown = if prefix.is_empty() {
        "."
    } else {
        prefix.trim_end_matches('/')
    };
    if depth > MAX_DEPTH {
        return Err(Broken::new(
            shown,
            1,
            "The folder nests too deep.",
            "Keep a template flat.",
        ));
    }
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| entry.map(|e| e.path())).collect())
        .map_err(|error| unreadable(shown, &error))?;
    entries.sort();
    for entry in entries {
        let Some(name) = entry.file_name().and_then(|name| name.to_str()) else {
            return Err(Broken::new(
                shown,
                1,
                "A file's name is not valid text.",
                "Rename it.",
            ));
        };
        if is_left_out(name) {
            continue;
        }
        let path = format!("{prefix}{name}");
        check_path(&path).map_err(|reason| Broken::new(&path, 1, reason, "Rename it."))?;
        let meta = fs::symlink_metadata(&entry).map_err(|error| unreadable(&path, &error))?;
        if meta.is_symlink() {
            return Err(Broken::new(
                &path,
                1,
                "This is a symbolic link, which could lead out of the template.",
                "Put the file itself here.",
            ));
        }
        if meta.is_dir() {
            read_below(&entry, &format!("{path}/"), depth + 1, files, bytes)?;
            continue;
        }
        if !meta.is_file() {
            return Err(Broken::new(
                &path,
                1,
                "This is neither a file nor a folder.",
                "Remove it.",
            ));
        }
        if files.len() == MAX_FILES {
            return Err(too_many());
        }
        let content =
            read_file(&entry, MAX_BYTES - *bytes).map_err(|error| unreadable(&path, &error))?;
        *bytes += content.len();
        if *bytes > MAX_BYTES {
            return Err(too_large(&path));
        }
        files.insert(path, content);
    }
    Ok(())
}

/// Reads at most `limit` bytes and one more. The file may have been exchanged for a link since it was looked at, so the
/// kernel is told not to follow one, and not to wait for a pipe's other end.
fn read_file(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no longer a file"));
    }
    let mut content = Vec::new();
    file.take(limit as u64 + 1).read_to_end(&mut content)?;
    Ok(content)
}

fn is_left_out(name: &str) -> bool {
    name.starts_with('.') && name != ".terraform.lock.hcl" && name != ".helmignore"
        || name.ends_with(".tfstate")
        || name.contains(".tfstate.")
        || name.ends_with(".tfvars")
        || name.ends_with(".tfvars.json")
        || name.ends_with(".tfplan")
        || name == "crash.log"
}

fn unreadable(path: &str, error: &io::Error) -> Broken {
    Broken::new(
        path,
        1,
        format!("This cannot be read: {error}."),
        "Check that the portal may read the catalog.",
    )
}

fn too_many() -> Broken {
    Broken::new(
        ".",
        1,
        format!("The template holds more than {MAX_FILES} files."),
        "Keep only what the module needs in its folder.",
    )
}

fn too_large(path: &str) -> Broken {
    Broken::new(
        path,
        1,
        format!(
            "The template is larger than {} MiB.",
            MAX_BYTES / 1024 / 1024
        ),
        "Keep archives and binaries out of the template.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bundle(files: &[(&str, &str)]) -> Bundle {
        let files = files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))
            .collect();
        Bundle::from_files(files).expect("a good bundle")
    }

    #[test]
    fn the_digest_tells_apart_what_concatenation_would_not() {
        let one = bundle(&[("a", "bc"), ("d", "")]);
        let two = bundle(&[("a", "b"), ("cd", "")]);
        let three = bundle(&[("ab", "c"), ("d", "")]);
        assert_ne!(one.digest(), two.digest());
        assert_ne!(one.digest(), three.digest());
        // The digest is stored with every environment: it must never change for the same files.
        assert_eq!(
            one.digest(),
            "95772a8481f2e0817320902e46291356988f2f179b5cb3d36049d0f0a96d469b"
        );
    }

    #[test]
    fn a_blob_that_was_forged_is_refused() {
        let forged = |files: &[(&str, &str)], count: u64| {
            let mut bytes = MAGIC.to_vec();
            bytes.extend(count.to_be_bytes());
            for (path, text) in files {
                bytes.extend((path.len() as u64).to_be_bytes());
                bytes.extend(path.as_bytes());
                bytes.extend((text.len() as u64).to_be_bytes());
                bytes.extend(text.as_bytes());
            }
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&bytes).expect("memory");
            encoder.finish().expect("memory")
        };
        assert!(Bundle::decode(&forged(&[("ok", "")], 1)).is_ok());
        for path in [
            "../x",
            "/etc/passwd",
            "a/../../b",
            "a//b",
            "./a",
            "",
            "a\\b",
            "a\nb",
            "c:x",
        ] {
            assert!(
                Bundle::decode(&forged(&[(path, "")], 1)).is_err(),
                "{path:?} must not be unpacked"
            );
        }
        assert!(
            Bundle::decode(&forged(&[("a", ""), ("a", "")], 2)).is_err(),
            "a path twice"
        );
        assert!(
            Bundle::decode(&forged(&[("a", "")], u64::MAX)).is_err(),
            "a count out of range"
        );
        assert!(
            Bundle::decode(&forged(&[("a", "")], 0)).is_err(),
            "something after the end"
        );
        let bomb = {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
            encoder
                .write_all(&vec![0; 64 * 1024 * 1024])
                .expect("memory");
            encoder.finish().expect("memory")
        };
        assert!(
            matches!(Bundle::decode(&bomb), Err(Undecodable(reason)) if reason.contains("larger"))
        );
    }

    #[test]
    fn writing_checks_again_and_overwrites_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let escape = Bundle {
            files: BTreeMap::from([("../escaped".to_owned(), Vec::new())]),
        };
        assert!(escape.write_to(folder.path()).is_err());
        let good = bundle(&[("main.tf", "x"), ("modules/a/main.tf", "y")]);
        good.write_to(folder.path()).expect("written");
        assert_eq!(Bundle::read_dir(folder.path()).expect("read"), good);
        assert!(
            good.write_to(folder.path()).is_err(),
            "a second write must not overwrite"
        );
    }

    proptest! {
        #[test]
        fn a_bundle_survives_packing(files in proptest::collection::btree_map("[a-z]{1,8}(/[a-z]{1,8}){0,3}", proptest::collection::vec(any::<u8>(), 0..200), 0..12)) {
            let bundle = Bundle::from_files(files).expect("good paths");
            prop_assert_eq!(Bundle::decode(&bundle.encode()).expect("decoded"), bundle);
        }

        #[test]
        fn no_blob_breaks_the_reader(blob in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Bundle::decode(&blob);
        }
    }
}
