use std::io::{Read, Write};

use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use slipway_domain::id::RunId;
use sqlx::PgPool;
use time::OffsetDateTime;

use super::Part;
use crate::{Error, Result, ctx::Sight, live};

/// Byte length and number of lines so far.
pub async fn end(pool: &PgPool, run: RunId) -> Result<(i64, i64)> {
    let row = sqlx::query!(
        "select start, size, first_line, lines from log_chunk where run_id = $1 order by start desc limit 1",
        run.get()
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map_or((0, 0), |r| {
        (
            r.start + i64::from(r.size),
            r.first_line - 1 + i64::from(r.lines),
        )
    }))
}

pub async fn append(
    pool: &PgPool,
    run: RunId,
    fence: i64,
    start: i64,
    line: i64,
    lines: &[String],
    now: OffsetDateTime,
) -> Result<(i64, i64)> {
    let text: Vec<u8> = lines
        .iter()
        .flat_map(|l| l.bytes().chain([b'\n']))
        .collect();
    let (Ok(size), Ok(count)) = (i32::try_from(text.len()), i32::try_from(lines.len())) else {
        return Err(Error::broken("a log batch beyond 2 GiB"));
    };
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    let data = encoder
        .write_all(&text)
        .and_then(|()| encoder.finish())
        .map_err(Error::broken)?;
    let end = start + i64::from(size);
    let event = serde_json::to_string(&live::Event::Log { run, end })?;
    let written = sqlx::query!(
        "with written as (
             insert into log_chunk (run_id, start, size, first_line, lines, fence, data, created_at)
             select $1, $2, $3, $4, $5, $6, $7, $8 where exists (select from run where id = $1 and fence = $6)
             returning 1)
         select pg_notify($9, $10) as done from written",
        run.get(),
        start,
        size,
        line + 1,
        count,
        fence,
        data,
        now,
        live::CHANNEL,
        event,
    )
    .fetch_optional(pool)
    .await?;
    if written.is_none() {
        return Err(Error::Fenced);
    }
    Ok((end, line + i64::from(count)))
}

struct Chunk {
    start: i64,
    size: i32,
    first_line: i64,
    data: Vec<u8>,
}

/// A row of a log that may be read: without a chunk where nothing was written there.
struct Found {
    start: Option<i64>,
    size: Option<i32>,
    first_line: Option<i64>,
    data: Option<Vec<u8>>,
}

/// `None` where there is no row at all: no such run, or none that may be seen. The check is in the query itself, so that
/// reading costs one and nobody can forget it.
fn chunks(rows: Vec<Found>) -> Option<Vec<Chunk>> {
    if rows.is_empty() {
        return None;
    }
    let whole = |f: Found| {
        Some(Chunk {
            start: f.start?,
            size: f.size?,
            first_line: f.first_line?,
            data: f.data?,
        })
    };
    Some(rows.into_iter().filter_map(whole).collect())
}

pub async fn read(
    pool: &PgPool,
    sight: &Sight,
    run: RunId,
    offset: i64,
    limit: i64,
) -> Result<Option<Part>> {
    // The running sum counts the chunks before this one, so that the first always comes, however large.
    let rows = sqlx::query_as!(
        Found,
        r#"select c.start as "start?", c.size as "size?", c.first_line as "first_line?", c.data as "data?"
           from run r join environment e on e.id = r.environment_id
           left join lateral (
               select start, size, first_line, data from (
                   select start, size, first_line, data, (sum(size) over (order by start) - size)::bigint as before
                   from log_chunk where run_id = r.id and start >= $2 order by start limit 10000) b
               where before < $3) c on true
           where r.id = $1 and ($4 or e.team_id = any($5)) order by c.start"#,
        run.get(),
        offset,
        limit,
        sight.all,
        &sight.teams,
    )
    .fetch_all(pool)
    .await?;
    chunks(rows)
        .map(|chunks| unpack(chunks, offset))
        .transpose()
}

pub async fn tail(
    pool: &PgPool,
    sight: &Sight,
    run: RunId,
    before: i64,
    lines: i64,
) -> Result<Option<Part>> {
    let rows = sqlx::query_as!(
        Found,
        r#"select c.start as "start?", c.size as "size?", c.first_line as "first_line?", c.data as "data?"
           from run r join environment e on e.id = r.environment_id
           left join lateral (
               select start, size, first_line, data from (
                   select start, size, first_line, data, (sum(lines) over (order by start desc) - lines)::bigint as after
                   from (select * from log_chunk where run_id = r.id and first_line < $2
                         order by start desc limit $3) newest) b
               where after < $3) c on true
           where r.id = $1 and ($4 or e.team_id = any($5)) order by c.start"#,
        run.get(),
        before,
        lines,
        sight.all,
        &sight.teams,
    )
    .fetch_all(pool)
    .await?;
    let Some(chunks) = chunks(rows) else {
        return Ok(None);
    };
    let mut part = unpack(chunks, 0)?;
    // A batch may reach beyond the line that was asked for.
    let keep = usize::try_from((before - part.first_line).max(0)).unwrap_or(usize::MAX);
    part.lines.truncate(keep);
    Ok(Some(part))
}

fn unpack(chunks: Vec<Chunk>, offset: i64) -> Result<Part> {
    let mut part = Part {
        offset,
        end: offset,
        first_line: 1,
        lines: Vec::new(),
    };
    let mut text = String::new();
    for (i, chunk) in chunks.into_iter().enumerate() {
        if i == 0 {
            part.offset = chunk.start;
            part.first_line = chunk.first_line;
        }
        part.end = chunk.start + i64::from(chunk.size);
        DeflateDecoder::new(chunk.data.as_slice())
            .read_to_string(&mut text)
            .map_err(Error::broken)?;
    }
    part.lines = text.lines().map(str::to_owned).collect();
    Ok(part)
}
