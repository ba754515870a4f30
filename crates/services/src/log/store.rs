use std::io::{Read, Write};

use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use slipway_domain::id::RunId;
use sqlx::PgPool;
use time::OffsetDateTime;

use super::Part;
use crate::{Error, Result, live};

pub async fn visible(pool: &PgPool, run: RunId, all: bool, teams: &[i64]) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select exists (select from run r join environment e on e.id = r.environment_id
           where r.id = $1 and ($2 or e.team_id = any($3))) as "visible!""#,
        run.get(),
        all,
        teams,
    )
    .fetch_one(pool)
    .await?)
}

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

pub async fn read(pool: &PgPool, run: RunId, offset: i64, limit: i64) -> Result<Part> {
    // The running sum counts the chunks before this one, so that the first always comes, however large.
    let chunks = sqlx::query_as!(
        Chunk,
        r#"select start as "start!", size as "size!", first_line as "first_line!", data as "data!" from (
               select start, size, first_line, data, (sum(size) over (order by start) - size)::bigint as before
               from log_chunk where run_id = $1 and start >= $2 order by start limit 10000) c
           where before < $3 order by start"#,
        run.get(),
        offset,
        limit,
    )
    .fetch_all(pool)
    .await?;
    unpack(chunks, offset)
}

pub async fn tail(pool: &PgPool, run: RunId, before: i64, lines: i64) -> Result<Part> {
    let mut chunks = sqlx::query_as!(
        Chunk,
        r#"select start as "start!", size as "size!", first_line as "first_line!", data as "data!" from (
               select start, size, first_line, data, (sum(lines) over (order by start desc) - lines)::bigint as after
               from (select * from log_chunk where run_id = $1 and first_line < $2 order by start desc limit $3) newest) c
           where after < $3 order by start"#,
        run.get(),
        before,
        lines,
    )
    .fetch_all(pool)
    .await?;
    chunks.sort_by_key(|c| c.start);
    let mut part = unpack(chunks, 0)?;
    // A batch may reach beyond the line that was asked for.
    let keep = usize::try_from((before - part.first_line).max(0)).unwrap_or(usize::MAX);
    part.lines.truncate(keep);
    Ok(part)
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
