//! Running one tool: a clean environment, a process group of its own, fixed arguments, a private folder; and one loop
//! that waits for its end, its deadline, a cancel, and what it says.
//!
//! Forbidden: passing on the worker's own environment, and waiting for a pipe that a stranger holds open.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::{
    fs::{CWD, FileType, Mode, OFlags, mknodat},
    process::{Pid, Signal, kill_process, kill_process_group},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, ChildStderr, ChildStdout},
    time::Instant,
};

use super::{
    cancel::{Cancel, Level, Stop},
    group,
};

/// Where tools look for programs.
pub(crate) const SEARCH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Between SIGTERM and SIGKILL.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// How long output that is left in a pipe is waited for after the whole group is gone.
const DRAIN: Duration = Duration::from_secs(2);

/// Why a tool was ended from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KillReason {
    /// It took longer than it may; it was interrupted and could save its state unless `forced`.
    Deadline {
        /// It did not obey, and was killed.
        forced: bool,
    },
    /// Somebody asked for an end; it was interrupted and could save its state unless `forced`.
    Asked {
        /// Who or what asked.
        stop: Stop,
        /// It was killed.
        forced: bool,
    },
}

impl KillReason {
    /// True if it was killed rather than interrupted: state that was not saved is lost.
    #[must_use]
    pub const fn forced(self) -> bool {
        let (Self::Deadline { forced } | Self::Asked { forced, .. }) = self;
        forced
    }
}

/// What to run.
pub(crate) struct Command<'a> {
    pub program: &'a Path,
    pub args: Vec<OsString>,
    /// The step's folder: holds `home`, `tmp` and the record of the process.
    pub folder: &'a Path,
    pub cwd: &'a Path,
    pub env: Vec<(&'static str, OsString)>,
    /// The engine's configuration file.
    pub config: &'a Path,
    /// Start now, but stand before the configuration file until [`Running::let_go`].
    pub gated: bool,
}

/// Takes what a tool writes, in pieces as they come.
pub(crate) trait Output: Send {
    fn out(&mut self, bytes: &[u8]);
    fn err(&mut self, bytes: &[u8]);
}

/// How long a tool may take.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    /// Then it is interrupted.
    pub deadline: Duration,
    /// So long after an interrupt for the deadline's sake it is killed.
    pub grace: Duration,
    /// Look for programs that left the group, though all seems well: it costs some milliseconds.
    pub thorough: bool,
}

/// A tool's end.
pub(crate) struct Ended {
    pub status: ExitStatus,
    pub killed: Option<KillReason>,
    /// Everything that it started is gone too.
    pub alone: bool,
}

/// A tool that was started.
pub(crate) struct Running {
    child: Child,
    group: Pid,
    folder: PathBuf,
    gate: Option<Gate>,
    stdout: ChildStdout,
    stderr: ChildStderr,
    ended: bool,
}

struct Gate {
    pipe: PathBuf,
    config: PathBuf,
}

impl Running {
    pub(crate) fn start(command: Command<'_>) -> io::Result<Self> {
        let gate = command
            .gated
            .then(|| Gate::make(command.folder, command.config))
            .transpose()?;
        let config = gate.as_ref().map_or(command.config, |gate| &gate.pipe);
        let mut child = tokio::process::Command::new(command.program)
            .args(&command.args)
            .env_clear()
            .env("PATH", SEARCH)
            .env("LANG", "C.UTF-8")
            .env("HOME", command.folder.join("home"))
            .env("TMPDIR", command.folder.join("tmp"))
            .env("CHECKPOINT_DISABLE", "1")
            // Short lives: collecting garbage later saves a third of an engine's and a provider's processor time and
            // costs a third more memory, up to the limit, from where on it is collected as ever (docs/performance.md).
            .env("GOGC", "400")
            .env("GOMEMLIMIT", "1GiB")
            .env("TF_IN_AUTOMATION", "1")
            .env("TF_INPUT", "0")
            .env("TF_CLI_CONFIG_FILE", config)
            .envs(command.env)
            .current_dir(command.cwd)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let taken = child
            .id()
            .and_then(|id| Pid::from_raw(id.cast_signed()))
            .zip(child.stdout.take())
            .zip(child.stderr.take());
        let ((group, stdout), stderr) =
            taken.ok_or_else(|| io::Error::other("the tool has no pipes"))?;
        let running = Self {
            child,
            group,
            folder: command.folder.to_owned(),
            gate,
            stdout,
            stderr,
            ended: false,
        };
        group::remember(command.folder, group)?;
        Ok(running)
    }

    /// Lets a gated tool go on.
    pub(crate) async fn let_go(&mut self) -> io::Result<()> {
        let Some(gate) = self.gate.take() else {
            return Ok(());
        };
        loop {
            match gate.open() {
                Ok(done) => return Ok(done),
                // It has not come to the gate yet.
                Err(error)
                    if error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) => {}
                Err(error) => return Err(error),
            }
            tokio::select! {
                biased;
                status = self.child.wait() => return Err(io::Error::other(format!("the tool ended before its work: {}", status?))),
                () = tokio::time::sleep(Duration::from_millis(1)) => {}
            }
        }
    }

    /// Stays with the tool until it, and all that it started, has ended.
    pub(crate) async fn drive(
        mut self,
        output: &mut dyn Output,
        patience: Patience,
        cancel: &Cancel,
    ) -> io::Result<Ended> {
        let mut raised = cancel.watch();
        let deadline = tokio::time::sleep(patience.deadline);
        tokio::pin!(deadline);
        let mut late = false;
        let mut force_at: Option<Instant> = None;
        let mut kill_at: Option<Instant> = None;
        let mut interrupted: Option<KillReason> = None;
        let (mut out, mut err) = (Some(vec![0; 64 * 1024]), Some(vec![0; 16 * 1024]));
        let status = loop {
            tokio::select! {
                biased;
                status = self.child.wait() => break status?,
                () = &mut deadline, if !late => {
                    late = true;
                    if interrupted.is_none() {
                        interrupted = Some(KillReason::Deadline { forced: false });
                        self.interrupt();
                    }
                    force_at = Some(Instant::now() + patience.grace);
                }
                Ok(()) = raised.changed() => {
                    let (level, stop) = *raised.borrow_and_update();
                    let stop = stop.unwrap_or(Stop::Canceled);
                    if level == Level::Interrupt && interrupted.is_none() {
                        interrupted = Some(KillReason::Asked { stop, forced: false });
                        self.interrupt();
                    }
                    if level == Level::Force && kill_at.is_none() {
                        interrupted = Some(KillReason::Asked { stop, forced: true });
                        force_at = Some(Instant::now());
                    }
                }
                () = at(force_at) => {
                    force_at = None;
                    if let Some(KillReason::Deadline { forced }) = &mut interrupted {
                        *forced = true;
                    }
                    let _ = kill_process_group(self.group, Signal::TERM);
                    kill_at = Some(Instant::now() + LAST_WORDS);
                }
                () = at(kill_at) => {
                    kill_at = None;
                    let _ = kill_process_group(self.group, Signal::KILL);
                }
                read = take(&mut self.stdout, &mut out) => give(read, &mut out, |bytes| output.out(bytes)),
                read = take(&mut self.stderr, &mut err) => give(read, &mut err, |bytes| output.err(bytes)),
            }
        };
        self.ended = true;
        // A pipe that is still open may only mean that nobody has read its end yet: a scan decides, not a guess.
        let alone = group::end(self.group, &self.folder, patience.thorough).await;
        let rest = async {
            while out.is_some() || err.is_some() {
                tokio::select! {
                    biased;
                    read = take(&mut self.stdout, &mut out) => give(read, &mut out, |bytes| output.out(bytes)),
                    read = take(&mut self.stderr, &mut err) => give(read, &mut err, |bytes| output.err(bytes)),
                }
            }
        };
        let drained = tokio::time::timeout(DRAIN, rest).await.is_ok();
        // Somebody left the group and holds our pipe.
        let alone = alone && (drained || group::end(self.group, &self.folder, true).await);
        Ok(Ended {
            status,
            killed: interrupted,
            alone,
        })
    }

    /// One SIGINT to the leader: a second one would make the engine give up on saving its state.
    fn interrupt(&self) {
        // The child was not waited for, so its id is its own.
        let _ = kill_process(self.group, Signal::INT);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            let _ = kill_process_group(self.group, Signal::KILL);
        }
    }
}

impl Gate {
    fn make(folder: &Path, config: &Path) -> io::Result<Self> {
        // One at a time stands at a gate in a folder; a name is never used twice.
        let pipe = (0..)
            .map(|n: u32| folder.join(format!("gate-{n}")))
            .find(|path| !path.exists())
            .ok_or_else(|| io::Error::other("no gate is free"))?;
        mknodat(CWD, &pipe, FileType::Fifo, Mode::from_raw_mode(0o600), 0)?;
        Ok(Self {
            pipe,
            config: config.to_owned(),
        })
    }

    /// Hands the configuration to the tool that waits for it. Engines read the file more than once: from the second
    /// time on it is an ordinary file.
    fn open(&self) -> io::Result<()> {
        let mut waiting = fs::OpenOptions::new()
            .write(true)
            .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
            .open(&self.pipe)?;
        let next = self.pipe.with_extension("file");
        fs::copy(&self.config, &next)?;
        fs::rename(&next, &self.pipe)?;
        // Smaller than a pipe's buffer: it does not block. An engine first opens the file only to see that it is there,
        // and then the pipe has no reader any more.
        match io::Write::write_all(&mut waiting, &fs::read(&self.config)?) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }
}

async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

async fn take(pipe: &mut (impl AsyncRead + Unpin), buffer: &mut Option<Vec<u8>>) -> usize {
    match buffer {
        // A pipe that breaks is one that has ended.
        Some(buffer) => pipe.read(buffer).await.unwrap_or(0),
        None => std::future::pending().await,
    }
}

fn give(read: usize, buffer: &mut Option<Vec<u8>>, mut to: impl FnMut(&[u8])) {
    match buffer {
        Some(bytes) if read > 0 => to(&bytes[..read]),
        _ => *buffer = None,
    }
}
