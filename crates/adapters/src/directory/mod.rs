//! Google's directory, asked for one thing: the groups that somebody is in.
//!
//! As a service account with domain-wide delegation, in the name of one administrator, with the one scope that may read
//! groups. An answer is whole or it is none: a page that is missing is a failure, never a shorter list, because a group
//! that is not listed is a right that is taken away.

mod key;

use std::time::Duration;

use http::{Method, Request, StatusCode, header};
use serde::Deserialize;
use slipway_seal::Secret;
use tokio::{sync::Mutex, time::Instant};

use slipway_call::{self as call, Http};

pub use key::{Key, KeyTrouble};

/// What the service account may do.
pub const SCOPE: &str = "https://www.googleapis.com/auth/admin.directory.group.readonly";
/// Where Google answers.
pub const API: &str = "https://admin.googleapis.com";
/// Where Google gives tokens.
pub const TOKEN: &str = "https://oauth2.googleapis.com/token";

/// No honest answer is longer, in bytes.
const LARGEST: usize = 1024 * 1024;
/// Most groups on a page.
const PAGE: usize = 200;
/// Nobody is in more groups than fit on so many pages.
const MOST_PAGES: usize = 50;
/// An answer that says “later” is asked for again so often.
const TRIES: u32 = 4;

/// Why the directory gave no usable answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// No connection, or no answer in time.
    #[error("the directory was not reached: {0}")]
    Away(call::Trouble),
    /// It gives no token for this key and subject.
    #[error("the directory gives this service account no token ({0}): {1}")]
    NoToken(u16, String),
    /// It refuses the question.
    #[error("the directory refuses the question ({0}): {1}")]
    Refused(u16, String),
    /// Too much was asked, or it is unwell, and went on being so.
    #[error("the directory says “later” ({0})")]
    Later(u16),
    /// Not what the Directory API answers.
    #[error("the directory’s answer cannot be read: {0}")]
    Nonsense(&'static str),
}

impl Trouble {
    /// True if asking about somebody else would end the same way.
    #[must_use]
    pub fn is_general(&self) -> bool {
        matches!(self, Self::Away(_) | Self::NoToken(..) | Self::Later(_))
    }
}

/// How to ask.
#[derive(Clone, Debug)]
pub struct Access {
    /// The service account's key.
    pub key: Key,
    /// The administrator in whose name it asks.
    pub subject: String,
    /// Where the API answers.
    pub api: String,
    /// Where tokens are given.
    pub token: String,
    /// The first pause before asking again; it doubles.
    pub pause: Duration,
}

/// The directory.
#[derive(Debug)]
pub struct Directory {
    http: Http,
    access: Access,
    token: Mutex<Option<(Secret, Instant)>>,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
    expires_in: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    kind: String,
    #[serde(default)]
    groups: Vec<Group>,
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct Group {
    email: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Failure {
    error: Problem,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    message: String,
    errors: Vec<Reason>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Reason {
    reason: String,
}

/// What one question came to.
enum Said {
    Page(Page),
    NoSuchPerson,
}

impl Directory {
    /// Nothing is asked yet.
    ///
    /// # Errors
    /// [`Trouble::Away`] if TLS cannot be set up, or an address is not safe.
    pub fn new(mut access: Access) -> Result<Self, Trouble> {
        for url in [&mut access.api, &mut access.token] {
            *url = url.trim_end_matches('/').to_owned();
            let safe = url.parse().is_ok_and(|uri| call::is_safe(&uri));
            if !safe {
                return Err(Trouble::Away(call::Trouble::Insecure));
            }
        }
        Ok(Self {
            http: Http::new(LARGEST).map_err(Trouble::Away)?,
            access,
            token: Mutex::new(None),
        })
    }

    /// The addresses, in small letters, of every group that somebody is directly in; none for somebody whom the directory
    /// does not know. `person` is their id there (a token's `sub`) or an address.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn groups(&self, person: &str, unix: i64) -> Result<Vec<String>, Trouble> {
        let mut groups = Vec::new();
        let mut from: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let page = match self.page(person, from.as_deref(), unix).await? {
                Said::Page(page) => page,
                Said::NoSuchPerson if from.is_none() => return Ok(vec![]),
                Said::NoSuchPerson => return Err(Trouble::Nonsense("a page of it is missing")),
            };
            groups.extend(page.groups.into_iter().map(|g| g.email.to_lowercase()));
            match page.next_page_token.filter(|t| !t.is_empty()) {
                None => return Ok(groups),
                Some(next) if from.as_ref() == Some(&next) => {
                    return Err(Trouble::Nonsense("it has no end"));
                }
                next => from = next,
            }
        }
        Err(Trouble::Nonsense("it has no end"))
    }

    fn address(&self, person: &str, from: Option<&str>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query
            .append_pair("userKey", person)
            .append_pair("maxResults", &PAGE.to_string())
            .append_pair("fields", "kind,nextPageToken,groups(email)");
        if let Some(from) = from {
            query.append_pair("pageToken", from);
        }
        format!(
            "{}/admin/directory/v1/groups?{}",
            self.access.api,
            query.finish()
        )
    }

    async fn page(&self, person: &str, from: Option<&str>, unix: i64) -> Result<Said, Trouble> {
        let url = self.address(person, from);
        let mut renewed = false;
        let mut tries = 0;
        loop {
            let token = self.token(unix).await?;
            let request = Request::get(&url)
                .header(header::ACCEPT, "application/json")
                .header(header::AUTHORIZATION, format!("Bearer {}", token.expose()))
                .body(vec![])
                .map_err(|_| Trouble::Nonsense("its address is none"))?;
            let answer = self.http.send(request).await.map_err(Trouble::Away)?;
            let status = answer.status();
            if status == StatusCode::OK {
                let page: Page = serde_json::from_slice(answer.body())
                    .map_err(|_| Trouble::Nonsense("no list of groups"))?;
                if page.kind != "admin#directory#groups" {
                    return Err(Trouble::Nonsense("no list of groups"));
                }
                return Ok(Said::Page(page));
            }
            let failure = serde_json::from_slice::<Failure>(answer.body()).unwrap_or_default();
            let said = |reasons: &[&str]| {
                failure
                    .error
                    .errors
                    .iter()
                    .any(|e| reasons.contains(&e.reason.as_str()))
            };
            // Only the API itself knows that somebody is not there: a wrong address says 404, too.
            if status == StatusCode::NOT_FOUND && said(&["notFound"]) {
                return Ok(Said::NoSuchPerson);
            }
            if status == StatusCode::UNAUTHORIZED && !renewed {
                // A token may end before its time.
                renewed = true;
                *self.token.lock().await = None;
                continue;
            }
            let later = matches!(status.as_u16(), 429 | 500 | 502 | 503 | 504)
                || status == StatusCode::FORBIDDEN
                    && said(&[
                        "rateLimitExceeded",
                        "userRateLimitExceeded",
                        "quotaExceeded",
                    ]);
            if !later {
                return Err(Trouble::Refused(
                    status.as_u16(),
                    plain(&failure.error.message),
                ));
            }
            tries += 1;
            if tries == TRIES {
                return Err(Trouble::Later(status.as_u16()));
            }
            tokio::time::sleep(self.access.pause * 2_u32.pow(tries - 1)).await;
        }
    }

    async fn token(&self, unix: i64) -> Result<Secret, Trouble> {
        let mut known = self.token.lock().await;
        if let Some((token, until)) = known.as_ref()
            && Instant::now() < *until
        {
            return Ok(token.clone());
        }
        let assertion =
            self.access
                .key
                .assertion(&self.access.subject, SCOPE, &self.access.token, unix);
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
            .append_pair("assertion", &assertion)
            .finish();
        let request = Request::builder()
            .method(Method::POST)
            .uri(&self.access.token)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json")
            .body(body.into_bytes())
            .map_err(|_| Trouble::Nonsense("its address is none"))?;
        let answer = self.http.send(request).await.map_err(Trouble::Away)?;
        if answer.status() != StatusCode::OK {
            #[derive(Default, Deserialize)]
            #[serde(default)]
            struct Why {
                error: String,
            }
            let why = serde_json::from_slice::<Why>(answer.body()).unwrap_or_default();
            return Err(Trouble::NoToken(
                answer.status().as_u16(),
                plain(&why.error),
            ));
        }
        let token: Token =
            serde_json::from_slice(answer.body()).map_err(|_| Trouble::Nonsense("no token"))?;
        let life = Duration::from_secs(token.expires_in.clamp(1, 3600));
        let token = Secret::new(token.access_token);
        // Not to its last second: the next question takes a moment, too.
        let until = Instant::now() + life.saturating_sub(Duration::from_secs(60));
        *known = Some((token.clone(), until));
        Ok(token)
    }
}

/// A word of somebody else's, for a page and a log: one line, not long.
fn plain(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(120)
        .collect();
    if line.is_empty() {
        "no reason given".into()
    } else {
        line
    }
}
