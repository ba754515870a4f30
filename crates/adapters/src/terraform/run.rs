//! One step: a folder prepared, a plan made and shown, a saved plan applied.
//!
//! Process starts are what a small run costs, so: `init` is skipped when its result is known, and the next tool is
//! started while the one before it still works. Such a tool stands at a gate before it has read anything, and is only
//! ever one that reads; an apply is never started before it is asked for.

use std::{ffi::OsString, fs, io, path::Path, sync::Arc};

use bytes::Bytes;
use slipway_domain::plan::{Outcome, Preview};

use super::{
    backend::{Access, Session, StateStore},
    cancel::Cancel,
    clear::Clear,
    failure::{Failed, Failure},
    plan_json::Plan,
    process::{Command, Ended, Patience, Running},
    projection::{self, Around},
    redact::Redactor,
    saved::{SavedPlan, write_plan},
    shop::Shop,
    sink::Sink,
    state::{self, StateVersion},
    ui::{Collect, Ui},
    verdict,
    warm::Warm,
    workspace::{Aws, ERRORED_STATE, Folder, aws_env},
};

/// The largest plan, as JSON, that is read, in bytes.
const LARGEST_PLAN: usize = 512 * 1024 * 1024;

/// The saved plan's name in the step's folder.
const PLAN: &str = "plan.bin";

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
    pub(super) shop: Arc<Shop>,
    pub(super) folder: Folder,
    pub(super) redactor: Redactor,
    pub(super) inputs: Vec<String>,
    pub(super) template: String,
    pub(super) given_lock: Option<String>,
    pub(super) aws: Option<Aws>,
    pub(super) store: Arc<dyn StateStore>,
    pub(super) initialised: bool,
    pub(super) log: u64,
    pub(super) execs: u32,
}

impl Step {
    /// Takes this step's secrets out of a text.
    #[must_use]
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Goes on with the same step under another claim: what was prepared for the plan serves its apply.
    pub fn hand_over(&mut self, store: Arc<dyn StateStore>) {
        self.store = store;
    }

    /// Goes on as somebody else: whoever may plan is not who may apply.
    pub fn act_as(&mut self, aws: Option<Aws>) {
        if let Some(aws) = &aws {
            self.redactor = self.redactor.knowing(&aws.lending.secrets());
        }
        self.aws = aws;
    }

    /// Where it acts, and as whom.
    #[must_use]
    pub const fn aws(&self) -> Option<&Aws> {
        self.aws.as_ref()
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
        let key = self.warm_key(state.as_deref(), self.given_lock.as_deref());
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
            self.keep(key, session.current().as_ref().map(Clear::expose));
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
            thorough: false,
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
            aws: self
                .aws
                .as_ref()
                .map(|aws| [&*aws.account, &*aws.region, aws.carried_out_by]),
            inputs: &self
                .folder
                .values()
                .map_err(|error| Failed::io("read the inputs", &error))?,
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
            let key = self.warm_key(state.as_deref(), self.given_lock.as_deref());
            if !self.warm_up(&key) {
                self.init(&session, cancel, sink).await?;
                self.keep(&key, state.as_deref());
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
                    thorough: true,
                },
                cancel,
            )
            .await;
        self.log = ui.finish();
        let errored_state = fs::read(self.folder.work.join(ERRORED_STATE))
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

    /// The key of what `init` would make with this lock file.
    fn warm_key(&self, state: Option<&[u8]>, lock: Option<&str>) -> String {
        let settings = &self.shop.settings;
        let mirror = settings.mirror.as_deref().map(Path::to_string_lossy);
        Warm::key([
            settings.engine.kind.name(),
            &settings.engine.version.to_string(),
            &settings.engine.platform,
            &mirror.unwrap_or_default(),
            &self.template,
            lock.unwrap_or_default(),
            &state.map(state::providers).unwrap_or_default().join("\n"),
        ])
    }

    /// Keeps what `init` just made; also for who will come with the lock file that it wrote.
    fn keep(&self, key: &str, state: Option<&[u8]>) {
        self.shop.warm.keep(key, &self.folder.work);
        if let (None, Some(lock)) = (&self.given_lock, self.folder.lock_file()) {
            let key = self.warm_key(state, Some(&lock));
            self.shop.warm.keep(&key, &self.folder.work);
        }
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
                    thorough: false,
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
