//! Writes every page, full, empty and failing, to `target/gallery/*.html`, with the style sheets beside them: for
//! looking at them in a browser. `cargo run -p slipway-app --features render --example gallery`

mod world;

use std::{fs, path::Path};

fn main() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let to = root.join("target/gallery");
    fs::create_dir_all(&to)?;
    for entry in fs::read_dir(root.join("style"))? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    let mut index = String::from("<!doctype html><meta charset=utf-8><title>Gallery</title><ul>");
    for (name, html) in world::documents(false) {
        fs::write(to.join(format!("{name}.html")), html)?;
        index.push_str(&format!("<li><a href=\"{name}.html\">{name}</a></li>"));
    }
    // What a hostile person would write, for the eye: nothing of it may come alive.
    fs::create_dir_all(to.join("hostile"))?;
    for (name, html) in world::documents(true) {
        fs::write(
            to.join(format!("hostile/{name}.html")),
            html.replace("main.css", "../main.css"),
        )?;
    }
    fs::write(to.join("index.html"), index)
}
