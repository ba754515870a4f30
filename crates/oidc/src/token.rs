//! The verifier of ID tokens.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde::{Deserialize, de::DeserializeOwned};
use time::{Duration, OffsetDateTime};

use crate::{Issuer, Trouble};

/// How far two honest clocks may be apart.
pub const LEEWAY: Duration = Duration::seconds(60);

/// No honest token is longer, in bytes.
const LONGEST: usize = 16 * 1024;

/// Why a token is not believed. Says what, never the token itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not three parts of base64url with JSON in them, or a claim of another type than the standard's.
    #[error("it is no token")]
    Form,
    /// Another algorithm than RS256, `none` among them.
    #[error("it is not signed with RS256")]
    Algorithm,
    /// No key of the provider has this id.
    #[error("no key of the provider has the id that it names")]
    UnknownKey,
    /// The provider's keys cannot be had.
    #[error("the provider's keys cannot be had: {0}")]
    KeysAway(Trouble),
    /// The signature is not one over this token by this key.
    #[error("its signature is wrong")]
    Signature,
    /// Issued by somebody else.
    #[error("somebody else issued it")]
    Issuer,
    /// Issued for somebody else, or to another client.
    #[error("it is for somebody else")]
    Audience,
    /// Expired, or not yet valid, or issued in the future.
    #[error("it is out of time")]
    Time,
    /// Belongs to another sign-in.
    #[error("it belongs to another sign-in")]
    Nonce,
    /// The e-mail address has not been verified, or is missing.
    #[error("the e-mail address is not verified")]
    Email,
    /// The account is of none of our domains.
    #[error("the account is of another organisation")]
    Domain,
    /// No subject that could be anybody's key.
    #[error("it names nobody")]
    Subject,
}

/// What a token must say.
#[derive(Clone, Copy, Debug)]
pub struct Expect<'a> {
    /// For whom it must be: our client's id.
    pub audience: &'a str,
    /// The sign-in that it must belong to. `None` only where the protocol has none (a pipeline's token).
    pub nonce: Option<&'a str>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    azp: Option<String>,
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
    nonce: Option<String>,
}

/// What every verified token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standard {
    /// Who issued it.
    pub issuer: String,
    /// Whom it is about: unique within the issuer, never given to somebody else.
    pub subject: String,
}

/// A token that was verified.
#[derive(Clone, Debug)]
pub struct Verified<C> {
    /// What every token says.
    pub standard: Standard,
    /// What this kind of token says besides.
    pub claims: C,
}

fn part<T: DeserializeOwned>(text: &str) -> Result<T, Refused> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Refused::Form)?;
    serde_json::from_slice(&bytes).map_err(|_| Refused::Form)
}

impl Issuer {
    /// Believes a token, or says why not. The signature is looked at before any claim.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn verify<C: DeserializeOwned>(
        &self,
        token: &str,
        expect: Expect<'_>,
        now: OffsetDateTime,
    ) -> Result<Verified<C>, Refused> {
        if token.len() > LONGEST {
            return Err(Refused::Form);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Refused::Form)?;
        let (head, body) = signed.split_once('.').ok_or(Refused::Form)?;
        let header: Header = part(head)?;
        if header.alg != "RS256" {
            return Err(Refused::Algorithm);
        }
        if header.crit.is_some() {
            return Err(Refused::Form);
        }
        let kid = header.kid.ok_or(Refused::UnknownKey)?;
        let key = self.key(&kid, now).await?;
        let signature = URL_SAFE_NO_PAD
            .decode(signature)
            .map_err(|_| Refused::Form)?;
        RsaPublicKeyComponents {
            n: &key.n,
            e: &key.e,
        }
        .verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature)
        .map_err(|_| Refused::Signature)?;
        let claims: Claims = part(body)?;
        self.judge(&claims, expect, now)?;
        Ok(Verified {
            standard: Standard {
                issuer: claims.iss,
                subject: claims.sub,
            },
            claims: part(body)?,
        })
    }

    fn judge(&self, of: &Claims, expect: Expect<'_>, now: OffsetDateTime) -> Result<(), Refused> {
        if of.iss != self.address() {
            return Err(Refused::Issuer);
        }
        let (named, several) = match &of.aud {
            Audience::One(one) => (one == expect.audience, false),
            Audience::Many(many) => (many.iter().any(|a| a == expect.audience), many.len() > 1),
        };
        // A token for several is ours only if it was issued to us.
        let to_us = match of.azp.as_deref() {
            Some(azp) => azp == expect.audience,
            None => !several,
        };
        if !named || !to_us {
            return Err(Refused::Audience);
        }
        let now = now.unix_timestamp();
        let leeway = LEEWAY.whole_seconds();
        let begun = of.iat <= now.saturating_add(leeway)
            && of.nbf.is_none_or(|nbf| nbf <= now.saturating_add(leeway));
        if !begun || of.exp <= now.saturating_sub(leeway) || of.exp < of.iat {
            return Err(Refused::Time);
        }
        if expect.nonce.is_some() && of.nonce.as_deref() != expect.nonce {
            return Err(Refused::Nonce);
        }
        let plain = !of.sub.is_empty() && of.sub.len() <= 255 && of.sub.is_ascii();
        if !plain || of.sub.bytes().any(|b| b.is_ascii_control()) {
            return Err(Refused::Subject);
        }
        Ok(())
    }
}
