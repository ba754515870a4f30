//! One step: a folder prepared, a plan made and shown, a saved plan applied.
//!
//! Process starts are what a small run costs, so: `init` is skipped when its result is known, and the next tool is
//! started while the one before it still works. Such a tool stands at a gate before it has read anything, and is only
//! ever one that reads; an apply is never started before it is asked for.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use slipway_domain::plan::{Outcome, Preview};

use super::{
    backend::{Access, Backend, Session, StateStore},
    cancel::Cancel,
    clear::Clear,
    engine::Engine,
    failure::{Failed, Failure},
    group,
    inputs::Inputs,
    plan_json::Plan,
    process::{Command, Ended, Patience, Running},
    projection::{self, Around},
    redact::Redactor,
    saved::SavedPlan,
    sink::Sink,
    state::{self, StateVersion},
    ui::{Collect, Ui},
    verdict,
    warm::Warm,
    workspace::{Aws, Folder, aws_env},
};

/// The largest plan, as JSON, that is read, in bytes.
const LARGEST_PLAN: usize = 512 * 1024 * 1024;

/// The saved plan's name in the step's folder.
const PLAN: &str = "plan.bin";

/// How long and how much.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most log that one tool may write, in bytes; what follows is dropped, and said so.
    pub log: u64,
    /// The longest `init`.
    pub init: Duration,
    /// The longest plan, showing it included.
    pub plan: Duration,
    /// The longest apply.
    pub apply: Duration,
    /// How long a tool that was interrupted for its deadline's sake may take to save its state.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let minutes = |n: u64| Duration::from_secs(60 * n);
        Self {
            log: 256 * 1024 * 1024,
            init: minutes(15),
            plan: minutes(60),
            apply: minutes(240),
            grace: minutes(5),
        }
    }
}

/// What a worker gives once.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The engine.
    pub engine: Engine,
    /// Where states go.
    pub backend: Backend,
    /// Where the steps' folders are made. Belongs to this process alone; made if it is missing.
    pub folders: PathBuf,
    /// Where the results of `init` are kept; may be shared and may be deleted at any time.
    pub cache: PathBuf,
    /// A provider mirror, laid out as `filesystem_mirror` wants it. With it, nothing is downloaded.
    pub mirror: Option<PathBuf>,
    /// Limits.
    pub limits: Limits,
}

/// An engine that is ready for steps. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Terraform(Arc<Shop>);

#[derive(Debug)]
struct Shop {
    settings: Settings,
    warm: Warm,
}

/// What a step needs.
pub struct StepSpec<'a> {
    /// Names the folder, for people: for example `42-1`. Letters, digits, `-`.
    pub name: &'a str,
    /// The template's files by path.
    pub files: &'a BTreeMap<String, Vec<u8>>,
    /// The template's digest.
    pub template: &'a str,
    /// Values of its variables.
    pub inputs: Inputs,
    /// The dependency lock file of an earlier plan, if there is one.
    pub lock_file: Option<String>,
    /// AWS, if the worker has it.
    pub aws: Option<Aws>,
    /// Where the stack's state is kept.
    pub store: Arc<dyn StateStore>,
}

/// What to plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Make the world as the template says.
    Change,
    /// Destroy everything.
    Destroy,
    /// Only look what the world is like: finds drift, plans nothing.
    Refresh,
}

/// A plan that was made.
#[derive(Debug)]
pub struct Planned {
    /// What to show and store: no sensitive values.
    pub preview: Preview,
    /// What to take the digest of: everything that decides what an apply does, unredacted and canonical.
    pub projection: Clear,
    /// What to keep for the apply.
    pub saved: SavedPlan,
}

/// An apply that was begun.
#[derive(Debug)]
pub struct Applied {
    /// How it ended.
    pub end: End,
    /// What was done, what failed, what was not begun; outputs and messages.
    pub outcome: Outcome,
    /// The state's version now; `None` if there is no state.
    pub version: Option<StateVersion>,
    /// The state as it was last uploaded, or as it was before if nothing was.
    pub state: Option<Clear>,
    /// A newer state that could not be uploaded: keep it, sealed, as a candidate.
    pub errored_state: Option<Clear>,
    /// False if a process that the template started could not be killed.
    pub alone: bool,
}

/// How an apply ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// All of it was done.
    Done,
    /// The engine stopped with an error, its state saved.
    Failed(Failed),
    /// It was interrupted and stopped in order, its state saved.
    Interrupted(Failed),
    /// The engine died, or was killed, or could not save its state: the state may not know everything that exists.
    Vanished(Failed),
}

/// One step with its folder. Dropping it removes the folder; a tool that still runs is killed.
#[derive(Debug)]
pub struct Step {
    shop: Arc<Shop>,
    folder: Folder,
    redactor: Redactor,
    inputs: Vec<String>,
    template: String,
    given_lock: Option<String>,
    aws: Option<Aws>,
    store: Arc<dyn StateStore>,
    initialised: bool,
    log: u64,
    execs: u32,
}

impl std::fmt::Debug for dyn StateStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StateStore")
    }
}

impl Terraform {
    /// Makes the folders.
    ///
    /// # Errors
    /// If a folder cannot be made.
    pub fn new(settings: Settings) -> io::Result<Self> {
        let settings = Settings {
            folders: std::path::absolute(&settings.folders)?,
            cache: std::path::absolute(&settings.cache)?,
            ..settings
        };
        fs::create_dir_all(&settings.folders)?;
        let warm = Warm::open(&settings.cache, settings.mirror.as_deref())?;
        Ok(Self(Arc::new(Shop { settings, warm })))
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.0.settings.engine
    }

    /// Ends what an earlier life of this worker left running in its folders, and removes them. Gives what was killed.
    /// Call it before the first step.
    ///
    /// # Errors
    /// If the folders cannot be read.
    pub fn sweep(&self) -> io::Result<Vec<group::Orphan>> {
        let mut killed = Vec::new();
        for entry in fs::read_dir(&self.0.settings.folders)? {
            let path = entry?.path();
            let found = group::orphans(&path);
            found.iter().for_each(group::kill_orphan);
            killed.extend(found);
            if let Err(error) = fs::remove_dir_all(&path) {
                tracing::warn!(folder = %path.display(), %error, "an old step's folder could not be removed");
            }
        }
        Ok(killed)
    }

    /// Makes a step's folder. Runs nothing.
    ///
    /// # Errors
    /// [`Failure::Template`], [`Failure::Worker`].
    pub fn prepare(&self, spec: StepSpec<'_>) -> Result<Step, Failed> {
        let settings = &self.0.settings;
        if !settings.engine.is_unchanged() {
            return Err(Failed::new(
                Failure::Worker,
                format!(
                    "{} was replaced since this worker was started.",
                    settings.engine.path.display()
                ),
                "",
                "Restart the worker, so that it asks the new one for its version.",
            ));
        }
        let name: String = spec
            .name
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
            .collect();
        let folder = Folder::make(&settings.folders, &name, settings.mirror.as_deref())
            .map_err(|error| Failed::io("make the step's folder", &error))?;
        let inputs = folder.lay(
            spec.files,
            &spec.inputs,
            spec.lock_file.as_deref(),
            spec.aws.as_ref(),
        )?;
        let mut secrets = spec.inputs.secret_texts();
        if let Some(aws) = &spec.aws {
            secrets.push(aws.secret_access_key.expose().to_owned());
            secrets.extend(
                aws.session_token
                    .as_ref()
                    .map(|token| token.expose().to_owned()),
            );
        }
        let redactor = Redactor::new(secrets.iter().map(String::as_str));
        secrets.iter_mut().for_each(zeroize::Zeroize::zeroize);
        Ok(Step {
            shop: Arc::clone(&self.0),
            folder,
            redactor,
            inputs,
            template: spec.template.to_owned(),
            given_lock: spec.lock_file,
            aws: spec.aws,
            store: spec.store,
            initialised: false,
            log: settings.limits.log,
            execs: 0,
        })
    }
}

impl Step {
    /// Takes this step's secrets out of a text.
    #[must_use]
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// True if the template uses providers that reach out of this machine: then there is a world to look at. Known
    /// after a plan.
    #[must_use]
    pub fn has_world(&self) -> bool {
        self.folder
            .lock_file()
            .is_some_and(|lock| !projection::providers(&lock).is_empty())
    }

    /// How many tools were started so far.
    #[must_use]
    pub const fn execs(&self) -> u32 {
        self.execs
    }

    /// Makes a plan. Takes no lock and changes nothing outside.
    ///
    /// # Errors
    /// See [`Failure`]. Nothing outside was changed.
    pub async fn plan(
        &mut self,
        mode: Mode,
        cancel: &Cancel,
        sink: &mut dyn Sink,
    ) -> Result<Planned, Failed> {
        let (state, base) = self.load().await?;
        let session =
            self.shop
                .settings
                .backend
                .open(Access::Read, Arc::clone(&self.store), state.clone());
        let key = self.warm_key(state.as_deref());
        let mut warm = self.warm_up(&key);
        loop {
            let result = self
                .plan_once(mode, (&key, warm), (&session, base.clone()), cancel, sink)
                .await;
            match result {
                // What was kept of an earlier init does not fit after all: once more, from the start.
                Err(failed) if warm && verdict::wants_init(&failed) => {
                    self.shop.warm.forget(&key);
                    let _ = fs::remove_dir_all(self.folder.work.join(".terraform"));
                    (warm, self.initialised) = (false, false);
                }
                result => return result,
            }
        }
    }

    async fn plan_once(
        &mut self,
        mode: Mode,
        (key, warm): (&str, bool),
        (session, base): (&Session, Option<StateVersion>),
        cancel: &Cancel,
        sink: &mut dyn Sink,
    ) -> Result<Planned, Failed> {
        let limits = self.shop.settings.limits;
        let plan_file = self.folder.root.join(PLAN);
        let mut out = OsString::from("-out=");
        out.push(&plan_file);
        let mut args: Vec<OsString> = [
            "plan",
            "-json",
            "-input=false",
            "-lock=false",
            "-detailed-exitcode",
        ]
        .map(Into::into)
        .into();
        args.push(out);
        match mode {
            Mode::Change => {}
            Mode::Destroy => args.push("-destroy".into()),
            Mode::Refresh => args.push("-refresh-only".into()),
        }
        // Nothing outside could have changed.
        if warm && mode != Mode::Refresh && !self.has_world() {
            args.push("-refresh=false".into());
        }
        let mut planner = self.start(args, session, !warm)?;
        if !warm {
            self.init(session, cancel, sink).await?;
            self.shop.warm.keep(key, &self.folder.work);
        }
        planner
            .let_go()
            .await
            .map_err(|error| Failed::io("start the engine", &error))?;
        self.initialised = true;
        let shower = self.start(
            vec!["show".into(), "-json".into(), plan_file.clone().into()],
            session,
            true,
        )?;

        let mut ui = Ui::new(sink, (&self.redactor, &self.inputs), self.log);
        let patience = Patience {
            deadline: limits.plan,
            grace: limits.grace,
        };
        let ended = planner
            .drive(&mut ui, patience, cancel)
            .await
            .map_err(|error| Failed::io("watch the engine", &error))?;
        self.log = ui.finish();
        if let Some(failed) = verdict::failed("plan", &ended, &ui, &[0, 2]) {
            return Err(failed);
        }
        let warnings = ui.diagnostics;
        let shown = self.show(shower, patience, cancel).await?;
        let unreadable = |error: super::plan_json::Unreadable| {
            Failed::new(
                Failure::Worker,
                "The engine's plan could not be read.",
                error.to_string(),
                "Use an engine version that this Slipway knows.",
            )
        };
        let plan = Plan::read(&shown).map_err(unreadable)?;
        let mut preview = plan.preview(&self.redactor);
        preview.warnings = warnings;
        let bytes =
            fs::read(&plan_file).map_err(|error| Failed::io("read the saved plan", &error))?;
        let engine = &self.shop.settings.engine;
        let saved = SavedPlan {
            plan: Clear::new(bytes),
            lock_file: self.folder.lock_file(),
            engine: engine.kind.name().to_owned(),
            engine_version: engine.version.to_string(),
            base,
        };
        let around = Around {
            engine: &saved.engine,
            engine_version: &saved.engine_version,
            mode: match mode {
                Mode::Change => "change",
                Mode::Destroy => "destroy",
                Mode::Refresh => "refresh",
            },
            template: &self.template,
            lock_file: saved.lock_file.as_deref(),
            base: saved.base.as_ref(),
        };
        Ok(Planned {
            preview,
            projection: projection::projection(&plan, &around),
            saved,
        })
    }

    /// Applies a saved plan exactly as it is.
    ///
    /// # Errors
    /// Nothing was begun: the state, the engine or its version is not the plan's ([`Failure::Stale`]), or the tool
    /// could not be started. What happens after the beginning is in [`Applied`].
    pub async fn apply(
        &mut self,
        saved: &SavedPlan,
        preview: &Preview,
        cancel: &Cancel,
        sink: &mut dyn Sink,
    ) -> Result<Applied, Failed> {
        let limits = self.shop.settings.limits;
        let (state, base) = self.load().await?;
        verdict::fits(saved, &self.shop.settings.engine, base.as_ref())?;
        let session =
            self.shop
                .settings
                .backend
                .open(Access::Write, Arc::clone(&self.store), state.clone());
        let plan_file = self.folder.root.join(PLAN);
        write_plan(&plan_file, saved.plan.expose())
            .map_err(|error| Failed::io("write the saved plan", &error))?;
        if !self.initialised {
            let key = self.warm_key(state.as_deref());
            if !self.warm_up(&key) {
                self.init(&session, cancel, sink).await?;
                self.shop.warm.keep(&key, &self.folder.work);
            }
        }
        if cancel.is_raised() {
            return Err(Failed::new(
                Failure::Canceled,
                "Canceled before anything was begun.",
                "",
                "",
            ));
        }
        let applier = self.start(
            vec![
                "apply".into(),
                "-json".into(),
                "-input=false".into(),
                plan_file.into(),
            ],
            &session,
            false,
        )?;
        let mut ui = Ui::new(sink, (&self.redactor, &self.inputs), self.log);
        let ended = applier
            .drive(
                &mut ui,
                Patience {
                    deadline: limits.apply,
                    grace: limits.grace,
                },
                cancel,
            )
            .await;
        self.log = ui.finish();
        let errored_state = fs::read(self.folder.work.join("errored.tfstate"))
            .ok()
            .map(Clear::new);
        let (end, alone) = match ended {
            Ok(ended) => (
                verdict::end(&ended, &ui, errored_state.is_some()),
                ended.alone,
            ),
            Err(error) => (End::Vanished(Failed::io("watch the engine", &error)), false),
        };
        let mut outcome = ui.tracker.outcome(&preview.changes, end == End::Done);
        outcome.diagnostics = ui.diagnostics;
        let state = session.current();
        if let Some(state) = &state {
            outcome.outputs = state::outputs(state.expose(), &self.redactor).unwrap_or_default();
        }
        let version = state
            .as_ref()
            .and_then(|state| state::lineage_serial(state.expose()).ok());
        Ok(Applied {
            end,
            outcome,
            version,
            state,
            errored_state,
            alone,
        })
    }

    async fn load(&self) -> Result<(Option<Bytes>, Option<StateVersion>), Failed> {
        let state = self.store.load().await.map_err(|error| {
            Failed::new(
                Failure::Worker,
                "The state could not be read.",
                error.to_string(),
                "Try again when the database is back.",
            )
        })?;
        let version = state
            .as_deref()
            .map(state::lineage_serial)
            .transpose()
            .map_err(|error| {
                Failed::new(
                    Failure::Worker,
                    "The stored state is damaged.",
                    error.to_string(),
                    "An operator has to restore an earlier version of it.",
                )
            })?;
        Ok((state, version))
    }

    fn warm_key(&self, state: Option<&[u8]>) -> String {
        let settings = &self.shop.settings;
        let mirror = settings
            .mirror
            .as_deref()
            .map(Path::to_string_lossy)
            .unwrap_or_default();
        let version = settings.engine.version.to_string();
        let providers = state.map(state::providers).unwrap_or_default().join("\n");
        let lock = self.given_lock.as_deref().unwrap_or_default();
        Warm::key([
            settings.engine.kind.name(),
            &version,
            &settings.engine.platform,
            &mirror,
            &self.template,
            lock,
            &providers,
        ])
    }

    fn warm_up(&mut self, key: &str) -> bool {
        if !self.initialised {
            self.initialised = self.shop.warm.take(key, &self.folder.work);
        }
        self.initialised
    }

    async fn init(
        &mut self,
        session: &Session,
        cancel: &Cancel,
        sink: &mut dyn Sink,
    ) -> Result<(), Failed> {
        let limits = self.shop.settings.limits;
        let mut args: Vec<OsString> = ["init", "-json", "-input=false"].map(Into::into).into();
        if self.folder.lock_file().is_some() {
            args.push("-lockfile=readonly".into());
        }
        let tool = self.start(args, session, false)?;
        let mut ui = Ui::new(sink, (&self.redactor, &self.inputs), self.log);
        let ended = tool
            .drive(
                &mut ui,
                Patience {
                    deadline: limits.init,
                    grace: limits.grace,
                },
                cancel,
            )
            .await
            .map_err(|error| Failed::io("watch the engine", &error))?;
        self.log = ui.finish();
        match verdict::failed("init", &ended, &ui, &[0]) {
            Some(failed) => Err(failed),
            None => Ok(()),
        }
    }

    async fn show(
        &self,
        tool: Running,
        patience: Patience,
        cancel: &Cancel,
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, Failed> {
        let mut tool = tool;
        let watch = |error: io::Error| Failed::io("show the plan", &error);
        tool.let_go().await.map_err(watch)?;
        let mut collect = Collect::new(LARGEST_PLAN);
        let Ended { status, killed, .. } = tool
            .drive(&mut collect, patience, cancel)
            .await
            .map_err(watch)?;
        if status.success() && !collect.cut {
            return Ok(collect.out);
        }
        if let Some(reason) = killed {
            return Err(verdict::killed("show", reason));
        }
        let detail = if collect.cut {
            "It is larger than 512 MiB.".into()
        } else {
            self.redactor
                .text(&String::from_utf8_lossy(&collect.err))
                .into_owned()
        };
        Err(Failed::new(
            Failure::Worker,
            "The plan could not be shown.",
            detail,
            "Try again; if it stays, look at the worker's log.",
        ))
    }

    fn start(
        &mut self,
        args: Vec<OsString>,
        session: &Session,
        gated: bool,
    ) -> Result<Running, Failed> {
        let mut env = session.env();
        env.extend(self.aws.iter().flat_map(aws_env));
        self.execs += 1;
        Running::start(Command {
            program: &self.shop.settings.engine.path,
            args,
            folder: &self.folder.root,
            cwd: &self.folder.work,
            env,
            config: &self.folder.config,
            gated,
        })
        .map_err(|error| Failed::io("start the engine", &error))
    }
}

/// The plan holds secrets: nobody else reads it.
fn write_plan(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    io::Write::write_all(&mut file, bytes)
}
