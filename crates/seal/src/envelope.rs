use std::fmt;

use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::{Digest, Secret, random};

/// Bytes that only a worker can open. Safe to store and to copy.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// Why something could not be opened. Says nothing about the content.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OpenError {
    /// Not written by this house, or cut short.
    #[error("the sealed record has an unknown form")]
    Form,
    /// Sealed by another key.
    #[error("the record was sealed with key {0}, and this worker holds another one")]
    OtherKey(String),
    /// Changed since it was sealed, or belongs to another place.
    #[error("the sealed record was changed, or belongs to something else")]
    Changed,
}

/// The public half of the worker's key pair, as 32 bytes: what the web process seals sensitive inputs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Wraps the bytes that a worker published.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes to publish.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Seals a secret so that only the worker can open it, and only in the same `place` (for example `input/7/password`).
    ///
    /// # Errors
    /// [`OpenError::Form`] if the key is not a usable one.
    pub fn seal(&self, secret: &Secret, place: &str) -> Result<Sealed, OpenError> {
        let mut text = Vec::with_capacity(place.len() + secret.expose().len() + 8);
        text.extend((place.len() as u64).to_le_bytes());
        text.extend(place.as_bytes());
        text.extend(secret.expose().as_bytes());
        crypto_box::PublicKey::from(self.0)
            .seal(&mut crypto_box::aead::OsRng, &text)
            .map(Sealed)
            .map_err(|_| OpenError::Form)
    }
}

/// Everything that a worker can open, derived from one master key of 32 bytes.
#[derive(Clone)]
pub struct WorkerKey {
    id: [u8; 4],
    wrap: [u8; 32],
    mac: [u8; 32],
    pair: crypto_box::SecretKey,
    sign: [u8; 32],
}

impl fmt::Debug for WorkerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WorkerKey({})", crate::hex(&self.id))
    }
}

/// Version byte, key id, wrapped data key (nonce, key, tag), nonce.
const HEAD: usize = 1 + 4 + 12 + 48 + 12;
const VERSION: u8 = 1;

impl WorkerKey {
    /// Derives the keys (HKDF-SHA-256, one label each).
    #[must_use]
    pub fn from_master(master: &[u8; 32]) -> Self {
        let derive = |label: &str| {
            let mut key = [0; 32];
            // 32 bytes are always a valid length for SHA-256.
            let _ = hkdf::Hkdf::<Sha256>::new(Some(b"slipway/v1"), master)
                .expand(label.as_bytes(), &mut key);
            key
        };
        let id = derive("key id");
        Self {
            id: [id[0], id[1], id[2], id[3]],
            wrap: derive("envelope"),
            mac: derive("digest"),
            pair: crypto_box::SecretKey::from(derive("sealed inputs")),
            sign: derive("audit checkpoints"),
        }
    }

    /// Eight hexadecimal digits that tell keys apart.
    #[must_use]
    pub fn id(&self) -> String {
        crate::hex(&self.id)
    }

    /// The key that signs the audit trail's checkpoints.
    #[must_use]
    pub fn signing(&self) -> crate::SigningKey {
        crate::SigningKey::from_seed(&self.sign)
    }

    /// The half that may be published.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(*self.pair.public_key().as_bytes())
    }

    /// Encrypts with a fresh data key, itself encrypted with the envelope key. `place` (for example `state/12`) is
    /// authenticated: a record moved elsewhere does not open.
    #[must_use]
    pub fn seal(&self, bytes: &[u8], place: &str) -> Sealed {
        let key = random::<32>();
        let mut out = Vec::with_capacity(HEAD + bytes.len() + 16);
        out.push(VERSION);
        out.extend(self.id);
        for (key, text) in [(&self.wrap, &key[..]), (&key, bytes)] {
            let nonce = random::<12>();
            out.extend(nonce);
            let payload = Payload {
                msg: text,
                aad: place.as_bytes(),
            };
            // AES-GCM refuses only texts beyond 64 GiB.
            out.extend(
                Aes256Gcm::new(key.into())
                    .encrypt(Nonce::from_slice(&nonce), payload)
                    .unwrap_or_default(),
            );
        }
        Sealed(out)
    }

    /// Opens what [`Self::seal`] sealed for the same place.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(&self, sealed: &[u8], place: &str) -> Result<Vec<u8>, OpenError> {
        if sealed.len() < HEAD + 16 || sealed[0] != VERSION {
            return Err(OpenError::Form);
        }
        if sealed[1..5] != self.id {
            return Err(OpenError::OtherKey(crate::hex(&sealed[1..5])));
        }
        let decrypt = |key: &[u8; 32], nonce: &[u8], text: &[u8]| {
            Aes256Gcm::new(key.into())
                .decrypt(
                    Nonce::from_slice(nonce),
                    Payload {
                        msg: text,
                        aad: place.as_bytes(),
                    },
                )
                .map_err(|_| OpenError::Changed)
        };
        let key = decrypt(&self.wrap, &sealed[5..17], &sealed[17..65])?;
        let key = key.try_into().map_err(|_| OpenError::Form)?;
        decrypt(&key, &sealed[65..77], &sealed[77..])
    }

    /// Opens what a [`PublicKey`] sealed for the same place.
    ///
    /// # Errors
    /// [`OpenError::Changed`] for another key, another place or changed bytes.
    pub fn open_input(&self, sealed: &[u8], place: &str) -> Result<Secret, OpenError> {
        let text = self.pair.unseal(sealed).map_err(|_| OpenError::Changed)?;
        let (length, rest) = text.split_first_chunk::<8>().ok_or(OpenError::Form)?;
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| OpenError::Form)?;
        let (sealed_place, value) = rest.split_at_checked(length).ok_or(OpenError::Form)?;
        if sealed_place != place.as_bytes() {
            return Err(OpenError::Changed);
        }
        String::from_utf8(value.to_vec())
            .map(Secret::new)
            .map_err(|_| OpenError::Form)
    }

    /// The digest that approvals are bound to: HMAC-SHA-256 over length-prefixed parts. Without the key nobody can
    /// guess a secret from it.
    #[must_use]
    pub fn digest<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> Digest {
        // HMAC takes keys of any length.
        let mut mac =
            <Hmac<Sha256> as Mac>::new_from_slice(&self.mac).unwrap_or_else(|_| unreachable!());
        for part in parts {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        Digest::new(mac.finalize().into_bytes().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> WorkerKey {
        WorkerKey::from_master(&[n; 32])
    }

    #[test]
    fn a_record_opens_with_its_key_in_its_place_and_nowhere_else() {
        let sealed = key(1).seal(b"state", "state/12");
        assert_eq!(
            key(1).open(&sealed.0, "state/12").as_deref(),
            Ok(&b"state"[..])
        );
        assert_eq!(key(1).open(&sealed.0, "state/13"), Err(OpenError::Changed));
        assert_eq!(
            key(2).open(&sealed.0, "state/12"),
            Err(OpenError::OtherKey(key(1).id()))
        );
    }

    #[test]
    fn every_changed_or_missing_byte_is_noticed() {
        let sealed = key(1).seal(b"state", "p").0;
        for i in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[i] ^= 1;
            assert!(key(1).open(&changed, "p").is_err(), "byte {i}");
            assert!(key(1).open(&sealed[..i], "p").is_err(), "cut at {i}");
        }
    }

    #[test]
    fn two_sealings_of_one_text_differ() {
        assert_ne!(key(1).seal(b"x", "p"), key(1).seal(b"x", "p"));
    }

    #[test]
    fn an_input_sealed_by_the_web_opens_only_in_the_worker_and_in_its_place() {
        let sealed = key(1)
            .public()
            .seal(&Secret::new("hunter2"), "input/1")
            .unwrap();
        assert!(!sealed.0.windows(7).any(|w| w == b"hunter2"));
        assert_eq!(
            key(1).open_input(&sealed.0, "input/1").unwrap().expose(),
            "hunter2"
        );
        assert_eq!(
            key(1).open_input(&sealed.0, "input/2").unwrap_err(),
            OpenError::Changed
        );
        assert_eq!(
            key(2).open_input(&sealed.0, "input/1").unwrap_err(),
            OpenError::Changed
        );
    }

    #[test]
    fn the_digest_depends_on_the_key_and_on_where_parts_end() {
        let d = |n, parts: &[&[u8]]| key(n).digest(parts.iter().copied());
        assert_eq!(d(1, &[b"ab", b"c"]), d(1, &[b"ab", b"c"]));
        assert_ne!(d(1, &[b"ab", b"c"]), d(1, &[b"a", b"bc"]));
        assert_ne!(d(1, &[b"ab"]), d(2, &[b"ab"]));
    }

    #[test]
    fn a_secret_does_not_print() {
        assert_eq!(
            format!(
                "{:?} {:?}",
                Secret::new("hunter2"),
                key(1).seal(b"hunter2", "p")
            ),
            "Secret(…) Sealed(100 bytes)"
        );
    }
}
