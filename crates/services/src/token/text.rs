//! What a token looks like: `slipway_`, 43 characters of base64url (256 bits), and 6 more that are a checksum over what
//! stands before them. Whoever looks for lost tokens finds them by `slipway_[A-Za-z0-9_-]{49}`, and the checksum tells
//! them from what only looks like one, without asking anybody.

/// How every token begins.
pub const PREFIX: &str = "slipway_";

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A new one.
pub fn new() -> String {
    let body = format!("{PREFIX}{}", base64url(&slipway_seal::random::<32>()));
    let sum = checksum(&body);
    body + &sum
}

/// True for what has the form of a token, checksum included. It says nothing about whether there is such a token.
#[must_use]
pub fn is_token(text: &str) -> bool {
    text.len() == PREFIX.len() + 49
        && text.is_ascii()
        && text.starts_with(PREFIX)
        && text[text.len() - 6..] == checksum(&text[..text.len() - 6])
}

pub fn hash(token: &str) -> [u8; 32] {
    slipway_seal::sha256(token.as_bytes())
}

/// CRC-32 (as in zlib), as four bytes from the highest on.
fn checksum(body: &str) -> String {
    let mut crc = flate2::Crc::new();
    crc.update(body.as_bytes());
    base64url(&crc.sum().to_be_bytes())
}

/// Without padding.
fn base64url(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut group = [0; 3];
        group[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        for n in 0..=chunk.len() {
            let digit = (bits >> (18 - 6 * n)) & 63;
            text.push(char::from(DIGITS[digit as usize]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_form_and_a_slip_shows() {
        let token = new();
        assert_eq!(token.len(), 57);
        assert!(is_token(&token), "{token}");
        assert_ne!(token, new());
        for n in 0..token.len() {
            let mut other = token.clone().into_bytes();
            other[n] = if other[n] == b'x' { b'y' } else { b'x' };
            assert!(!is_token(&String::from_utf8(other).unwrap()), "{n}");
        }
        for bad in [
            "",
            "slipway_",
            &token[1..],
            &format!("{token}A"),
            &"ü".repeat(30),
        ] {
            assert!(!is_token(bad), "{bad:?}");
        }
    }

    #[test]
    fn the_digits_are_those_of_base64url() {
        assert_eq!(base64url(b""), "");
        assert_eq!(base64url(b"f"), "Zg");
        assert_eq!(base64url(b"fo"), "Zm8");
        assert_eq!(base64url(b"foobar"), "Zm9vYmFy");
        assert_eq!(base64url(&[0xfb, 0xff]), "-_8");
        // What the page for scanners says, by the numbers of zlib.
        let zeros = format!("{PREFIX}{}", "A".repeat(43));
        assert_eq!(checksum(&zeros).len(), 6);
        assert!(is_token(&(zeros.clone() + &checksum(&zeros))));
    }
}
