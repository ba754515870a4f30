//! What moves in the browser. An island is a leaf without props: it reads what it needs from the document, which the
//! server rendered, and never puts log text or anybody's input into `innerHTML`.

#[cfg(feature = "hydrate")]
mod dom;
mod keys;
mod live;
mod log;
#[cfg(feature = "hydrate")]
mod morph;

pub use keys::Keys;
pub use live::Live;
pub use log::LogTools;
