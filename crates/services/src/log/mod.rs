//! Run logs: batches of lines, compressed, addressed by byte offset. A viewer resumes from an offset; the tail of a
//! million lines costs what the tail of a thousand costs.
//!
//! Text is redacted and stripped of terminal codes before it comes here. Forbidden: one row a line.

mod store;

use slipway_domain::id::RunId;
use sqlx::PgPool;
use time::OffsetDateTime;

use crate::{Ctx, Error, Result};

/// Some lines of a log, whole ones only.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Part {
    /// Byte offset of the first line.
    pub offset: i64,
    /// Byte offset behind the last line: where to go on.
    pub end: i64,
    /// Number of the first line, from 1.
    pub first_line: i64,
    /// The lines, without line ends.
    pub lines: Vec<String>,
}

/// Reads on from a byte offset that an earlier part ended at (0 = from the beginning): at least one batch if there is
/// more, at most about `limit` bytes.
///
/// # Errors
/// [`Error::NotFound`] for a run that the actor may not see.
pub async fn read(web: &PgPool, ctx: &Ctx, run: RunId, offset: i64, limit: i64) -> Result<Part> {
    let part = store::read(web, &ctx.sight()?, run, offset, limit).await?;
    part.ok_or(Error::NotFound)
}

/// The last lines, at least `lines` of them if there are so many.
///
/// # Errors
/// [`Error::NotFound`] for a run that the actor may not see.
pub async fn tail(web: &PgPool, ctx: &Ctx, run: RunId, lines: i64) -> Result<Part> {
    before(web, ctx, run, i64::MAX, lines).await
}

/// The lines before line number `before`, at least `lines` of them if there are so many.
///
/// # Errors
/// [`Error::NotFound`] for a run that the actor may not see.
pub async fn before(web: &PgPool, ctx: &Ctx, run: RunId, before: i64, lines: i64) -> Result<Part> {
    let part = store::tail(web, &ctx.sight()?, run, before, lines).await?;
    part.ok_or(Error::NotFound)
}

/// The whole log as text, for downloading.
///
/// # Errors
/// [`Error::NotFound`] for a run that the actor may not see.
pub async fn whole(web: &PgPool, ctx: &Ctx, run: RunId) -> Result<String> {
    let part = read(web, ctx, run, 0, i64::MAX).await?;
    Ok(part
        .lines
        .iter()
        .fold(String::new(), |text, line| text + line + "\n"))
}

/// A worker's place in a run's log.
#[derive(Clone, Debug)]
pub struct Writer {
    run: RunId,
    fence: i64,
    end: i64,
    line: i64,
}

impl Writer {
    /// Goes on where the log ends.
    ///
    /// # Errors
    /// Database errors.
    pub async fn open(worker: &PgPool, run: RunId, fence: i64) -> Result<Self> {
        let (end, line) = store::end(worker, run).await?;
        Ok(Self {
            run,
            fence,
            end,
            line,
        })
    }

    /// Appends lines (without line ends) as one batch, and announces them.
    ///
    /// # Errors
    /// [`Error::Fenced`] if another worker has taken the run over.
    pub async fn append(
        &mut self,
        worker: &PgPool,
        lines: &[String],
        now: OffsetDateTime,
    ) -> Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        (self.end, self.line) = store::append(
            worker, self.run, self.fence, self.end, self.line, lines, now,
        )
        .await?;
        Ok(())
    }
}
