//! Signing in with Google: the authorization code flow with PKCE, tied to one browser, once.
//!
//! `GET /auth/start` gives this browser a random token in a cookie of its own and sends it to the provider. State, nonce
//! and PKCE verifier are derived from that token, so that the database holds nothing that could finish somebody else's
//! sign-in. `GET /auth/callback` wants the cookie back, takes the sign-in out of the database (which works once), and
//! only then exchanges the code. Forbidden: a token, a code or a reason of the provider's in a log line or an address.

use std::sync::Arc;

use anyhow::{Context, bail};
use axum::{
    Extension,
    extract::{Query, State},
    http::{HeaderMap, HeaderName, header},
    response::Response,
};
use serde::Deserialize;
use slipway_app::pages::{local, see};
use slipway_oidc::{
    Expect, Http, Issuer, Refused,
    code::{self, Registration, Tie},
    google,
};
use slipway_seal::derive;
use slipway_services::{Ctx, Error, sign_in};

use crate::{config::Settings, door::Door};

/// Google, as configured.
#[derive(Debug)]
pub struct Google {
    issuer: Issuer,
    registration: Registration,
    domains: Vec<String>,
    /// Our own address, without a slash at its end.
    public: String,
    /// Addresses that make their first bearer an admin.
    pub admins: Vec<String>,
}

/// Longest path that is remembered to return to; a longer one returns to the start page.
const LONGEST_NEXT: usize = 1024;

impl Google {
    /// What is configured; `None` without a client.
    ///
    /// # Errors
    /// If it is configured by half.
    pub fn from(settings: &Settings) -> anyhow::Result<Option<Self>> {
        let Some(id) = settings.google_client_id.clone() else {
            return Ok(None);
        };
        let secret = settings.google_client_secret.clone().context(
            "The Google client has no secret.\n  Set SLIPWAY_GOOGLE_CLIENT_SECRET, from the page where the client was made",
        )?;
        let domains: Vec<String> = settings
            .google_domains
            .iter()
            .map(|d| d.trim().to_lowercase())
            .filter(|d| !d.is_empty())
            .collect();
        if domains.is_empty() {
            bail!(
                "No organisation may sign in.\n  Name your Google Workspace domains, whole, in SLIPWAY_GOOGLE_DOMAINS (example.com,example.org)."
            );
        }
        let public = settings.public()?;
        let issuer = Issuer::new(Http::new()?, &settings.google_issuer).context(
            "SLIPWAY_GOOGLE_ISSUER is no address that can be trusted.\n  It must begin with https://",
        )?;
        let redirect = format!("{public}/auth/callback");
        Ok(Some(Self {
            issuer,
            registration: Registration {
                id,
                secret,
                redirect,
            },
            domains,
            public,
            admins: settings
                .admins
                .iter()
                .map(|a| a.trim().to_lowercase())
                .filter(|a| !a.is_empty())
                .collect(),
        }))
    }

    /// Our own address.
    pub fn public(&self) -> &str {
        &self.public
    }

    /// What may be shown of it; never the secret.
    pub fn site(&self) -> slipway_app::site::GoogleSite {
        slipway_app::site::GoogleSite {
            client: self.registration.id.clone(),
            issuer: self.issuer.address().to_owned(),
            domains: self.domains.clone(),
            redirect: self.registration.redirect.clone(),
            admins: self.admins.clone(),
        }
    }

    async fn identify(
        &self,
        code: &str,
        tie: &Tie,
        now: time::OffsetDateTime,
    ) -> Result<google::Person, Why> {
        let document = self.issuer.document(now).await.map_err(|e| {
            tracing::warn!(error = %e, "Google cannot be asked");
            Why::Away
        })?;
        let token = code::exchange(&self.issuer, &document, &self.registration, code, tie)
            .await
            .map_err(|error| match error {
                code::Error::Refused(word) => {
                    Why::Refused(format!("the provider refused the code: {word}"))
                }
                other => {
                    tracing::warn!(error = %other, "Google did not exchange a code");
                    Why::Away
                }
            })?;
        let expect = Expect {
            audience: &self.registration.id,
            nonce: Some(&tie.nonce),
        };
        let believed = self.issuer.verify(&token, expect, now).await;
        believed
            .and_then(|verified| google::person(verified, &self.domains))
            .map_err(|refused| match refused {
                Refused::KeysAway(_) => Why::Away,
                Refused::Domain | Refused::Email => Why::Foreign(refused.to_string()),
                other => Why::Refused(other.to_string()),
            })
    }
}

/// Why somebody is not let in: what the log and the trail say; the page says less.
enum Why {
    Away,
    Foreign(String),
    Refused(String),
}

fn tie(token: &str) -> Tie {
    Tie {
        state: derive(token, "state"),
        nonce: derive(token, "nonce"),
        verifier: derive(token, "verifier"),
    }
}

/// What `/auth/start` may be told.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Start {
    next: String,
}

/// `GET /auth/start`
pub async fn start(
    State(door): State<Door>,
    Extension(ctx): Extension<Ctx>,
    headers: HeaderMap,
    Query(asked): Query<Start>,
) -> Response {
    let Some(google) = door.google.clone() else {
        return slipway_app::pages::Trouble::from(Error::NotFound).into_response();
    };
    let next = match local(&asked.next) {
        next if next.len() <= LONGEST_NEXT => next,
        _ => "/",
    };
    // Only our own page begins a sign-in: a link from elsewhere leads to that page first.
    let text = |name| headers.get(name).and_then(|v| v.to_str().ok());
    let ours = text(HeaderName::from_static("sec-fetch-site"))
        .is_none_or(|site| matches!(site, "same-origin" | "none"));
    // The cookie must be set where the provider sends the browser back to.
    let host = text(header::HOST).unwrap_or_default();
    let here = google
        .public()
        .split_once("://")
        .is_some_and(|(_, h)| h.eq_ignore_ascii_case(host));
    if !ours {
        return trouble("", next);
    }
    if !here {
        let next = slipway_app::views::query("/sign-in", &[("next", next)]);
        return see(&format!("{}{next}", google.public()));
    }
    match begin(&door, &google, ctx.clone()).await {
        Ok((url, token)) => {
            let mut response = see(&url);
            let value = format!("{token}.{}", slipway_app::views::encode(next));
            let seconds = sign_in::FLOW.whole_seconds();
            super::set(
                &mut response,
                &door.named_cookie(door.flow_name(), &value, seconds),
            );
            response
        }
        Err(why) => turn_away(&door, ctx, why, next).await,
    }
}

async fn begin(door: &Door, google: &Google, ctx: Ctx) -> Result<(String, String), Why> {
    let document = google.issuer.document(ctx.now).await.map_err(|error| {
        tracing::warn!(%error, "Google cannot be asked");
        Why::Away
    })?;
    let token = sign_in::start(&door.app.office.web, ctx.now)
        .await
        .map_err(|error| {
            tracing::error!(%error, "a sign-in could not be begun");
            Why::Away
        })?;
    let hint = match google.domains.as_slice() {
        [one] => one.as_str(),
        _ => "*",
    };
    let url = code::address(
        &document,
        &google.registration,
        &tie(token.expose()),
        Some(hint),
    )
    .map_err(|error| {
        tracing::error!(%error, "the way to Google cannot be written");
        Why::Away
    })?;
    Ok((url, token.expose().to_owned()))
}

/// What the provider sends back.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Back {
    code: String,
    state: String,
    error: String,
    iss: Option<String>,
}

/// `GET /auth/callback`
pub async fn callback(
    State(door): State<Door>,
    Extension(ctx): Extension<Ctx>,
    headers: HeaderMap,
    Query(back): Query<Back>,
) -> Response {
    let Some(google) = door.google.clone() else {
        return slipway_app::pages::Trouble::from(Error::NotFound).into_response();
    };
    let cookie = door
        .cookie_of(&headers, door.flow_name())
        .unwrap_or_default();
    let (token, next) = cookie.split_once('.').unwrap_or((cookie, ""));
    let next = decode(next);
    let next = local(&next);
    let mut response = match finish(&door, &google, ctx.clone(), token, &back).await {
        Ok(user) => super::begin(&door, &ctx, &headers, user, next).await,
        Err(why) => turn_away(&door, ctx, why, next).await,
    };
    super::set(&mut response, &door.named_cookie(door.flow_name(), "", 0));
    response
}

async fn finish(
    door: &Door,
    google: &Arc<Google>,
    ctx: Ctx,
    token: &str,
    back: &Back,
) -> Result<slipway_domain::id::UserId, Why> {
    let web = &door.app.office.web;
    if token.len() != 64 {
        return Err(refused("this browser has begun no sign-in"));
    }
    let tie = tie(token);
    if !slipway_seal::same(tie.state.as_bytes(), back.state.as_bytes()) {
        return Err(refused(
            "the state is of another browser or another sign-in",
        ));
    }
    // From here on this sign-in is over, however it ends.
    let mine = sign_in::finish(web, token, ctx.now).await;
    if !mine.map_err(|error| broken(&error))? {
        return Err(refused("this sign-in has ended already"));
    }
    if back
        .iss
        .as_deref()
        .is_some_and(|iss| iss != google.issuer.address())
    {
        return Err(refused("another provider answered"));
    }
    if !back.error.is_empty() || back.code.is_empty() {
        return Err(refused("the provider sent no code"));
    }
    let person = google.identify(&back.code, &tie, ctx.now).await?;
    let passport = sign_in::Passport {
        issuer: person.issuer,
        subject: person.subject,
        email: person.email,
        name: person.name,
    };
    sign_in::arrive(web, &passport, &google.admins, &ctx.request_id, ctx.now)
        .await
        .map_err(|error| match error {
            // The office has written it down already.
            Error::Refused(_) => Why::Foreign(String::new()),
            other => broken(&other),
        })
}

fn refused(what: &str) -> Why {
    Why::Refused(what.to_owned())
}

fn broken(error: &Error) -> Why {
    tracing::error!(%error, "a sign-in could not be finished");
    Why::Away
}

/// Back to the sign-in page; the reason goes into the trail, not into the address.
async fn turn_away(door: &Door, ctx: Ctx, why: Why, next: &str) -> Response {
    let (word, reason) = match why {
        Why::Away => ("away", None),
        Why::Foreign(reason) => ("foreign", Some(reason)),
        Why::Refused(reason) => ("again", Some(reason)),
    };
    if let Some(reason) = reason.filter(|r| !r.is_empty()) {
        tracing::info!(request = %ctx.request_id, reason, "a sign-in was refused");
        let web = &door.app.office.web;
        if let Err(error) = sign_in::refused(web, &reason, &ctx.request_id, ctx.now).await {
            tracing::error!(%error, "a refused sign-in could not be written down");
        }
    }
    trouble(word, next)
}

fn trouble(word: &str, next: &str) -> Response {
    let next = if next == "/" { "" } else { next };
    see(&slipway_app::views::query(
        "/sign-in",
        &[("trouble", word), ("next", next)],
    ))
}

/// Undoes [`slipway_app::views::encode`]; anything else becomes nothing.
fn decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first == b'%' {
            let hex = tail.get(..2).and_then(|h| std::str::from_utf8(h).ok());
            let Some(byte) = hex.and_then(|h| u8::from_str_radix(h, 16).ok()) else {
                return String::new();
            };
            out.push(byte);
            rest = &tail[2..];
        } else {
            out.push(*first);
        }
    }
    String::from_utf8(out).unwrap_or_default()
}

use axum::response::IntoResponse as _;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_encoded_is_decoded_and_the_rest_is_nothing() {
        for text in ["/", "/runs/4?a=b&c=ü#L7", "/%zz"] {
            assert_eq!(decode(&slipway_app::views::encode(text)), text);
        }
        for bad in ["%", "%4", "%zz", "%ff"] {
            assert_eq!(decode(bad), "", "{bad}");
        }
    }

    #[test]
    fn the_three_that_tie_a_sign_in_together_tell_nothing_of_each_other() {
        let (a, b) = (tie(&"a".repeat(64)), tie(&"b".repeat(64)));
        let all = [
            &a.state,
            &a.nonce,
            &a.verifier,
            &b.state,
            &b.nonce,
            &b.verifier,
        ];
        for (n, one) in all.iter().enumerate() {
            assert!(one.len() == 64 && !all[n + 1..].contains(one));
        }
    }
}
