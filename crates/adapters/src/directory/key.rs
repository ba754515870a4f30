use std::{fmt, path::Path, sync::Arc};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD as B64},
};
use ring::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use serde::Deserialize;
use serde_json::json;

/// Why a service account's key cannot be used. Holds nothing of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyTrouble {
    /// The file cannot be read.
    #[error("it cannot be read ({0})")]
    Unreadable(std::io::ErrorKind),
    /// It is not what Google's console gives.
    #[error("it is no service account’s key: {0}")]
    NoKey(&'static str),
}

/// A service account's key: a file in JSON, as Google's console gives it.
#[derive(Clone)]
pub struct Key {
    email: String,
    id: String,
    pair: Arc<RsaKeyPair>,
}

#[derive(Deserialize)]
struct File {
    #[serde(rename = "type")]
    kind: String,
    client_email: String,
    private_key_id: String,
    private_key: String,
}

impl Key {
    /// Reads the file.
    ///
    /// # Errors
    /// [`KeyTrouble`].
    pub fn read(path: &Path) -> Result<Self, KeyTrouble> {
        let text = std::fs::read(path).map_err(|error| KeyTrouble::Unreadable(error.kind()))?;
        Self::parse(&text)
    }

    /// Reads the file's text.
    ///
    /// # Errors
    /// [`KeyTrouble::NoKey`].
    pub fn parse(text: &[u8]) -> Result<Self, KeyTrouble> {
        let file: File = serde_json::from_slice(text)
            .map_err(|_| KeyTrouble::NoKey("its fields are not those of one"))?;
        if file.kind != "service_account" {
            return Err(KeyTrouble::NoKey("it is of another type"));
        }
        let body: String = file
            .private_key
            .lines()
            .filter(|line| !line.starts_with("-----"))
            .map(str::trim)
            .collect();
        let der = STANDARD
            .decode(body)
            .map_err(|_| KeyTrouble::NoKey("its private key is no PEM"))?;
        let pair = RsaKeyPair::from_pkcs8(&der)
            .map_err(|_| KeyTrouble::NoKey("its private key is no RSA key of 2048 bits or more"))?;
        Ok(Self {
            email: file.client_email,
            id: file.private_key_id,
            pair: Arc::new(pair),
        })
    }

    /// Whose key it is.
    #[must_use]
    pub fn email(&self) -> &str {
        &self.email
    }

    /// A signed request for a token, good for five minutes: RS256, as the grant asks for.
    pub(super) fn assertion(
        &self,
        subject: &str,
        scope: &str,
        audience: &str,
        unix: i64,
    ) -> String {
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": self.id });
        let claims = json!({
            "iss": self.email, "sub": subject, "scope": scope, "aud": audience, "iat": unix, "exp": unix + 300,
        });
        let text = format!(
            "{}.{}",
            B64.encode(header.to_string()),
            B64.encode(claims.to_string())
        );
        let mut signature = vec![0; self.pair.public().modulus_len()];
        // It fails only if the buffer is of another length.
        let signed = self.pair.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            text.as_bytes(),
            &mut signature,
        );
        debug_assert!(signed.is_ok());
        format!("{text}.{}", B64.encode(signature))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("email", &self.email)
            .finish_non_exhaustive()
    }
}
