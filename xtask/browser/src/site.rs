//! The folder that the server serves: files named by content, each with .br and .gz beside it, and assets.json.

use anyhow::{Context, Result, bail};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a first visit may load in all, in bytes of brotli: the law, and what we aim for.
const LAW: usize = 200 * 1024;
const AIM: usize = 100 * 1024;

/// The site while it is put together.
pub struct Site {
    folder: PathBuf,
    assets: Map<String, Value>,
    sizes: Vec<(String, usize, usize)>,
    written: BTreeSet<PathBuf>,
}

impl Site {
    /// Starts in a folder, which may hold an older site.
    pub fn open(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder.join("pkg"))
            .with_context(|| format!("making {}", folder.display()))?;
        Ok(Site {
            folder: folder.to_owned(),
            assets: Map::new(),
            sizes: Vec::new(),
            written: BTreeSet::new(),
        })
    }

    /// Adds one file under its logical name, e.g. `boot.js` as `boot.1f2e….js` in `beneath` (`""` or `"pkg/"`).
    pub fn add(&mut self, logical: &str, beneath: &str, bytes: &[u8]) -> Result<()> {
        let digest: String = Sha256::digest(bytes)
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let (stem, end) = logical
            .rsplit_once('.')
            .with_context(|| format!("{logical} has no ending"))?;
        let path = format!("{beneath}{stem}.{digest}.{end}");
        let file = self.folder.join(&path);
        let (br, gz) = (beside(&file, "br"), beside(&file, "gz"));
        // The name tells the content, so what is there is right. The plain file comes last.
        if !file.exists() || !br.exists() || !gz.exists() {
            put(&br, &brotli(bytes)?)?;
            put(&gz, &gzip(bytes)?)?;
            put(&file, bytes)?;
        }
        let packed = fs::metadata(&br)?.len();
        self.sizes
            .push((logical.to_owned(), bytes.len(), usize::try_from(packed)?));
        self.written.extend([file, br, gz]);
        self.assets.insert(logical.to_owned(), Value::String(path));
        Ok(())
    }

    /// Adds a folder's files with one of these endings; a folder that is not there has none.
    pub fn add_folder(&mut self, folder: &Path, endings: &[&str]) -> Result<()> {
        let mut files: Vec<PathBuf> = fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .collect();
        files.sort();
        for file in files {
            let ending = file
                .extension()
                .and_then(|end| end.to_str())
                .unwrap_or_default();
            let name = file
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            if file.is_file() && endings.contains(&ending) {
                self.add(name, "", &fs::read(&file)?)?;
            }
        }
        Ok(())
    }

    /// Writes assets.json, removes what nothing names any more, and reports the budget.
    pub fn finish(self) -> Result<()> {
        put(
            &self.folder.join("assets.json"),
            serde_json::to_string_pretty(&self.assets)?.as_bytes(),
        )?;
        self.prune(&self.folder)?;
        self.prune(&self.folder.join("pkg"))?;
        let total: usize = self.sizes.iter().map(|(_, _, packed)| packed).sum();
        for (name, plain, packed) in &self.sizes {
            println!("  {name:<14} {plain:>8} bytes, {packed:>7} as brotli");
        }
        println!(
            "  {:<14} {:>8}        {total:>7} as brotli (aim {AIM}, law {LAW})",
            "first load", ""
        );
        if total > LAW {
            bail!("a first visit would load {total} bytes of brotli; the law is {LAW}");
        }
        Ok(())
    }

    /// Yesterday's files go; today's stay for a server that still runs on the older assets.json.
    fn prune(&self, folder: &Path) -> Result<()> {
        for entry in fs::read_dir(folder)?.flatten() {
            let path = entry.path();
            let old = entry
                .metadata()?
                .modified()?
                .elapsed()
                .is_ok_and(|age| age > Duration::from_secs(86_400));
            if old
                && path.is_file()
                && !self.written.contains(&path)
                && !path.ends_with("assets.json")
            {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}

fn beside(file: &Path, end: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(end);
    PathBuf::from(name)
}

/// Writes beside and renames, so that a server never reads half a file.
fn put(file: &Path, bytes: &[u8]) -> Result<()> {
    let new = beside(file, "new");
    fs::write(&new, bytes).with_context(|| format!("writing {}", new.display()))?;
    fs::rename(&new, file).with_context(|| format!("writing {}", file.display()))
}

fn brotli(bytes: &[u8]) -> Result<Vec<u8>> {
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: 11,
        lgwin: 22,
        ..Default::default()
    };
    let mut packed = Vec::new();
    brotli::BrotliCompress(&mut &bytes[..], &mut packed, &parameters)?;
    Ok(packed)
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

#[cfg(test)]
mod tests {
    use super::Site;
    use serde_json::Value;

    #[test]
    fn names_follow_the_content_and_the_map_names_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let build = |text: &str| {
            let mut site = Site::open(folder.path()).expect("opened");
            site.add("boot.js", "", text.as_bytes()).expect("added");
            site.finish().expect("finished");
            let map = std::fs::read(folder.path().join("assets.json")).expect("a map");
            let map: Value = serde_json::from_slice(&map).expect("JSON");
            map["boot.js"].as_str().expect("a path").to_owned()
        };
        let (first, second, again) = (build("one"), build("two"), build("one"));
        assert_ne!(first, second);
        assert_eq!(first, again);
        for end in ["", ".br", ".gz"] {
            assert!(
                folder.path().join(format!("{first}{end}")).exists(),
                "{first}{end}"
            );
        }
    }

    #[test]
    fn a_site_above_the_law_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut site = Site::open(folder.path()).expect("opened");
        // Nothing that brotli could shrink.
        let mut state = 1_u32;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state.to_le_bytes()[1]
        })
        .take(super::LAW + 1)
        .collect();
        site.add("big.js", "", &noise).expect("added");
        assert!(site.finish().is_err());
    }
}
