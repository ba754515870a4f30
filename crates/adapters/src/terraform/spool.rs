//! States that were promised to the engine and have not reached the database yet.
//!
//! Each is one file, written, fsynced, renamed into place, and the folder fsynced, before the engine hears *yes*: a
//! `kill -9` or a power cut after that loses nothing. What is put here must be sealed already.

use std::{
    fs, io,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Mutex,
};

/// A folder of sealed records, in the order in which they came.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    next: Mutex<u64>,
}

/// One record. Ordered by age.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its place in the order.
    pub number: u64,
    /// What the writer called it.
    pub label: String,
}

impl Entry {
    fn name(&self) -> String {
        format!("{:016x}.{}", self.number, self.label)
    }

    fn read(name: &str) -> Option<Self> {
        let (number, label) = name.split_once('.')?;
        let number = (number.len() == 16).then(|| u64::from_str_radix(number, 16).ok())??;
        Some(Self {
            number,
            label: label.to_owned(),
        })
    }
}

impl Spool {
    /// Opens or makes the folder, 0700. Half-written records of an earlier life are removed: nobody was promised them.
    /// A folder may be opened more than once, by several processes too.
    ///
    /// # Errors
    /// If the folder cannot be made or read.
    pub fn open(folder: &Path) -> io::Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let spool = Self {
            folder: folder.to_owned(),
            next: Mutex::new(0),
        };
        let _turn = spool.turn()?;
        for file in fs::read_dir(folder)? {
            let file = file?;
            if file.file_name().to_string_lossy().starts_with("half-") {
                fs::remove_file(file.path())?;
            }
        }
        Ok(spool)
    }

    /// Puts a sealed record in, durably. The label is for the reader: letters, digits, `-`, `_`, at most 120.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] for another label; disk errors. The record is not promised then.
    pub fn put(&self, label: &str, sealed: &[u8]) -> io::Result<Entry> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if label.len() > 120 || !label.bytes().all(plain) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a label has letters, digits, - and _",
            ));
        }
        let mut next = self
            .next
            .lock()
            .map_err(|_| io::Error::other("an earlier record failed badly"))?;
        // Held to the end, so that the order of the names is the order of the promises.
        let _turn = self.turn()?;
        let last = self.entries()?.last().map_or(0, |entry| entry.number + 1);
        let entry = Entry {
            number: last.max(*next),
            label: label.to_owned(),
        };
        let half = self.folder.join(format!("half-{:016x}", entry.number));
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&half)?;
        file.write_all(sealed)?;
        file.sync_all()?;
        fs::rename(&half, self.folder.join(entry.name()))?;
        self.sync()?;
        *next = entry.number + 1;
        Ok(entry)
    }

    /// One writer at a time, whoever opened the folder; given back when dropped.
    fn turn(&self) -> io::Result<fs::File> {
        let file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(self.folder.join("turn"))?;
        rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive)?;
        Ok(file)
    }

    /// What is waiting, oldest first.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn entries(&self) -> io::Result<Vec<Entry>> {
        let mut all = Vec::new();
        for file in fs::read_dir(&self.folder)? {
            all.extend(Entry::read(&file?.file_name().to_string_lossy()));
        }
        all.sort();
        Ok(all)
    }

    /// A record's sealed bytes.
    ///
    /// # Errors
    /// Disk errors.
    pub fn read(&self, entry: &Entry) -> io::Result<Vec<u8>> {
        fs::read(self.folder.join(entry.name()))
    }

    /// Removes a record that has reached the database. Removing it twice is no error. A power cut may bring it back; who
    /// finds it then sends it once more, and the fence says that it is late.
    ///
    /// # Errors
    /// Disk errors.
    pub fn remove(&self, entry: &Entry) -> io::Result<()> {
        match fs::remove_file(self.folder.join(entry.name())) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn sync(&self) -> io::Result<()> {
        fs::File::open(&self.folder)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_in_order_after_a_new_start_and_half_ones_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        let first = spool.put("stack-1-fence-2", b"one").unwrap();
        let second = spool.put("stack-1-fence-2", b"two").unwrap();
        fs::write(folder.path().join("half-0000000000000002"), b"th").unwrap();

        let spool = Spool::open(folder.path()).unwrap();
        assert_eq!(spool.entries().unwrap(), [first.clone(), second.clone()]);
        assert_eq!(spool.read(&second).unwrap(), b"two");
        spool.remove(&first).unwrap();
        spool.remove(&first).unwrap();
        let third = spool.put("stack-2", b"three").unwrap();
        assert_eq!(spool.entries().unwrap(), [second, third]);
        // The two records, and the file that writers take turns with.
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn writers_that_opened_it_each_for_themselves_do_not_disturb_one_another() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let folder = folder.path();
                scope.spawn(move || {
                    for n in 0..20 {
                        let spool = Spool::open(folder).unwrap();
                        spool.put(&format!("{writer}-{n:02}"), b"x").unwrap();
                    }
                });
            }
        });
        let entries = Spool::open(folder.path()).unwrap().entries().unwrap();
        let numbers: Vec<_> = entries.iter().map(|entry| entry.number).collect();
        assert_eq!(numbers, (0..80).collect::<Vec<_>>());
        for writer in 0..4 {
            let mine: Vec<_> = entries
                .iter()
                .map(|entry| &entry.label)
                .filter(|label| label.starts_with(&format!("{writer}-")))
                .collect();
            assert!(mine.is_sorted() && mine.len() == 20, "{mine:?}");
        }
    }

    #[test]
    fn a_label_never_becomes_a_path() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        for label in ["../x", "a/b", "a.b", "ä"] {
            assert!(spool.put(label, b"x").is_err(), "{label}");
        }
    }
}
