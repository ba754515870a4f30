//! Templates: what people can ask for. The worker publishes the catalog's folders; the web process reads only what was
//! published, so an environment can be changed and destroyed with the version that it runs.

mod store;

use slipway_catalog::{Broken, Bundle, Template};
use slipway_domain::rights::Right;
use sqlx::PgPool;
use time::OffsetDateTime;

use crate::{Ctx, Error, Result};

/// A template, as the catalog shows it.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its name: the folder's.
    pub name: String,
    /// Digest of the current version; `None` while it is broken and never was whole.
    pub digest: Option<String>,
    /// What the current version says.
    pub template: Option<Template>,
    /// Why the folder is broken now.
    pub broken: Option<Broken>,
    /// Environments that exist of it.
    pub environments: i64,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
}

/// One version of a template.
#[derive(Clone, Debug)]
pub struct Version {
    /// The template's name.
    pub name: String,
    /// Its digest.
    pub digest: String,
    /// What it says.
    pub template: Template,
}

/// A folder of the catalog as it was read: its name, and its bundle or why it cannot be offered.
pub type Found = (String, std::result::Result<(Bundle, Template), Broken>);

/// The catalog, by name.
///
/// # Errors
/// [`Error::SignIn`] if nobody is signed in.
pub async fn list(web: &PgPool, ctx: &Ctx) -> Result<Vec<Listed>> {
    ctx.require(Right::SeeCatalog)?;
    store::list(web, None).await
}

/// One template.
///
/// # Errors
/// [`Error::NotFound`] if there is none of this name.
pub async fn find(web: &PgPool, ctx: &Ctx, name: &str) -> Result<Listed> {
    ctx.require(Right::SeeCatalog)?;
    store::list(web, Some(name))
        .await?
        .pop()
        .ok_or(Error::NotFound)
}

/// A version's files, for the worker.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Broken`] if the stored bundle does not decode or is not what its digest says.
pub async fn bundle(worker: &PgPool, digest: &str) -> Result<Bundle> {
    let blob = store::bundle(worker, digest)
        .await?
        .ok_or(Error::NotFound)?;
    let bundle = Bundle::decode(&blob).map_err(Error::broken)?;
    if bundle.digest() != digest {
        return Err(Error::broken(format_args!(
            "the bundle stored as {digest} has another digest"
        )));
    }
    Ok(bundle)
}

/// Publishes what the catalog's folders hold now: each whole or broken. A broken one keeps its last whole version; one
/// whose folder is gone is no longer offered. Answers how many changed.
///
/// # Errors
/// Database errors.
pub async fn publish(worker: &PgPool, found: &[Found], now: OffsetDateTime) -> Result<u64> {
    store::publish(worker, found, now).await
}
