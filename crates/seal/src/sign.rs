use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

/// Signs (Ed25519), so that anybody who has the public half can see that nobody else did.
pub struct SigningKey(Option<Ed25519KeyPair>);

impl SigningKey {
    pub(crate) fn from_seed(seed: &[u8; 32]) -> Self {
        // 32 bytes are always a seed.
        Self(Ed25519KeyPair::from_seed_unchecked(seed).ok())
    }

    /// The half that may be published.
    #[must_use]
    pub fn public(&self) -> Vec<u8> {
        self.0
            .as_ref()
            .map(|pair| pair.public_key().as_ref().to_vec())
            .unwrap_or_default()
    }

    /// A signature over a message.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0
            .as_ref()
            .map(|pair| pair.sign(message).as_ref().to_vec())
            .unwrap_or_default()
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({})", crate::hex(&self.public()))
    }
}

/// True if the holder of the private half of `public` signed exactly this message.
#[must_use]
pub fn is_signed(public: &[u8], message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, public)
        .verify(message, signature)
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_over_this_message_by_this_key() {
        let (one, two) = (
            SigningKey::from_seed(&[1; 32]),
            SigningKey::from_seed(&[2; 32]),
        );
        let signature = one.sign(b"chain");
        assert!(is_signed(&one.public(), b"chain", &signature));
        assert!(!is_signed(&one.public(), b"chain2", &signature));
        assert!(!is_signed(&two.public(), b"chain", &signature));
        assert!(!is_signed(&[], b"chain", &signature) && !is_signed(&one.public(), b"chain", &[]));
    }
}
