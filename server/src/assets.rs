//! The built browser side: hashed names, never changed, compressed in advance. Nothing outside the list is served.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{
    Router,
    extract::{Path as UrlPath, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};

/// The files that exist, by the path below `/assets/`, with the encodings that they have.
#[derive(Debug, Default)]
struct Files {
    folder: PathBuf,
    known: BTreeMap<String, BTreeSet<&'static str>>,
}

const ENCODINGS: [(&str, &str); 2] = [("br", "br"), ("gzip", "gz")];

/// Routes for the site's files.
pub fn router(site: &Path) -> Router {
    let mut files = Files {
        folder: site.to_owned(),
        known: BTreeMap::new(),
    };
    collect(site, site, &mut files.known);
    Router::new()
        .route("/assets/{*path}", get(serve))
        .with_state(Arc::new(files))
}

fn collect(root: &Path, folder: &Path, known: &mut BTreeMap<String, BTreeSet<&'static str>>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if kind.is_dir() {
            collect(root, &path, known);
        } else if kind.is_file()
            && let Ok(name) = path.strip_prefix(root)
        {
            let name = name.to_string_lossy().into_owned();
            if name == "assets.json" || name.ends_with(".br") || name.ends_with(".gz") {
                continue;
            }
            let beside = |end: &str| PathBuf::from(format!("{}.{end}", path.display())).is_file();
            known.insert(
                name,
                ENCODINGS
                    .iter()
                    .filter(|(_, end)| beside(end))
                    .map(|(name, _)| *name)
                    .collect(),
            );
        }
    }
}

async fn serve(
    State(files): State<Arc<Files>>,
    UrlPath(path): UrlPath<String>,
    headers: HeaderMap,
) -> Response {
    let Some(encodings) = files.known.get(&path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let accepted = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    let accepts = |name: &str| {
        accepted.split(',').any(|part| {
            part.split(';').next().is_some_and(|p| p.trim() == name)
                && !part.replace(' ', "").ends_with(";q=0")
        })
    };
    let chosen = ENCODINGS
        .iter()
        .find(|(name, _)| encodings.contains(name) && accepts(name));
    let mut file = files.folder.join(&path).into_os_string();
    if let Some((_, end)) = chosen {
        file.push(format!(".{end}"));
    }
    let Ok(bytes) = tokio::fs::read(&file).await else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kind = match path.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    };
    let mut response = (
        [
            (header::CONTENT_TYPE, kind),
            (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            (header::VARY, "accept-encoding"),
        ],
        bytes,
    )
        .into_response();
    if let Some((name, _)) = chosen
        && let Ok(value) = name.parse()
    {
        response
            .headers_mut()
            .insert(header::CONTENT_ENCODING, value);
    }
    response
}
