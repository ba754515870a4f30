//! Where things are in the tree and in the person's cache folder, and whether inputs changed.

use crate::Result;
use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

/// The target folder: cargo's, also when CARGO_TARGET_DIR moves it.
pub fn target() -> PathBuf {
    let named =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    std::path::absolute(&named).unwrap_or(named)
}

/// The workspace's root: run.sh has changed into it.
pub fn root() -> PathBuf {
    std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."))
}

/// Parts that are large and the same for every clone: ~/.cache/slipway, or SLIPWAY_CACHE.
pub fn cache() -> PathBuf {
    if let Some(named) = std::env::var_os("SLIPWAY_CACHE") {
        return PathBuf::from(named);
    }
    let home = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")));
    home.map_or_else(|| target().join("cache"), |folder| folder.join("slipway"))
}

/// Every file beneath the given files and folders, sorted; build output and dot folders left out.
pub fn files(places: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for place in places {
        collect(Path::new(place), &mut found);
    }
    found.sort();
    found
}

fn collect(place: &Path, found: &mut Vec<PathBuf>) {
    if place.is_file() {
        found.push(place.to_owned());
        return;
    }
    let Ok(entries) = fs::read_dir(place) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if name == "target" || name == "node_modules" || name.to_string_lossy().starts_with('.') {
            continue;
        }
        collect(&entry.path(), found);
    }
}

/// A fingerprint of files by name, length and time of change. Good enough to skip a build that
/// would find nothing to do; a build that does run judges by itself.
pub fn fingerprint(places: &[&str], salt: &str) -> String {
    let mut hasher = DefaultHasher::new();
    salt.hash(&mut hasher);
    for file in files(places) {
        file.hash(&mut hasher);
        if let Ok(meta) = fs::metadata(&file) {
            meta.len().hash(&mut hasher);
            meta.modified().ok().hash(&mut hasher);
        }
    }
    format!("{:016x}", hasher.finish())
}

/// A note under target/ that a step was done for these inputs.
pub struct Stamp {
    file: PathBuf,
    value: String,
}

impl Stamp {
    /// The stamp of a step for the inputs of now.
    pub fn of(step: &str, places: &[&str], salt: &str) -> Self {
        Stamp {
            file: target().join("xtask").join(format!("{step}.stamp")),
            value: fingerprint(places, salt),
        }
    }

    /// Whether the step was done for exactly these inputs.
    pub fn is_fresh(&self) -> bool {
        fs::read_to_string(&self.file).is_ok_and(|text| text == self.value)
    }

    /// Notes that it was. The inputs are those read before the step: what changed meanwhile is stale.
    pub fn set(&self) -> Result<()> {
        write(&self.file, self.value.as_bytes())
    }
}

/// Writes a file, its folder made first, in one step that nobody sees half done.
pub fn write(file: &Path, bytes: &[u8]) -> Result<()> {
    let told = |error: std::io::Error| format!("{}: {error}", file.display());
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(told)?;
    }
    let beside = file.with_extension(format!("new{}", std::process::id()));
    fs::write(&beside, bytes).map_err(told)?;
    fs::rename(&beside, file).map_err(told)
}
