//! The names of the built files, which carry a hash of their content.

use std::{collections::BTreeMap, path::Path};

/// Logical names such as `style.css` to the path below `/assets/`.
#[derive(Clone, Debug, Default)]
pub struct Assets(BTreeMap<String, String>);

impl Assets {
    /// Reads `assets.json` of a built site: a JSON object from logical names to paths below the site's folder.
    ///
    /// # Errors
    /// When the file is missing or not such an object.
    pub fn read(site: &Path) -> std::io::Result<Self> {
        let text = std::fs::read_to_string(site.join("assets.json"))?;
        serde_json::from_str(&text)
            .map(Self)
            .map_err(|error| std::io::Error::new(std::io::ErrorKind::InvalidData, error))
    }

    /// Takes names and paths as they are; what tests and the gallery use.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(name, path)| (name.to_owned(), path.to_owned()))
                .collect(),
        )
    }

    /// The URL of a logical name. A file that was never built gets its plain name, and so an honest 404.
    #[must_use]
    pub fn url(&self, name: &str) -> String {
        let path = self.0.get(name).map_or(name, String::as_str);
        if path.starts_with('/') || path.contains("://") {
            return path.to_owned();
        }
        format!("/assets/{path}")
    }
}
