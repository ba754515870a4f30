//! The engine made ready: folders, limits, and the making of a step.

use std::{collections::BTreeMap, fs, io, path::PathBuf, sync::Arc, time::Duration};

use super::{
    backend::{Backend, StateStore},
    engine::Engine,
    failure::{Failed, Failure},
    group,
    inputs::Inputs,
    redact::Redactor,
    run::Step,
    warm::Warm,
    workspace::{Aws, Folder},
};

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
