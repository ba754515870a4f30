use std::fmt;

use zeroize::{Zeroize, Zeroizing};

/// Bytes in the clear that hold secrets: a saved plan, a state, a projection. To be sealed or digested, never stored
/// or shown as they are; overwritten when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Clear(Zeroizing<Vec<u8>>);

impl Clear {
    /// Takes bytes into custody.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes themselves. Every call is a place to look at in review.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// How many bytes they are.
    #[must_use]
    pub fn size(&self) -> usize {
        self.0.len()
    }
}

impl Zeroize for Clear {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Clear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clear({} bytes)", self.0.len())
    }
}
