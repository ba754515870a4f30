//! STRONGROOM: how what is secret is kept, and nothing else.
//!
//! - [`Secret`]: a text that cannot be printed.
//! - [`WorkerKey`]: the one master key of the workers; from it are derived the envelope key (state, saved plans), the
//!   digest key (what an approval is bound to) and the key pair that sensitive inputs are sealed to.
//! - [`PublicKey`]: what the web process holds: it can seal, and never open.
//!
//! Forbidden here: I/O, logging, and any `Debug` or `Display` that shows a value.

mod digest;
mod envelope;
mod secret;
mod sign;

pub use digest::Digest;
pub use envelope::{OpenError, PublicKey, Sealed, WorkerKey};
pub use secret::Secret;
pub use sign::{SigningKey, is_signed};

/// Fills an array from the operating system's random source.
///
/// # Panics
/// If the operating system has no randomness to give; nothing safe could follow.
#[must_use]
pub fn random<const N: usize>() -> [u8; N] {
    use crypto_box::aead::{OsRng, rand_core::RngCore};
    let mut bytes = [0; N];
    OsRng.fill_bytes(&mut bytes);
    bytes
}

/// SHA-256, for things that need no key: tokens at rest, content addresses.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).into()
}

/// A text of 64 hexadecimal digits that only the holder of `secret` can work out, another one for each purpose.
/// `secret` must be random, of 256 bits.
#[must_use]
pub fn derive(secret: &str, purpose: &str) -> String {
    let mut out = [0; 32];
    // 32 bytes are always a valid length for SHA-256.
    let _ = hkdf::Hkdf::<sha2::Sha256>::new(Some(b"slipway/derive"), secret.as_bytes())
        .expand(purpose.as_bytes(), &mut out);
    hex(&out)
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Reads lower- or upper-case hexadecimal; `None` if it is not that.
#[must_use]
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&text[i..i + 2], 16).ok())
        .collect()
}

/// Compares in a time that depends on the lengths only.
#[must_use]
pub fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |sum, (x, y)| sum | (x ^ y)) == 0
}
