//! Process groups: seen to be gone, and found again after the worker itself was killed.
//!
//! A program that a template starts outlives the engine's interrupt, stays in the engine's process group, and may even
//! leave it (`setsid`). So every tool runs in a group of its own, with a HOME that no other process has: the group is
//! killed after the tool, and whoever still carries that HOME is killed too.
//!
//! A parent-death signal would need `pre_exec`, which is unsafe code: instead the group's id and start time lie in the
//! step's folder, and a restarted worker calls [`orphans`] on each folder that it finds.

use std::{fs, io, path::Path, time::Duration};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde::{Deserialize, Serialize};

/// A process of an earlier life of the worker that still runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orphan {
    /// Its process id.
    pub pid: i32,
    /// When it was started, in clock ticks since boot: with the id, it names one process.
    pub started: u64,
    /// Its process group.
    pub group: i32,
    /// Its program's name, at most 15 bytes.
    pub program: String,
}

/// What a step's folder remembers of its tool.
const RECORD: &str = "process.json";

/// Remembers the tool that was just started in `folder`.
pub(crate) fn remember(folder: &Path, pid: Pid) -> io::Result<()> {
    let started = read(pid.as_raw_nonzero().get()).map(|process| process.started);
    let text = serde_json::json!({ "pid": pid.as_raw_nonzero().get(), "started": started });
    fs::write(folder.join(RECORD), text.to_string())
}

/// Processes that were started for the step in `folder` (absolute) and still run: the recorded leader, the rest of its
/// group, and all that carry the folder's HOME. Linux only; elsewhere none are found.
#[must_use]
pub fn orphans(folder: &Path) -> Vec<Orphan> {
    #[derive(Deserialize)]
    struct Record {
        pid: i32,
        started: Option<u64>,
    }
    let record: Option<Record> = fs::read(folder.join(RECORD))
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok());
    let marker = format!("HOME={}", folder.join("home").display());
    let own = std::process::id().cast_signed();
    let mut found: Vec<_> = all()
        .into_iter()
        .filter(|process| process.pid != own && carries(process.pid, &marker))
        .collect();
    if let Some(record) = record {
        // The id is still that process, or its group has members; a group's id is not given out again while it has.
        let leader = read(record.pid);
        let same = leader
            .as_ref()
            .is_some_and(|l| Some(l.started) == record.started);
        let members = all()
            .into_iter()
            .filter(|p| p.group == record.pid && p.pid != own);
        if same || (leader.is_none() && found.iter().any(|p| p.group == record.pid)) {
            for member in members {
                if !found.contains(&member) {
                    found.push(member);
                }
            }
        }
    }
    found
}

/// Kills a process that [`orphans`] found, unless its id belongs to another by now.
pub fn kill_orphan(orphan: &Orphan) {
    if let (Some(now), Some(pid)) = (read(orphan.pid), Pid::from_raw(orphan.pid))
        && now.started == orphan.started
    {
        // Gone in this very moment is as good.
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// Kills what is left of a group and of the folder's processes after the leader was waited for. False if something
/// still runs five seconds later (stuck in the kernel).
pub(crate) async fn end(group: Pid, folder: &Path, suspect: bool) -> bool {
    // No such group: the common case, and it costs one system call.
    if kill_process_group(group, Signal::KILL).is_err() && !suspect {
        return true;
    }
    for _ in 0..500 {
        let rest = orphans(folder);
        if rest.is_empty() {
            return true;
        }
        rest.iter().for_each(kill_orphan);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

fn all() -> Vec<Orphan> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(read)
        .collect()
}

/// Reads `/proc/<pid>/stat`; `None` for what is gone or only waits to be buried.
fn read(pid: i32) -> Option<Orphan> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    // The name may contain anything, parentheses too.
    let (open, close) = (stat.find('(')?, stat.rfind(')')?);
    let fields: Vec<_> = stat[close + 1..].split_whitespace().collect();
    if matches!(*fields.first()?, "Z" | "X") {
        return None;
    }
    Some(Orphan {
        pid,
        started: fields.get(19)?.parse().ok()?,
        group: fields.get(2)?.parse().ok()?,
        program: stat[open + 1..close].to_owned(),
    })
}

fn carries(pid: i32, marker: &str) -> bool {
    fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environ| {
        environ
            .split(|byte| *byte == 0)
            .any(|pair| pair == marker.as_bytes())
    })
}
