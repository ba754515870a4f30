//! A provider that is trusted by its address: what it says about itself, and its signing keys.

use std::{
    collections::BTreeMap,
    sync::{PoisonError, RwLock},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use tokio::sync::Mutex;

use crate::{Http, Refused, Trouble};

/// What was fetched is not asked for again before this.
pub const FRESH: Duration = Duration::hours(1);
/// A key that is not known makes us ask again, and never more often than this: tokens that name invented keys must not
/// make us hammer the provider.
pub const AGAIN: Duration = Duration::seconds(30);
/// While the provider is away, the keys that were last seen count for this long, and not longer.
pub const KEEP: Duration = Duration::hours(24);

/// What a provider says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Its own name; must be the address that we asked at.
    pub issuer: String,
    /// Where people are sent.
    pub authorization_endpoint: String,
    /// Where codes are exchanged.
    pub token_endpoint: String,
    /// Where its keys are.
    pub jwks_uri: String,
}

/// One public key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub n: Vec<u8>,
    pub e: Vec<u8>,
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: String,
    n: String,
    e: String,
    #[serde(rename = "use")]
    purpose: Option<String>,
    alg: Option<String>,
}

#[derive(Clone)]
struct Known {
    document: Document,
    keys: BTreeMap<String, Key>,
    at: OffsetDateTime,
}

/// A provider. Nothing is fetched before it is needed: the portal starts while the provider is away.
pub struct Issuer {
    http: Http,
    address: String,
    known: RwLock<Option<Known>>,
    /// When we last tried; held while trying, so that a crowd asks once.
    tried: Mutex<Option<OffsetDateTime>>,
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Issuer({})", self.address)
    }
}

impl Issuer {
    /// A provider at this address, such as `https://accounts.google.com`.
    ///
    /// # Errors
    /// If the address is neither `https` nor on loopback.
    pub fn new(http: Http, address: &str) -> Result<Self, Trouble> {
        let address = address.trim_end_matches('/').to_owned();
        let safe = address
            .parse()
            .is_ok_and(|uri: ::http::Uri| crate::http::is_safe(&uri));
        if !safe {
            return Err(Trouble::Insecure(address));
        }
        Ok(Self {
            http,
            address,
            known: RwLock::new(None),
            tried: Mutex::new(None),
        })
    }

    /// Its address, which is also its name in tokens.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn http(&self) -> &Http {
        &self.http
    }

    fn known(&self) -> Option<Known> {
        self.known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// What it says about itself, at most [`FRESH`] old, or [`KEEP`] if it is away.
    ///
    /// # Errors
    /// If it is away for longer.
    pub async fn document(&self, now: OffsetDateTime) -> Result<Document, Trouble> {
        Ok(self.look(now, None).await?.document)
    }

    pub(crate) async fn key(&self, kid: &str, now: OffsetDateTime) -> Result<Key, Refused> {
        let known = self.look(now, Some(kid)).await.map_err(Refused::KeysAway)?;
        known.keys.get(kid).cloned().ok_or(Refused::UnknownKey)
    }

    /// What is known and still fresh, if it has this key.
    fn fresh(&self, now: OffsetDateTime, kid: Option<&str>) -> Option<Known> {
        self.known().filter(|known| {
            now - known.at < FRESH && kid.is_none_or(|kid| known.keys.contains_key(kid))
        })
    }

    /// What is known, fetched anew if it is old or lacks this key.
    async fn look(&self, now: OffsetDateTime, kid: Option<&str>) -> Result<Known, Trouble> {
        if let Some(known) = self.fresh(now, kid) {
            return Ok(known);
        }
        let mut tried = self.tried.lock().await;
        // Somebody may have fetched it while this one waited.
        if let Some(known) = self.fresh(now, kid) {
            return Ok(known);
        }
        let kept = self.known().filter(|known| now - known.at < KEEP);
        if tried.is_some_and(|at| now - at < AGAIN) {
            return kept.ok_or(Trouble::Unreachable("it was away a moment ago".into()));
        }
        *tried = Some(now);
        match self.fetch(now).await {
            Ok(fresh) => {
                *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(fresh.clone());
                Ok(fresh)
            }
            Err(trouble) => kept.ok_or(trouble),
        }
    }

    async fn fetch(&self, now: OffsetDateTime) -> Result<Known, Trouble> {
        let url = format!("{}/.well-known/openid-configuration", self.address);
        let document: Document = self.http.json(&url).await?;
        if document.issuer != self.address {
            return Err(Trouble::Nonsense("it names itself differently".into()));
        }
        for endpoint in [
            &document.authorization_endpoint,
            &document.token_endpoint,
            &document.jwks_uri,
        ] {
            if !endpoint.parse().is_ok_and(|uri| crate::http::is_safe(&uri)) {
                return Err(Trouble::Insecure("one of its endpoints".into()));
            }
        }
        let set: Set = self.http.json(&document.jwks_uri).await?;
        // Keys of other kinds may stand beside ours: they are passed over, not refused.
        let keys: BTreeMap<String, Key> = set.keys.into_iter().filter_map(usable).collect();
        if keys.is_empty() {
            return Err(Trouble::Nonsense("it has no key for RS256".into()));
        }
        Ok(Known {
            document,
            keys,
            at: now,
        })
    }
}

fn usable(key: serde_json::Value) -> Option<(String, Key)> {
    let key: Jwk = serde_json::from_value(key).ok()?;
    let ours = key.kty == "RSA"
        && key.purpose.as_deref().is_none_or(|p| p == "sig")
        && key.alg.as_deref().is_none_or(|a| a == "RS256");
    ours.then_some(())?;
    Some((
        key.kid,
        Key {
            n: URL_SAFE_NO_PAD.decode(key.n).ok()?,
            e: URL_SAFE_NO_PAD.decode(key.e).ok()?,
        },
    ))
}
