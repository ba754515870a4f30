//! The engine made ready: folders, limits, and the making of a step.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::{
    backend::{Backend, StateStore},
    clear::Clear,
    engine::Engine,
    failure::{Failed, Failure},
    group,
    inputs::Inputs,
    redact::Redactor,
    run::Step,
    warm::Warm,
    workspace::{Aws, ERRORED_STATE, Folder, WORK},
};

/// What an earlier life of this worker left behind.
#[derive(Debug, Default)]
pub struct Swept {
    /// Tools that still ran; they were ended.
    pub killed: Vec<group::Orphan>,
    /// States that the engine could upload to nobody.
    pub states: Vec<Rescued>,
}

/// A state in the folder of a step that nobody watches any more. The folder stays until [`Rescued::kept`].
#[derive(Debug)]
pub struct Rescued {
    /// The step's name, and what the folder's name has besides.
    pub step: String,
    /// The state.
    pub state: Clear,
    folder: PathBuf,
}

impl Rescued {
    /// The state is safe elsewhere: its folder may go.
    pub fn kept(self) {
        remove(&self.folder);
    }
}

fn remove(folder: &Path) {
    if let Err(error) = fs::remove_dir_all(folder) {
        tracing::warn!(folder = %folder.display(), %error, "an old step's folder could not be removed");
    }
}

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
pub(super) struct Shop {
    pub(super) settings: Settings,
    pub(super) warm: Warm,
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

    /// Ends what an earlier life of this worker left running in its folders, and removes them. Gives what was killed, and
    /// the states that the engine could upload to nobody. Call it before the first step.
    ///
    /// # Errors
    /// If the folders cannot be read.
    pub fn sweep(&self) -> io::Result<Swept> {
        let mut swept = Swept::default();
        for entry in fs::read_dir(&self.0.settings.folders)? {
            let entry = entry?;
            let path = entry.path();
            let found = group::orphans(&path);
            found.iter().for_each(group::kill_orphan);
            swept.killed.extend(found);
            let errored = path.join(WORK).join(ERRORED_STATE);
            let step = entry.file_name().to_string_lossy().into_owned();
            match fs::read(&errored) {
                Ok(state) => swept.states.push(Rescued {
                    step,
                    folder: path,
                    state: Clear::new(state),
                }),
                Err(_) => remove(&path),
            }
        }
        Ok(swept)
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
        let redactor = Redactor::new(secrets.iter().map(String::as_str));
        secrets.iter_mut().for_each(zeroize::Zeroize::zeroize);
        let redactor = spec.aws.as_ref().map_or_else(
            || redactor.clone(),
            |aws| redactor.knowing(&aws.lending.secrets()),
        );
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
