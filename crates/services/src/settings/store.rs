use sqlx::PgPool;
use time::{Duration, OffsetDateTime};

use super::InForce;
use crate::{
    Result,
    directory::{self, GONE},
    notice::{Failed, Means, Post},
};

pub async fn read(pool: &PgPool, now: OffsetDateTime) -> Result<InForce> {
    let r = sqlx::query!(
        r#"select d.keep_seconds as "keep?", d.seen_at as "seen?", d.success_at as "success?", d.failure_at as "failure_at?",
               d.failure as "failure?", n.mail as "mail?", n.chat as "chat?", n.words as "words?",
               (select count(*) from notice where state = 'queued') as "queued!",
               (select json_agg(f) from (
                   select x.run_id as run, u.name as "to", x.tries, x.error, x.done_at as at
                   from notice x left join user_account u on u.id = x.user_id
                   where x.state = 'failed' order by x.id desc limit 20) f) as failed
           from (select 1) one left join directory d on true left join notifier n on true"#
    )
    .fetch_one(pool)
    .await?;
    Ok(InForce {
        directory: directory::State {
            present: r.seen.is_some_and(|at| at > now - GONE),
            keep: r.keep.map(Duration::seconds_f64),
            success_at: r.success,
            trouble: r
                .failure_at
                .filter(|at| r.success.is_none_or(|good| good < *at))
                .zip(r.failure),
        },
        post: Post {
            means: match (r.mail, r.chat, r.words) {
                (Some(mail), Some(chat), Some(words)) => Some(Means { mail, chat, words }),
                _ => None,
            },
            queued: r.queued,
            failed: r
                .failed
                .map(serde_json::from_value::<Vec<Failed>>)
                .transpose()?
                .unwrap_or_default(),
        },
    })
}
