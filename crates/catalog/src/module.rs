//! The Terraform module of a template: its variables, outputs, resources and providers.
//!
//! The portal writes the root module itself (backend, providers, one `module` block), so a template's module may not:
//! what would fight with that is refused here, with its line, instead of failing in somebody's first plan.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use hcl_edit::{
    Span,
    expr::Expression,
    parser,
    structure::{Block, Body, Structure},
};
use serde::{Deserialize, Serialize};
use slipway_domain::field::Field;

use crate::{
    broken::{Broken, line_at},
    bundle::Bundle,
    kind::constant,
    variable,
};

/// An output of the root module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// The author's words.
    pub description: Option<String>,
    /// Whether its value is hidden.
    pub sensitive: bool,
    /// The line of the word `output`, from 1, in `file`.
    pub line: u32,
    /// Where it stands.
    pub file: String,
}

/// A provider that the module or one of its own modules uses; Terraform's built-in one is not listed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Provider {
    /// Its address below the registry, such as `hashicorp/aws`.
    pub source: String,
    /// The constraint on its version, when the module states one.
    pub version: Option<String>,
}

/// What the module holds.
#[derive(Debug, Default)]
pub(crate) struct Module {
    pub fields: Vec<Field>,
    pub outputs: Vec<Output>,
    pub resources: BTreeSet<String>,
    pub providers: BTreeMap<String, Provider>,
    pub required_version: Option<String>,
}

/// One file with its text, so that a node's place is a line.
pub(crate) struct Source<'b> {
    pub path: &'b str,
    text: &'b str,
}

impl Source<'_> {
    /// A complaint about a node.
    pub fn broken(
        &self,
        node: &impl Span,
        reason: impl Into<String>,
        hint: impl Into<String>,
    ) -> Broken {
        Broken::new(self.path, self.line(node), reason, hint)
    }

    /// The line of a byte.
    pub fn line_of(&self, offset: usize) -> u32 {
        line_at(self.text, offset)
    }

    /// The text of a node.
    pub fn text(&self, node: &impl Span) -> &str {
        let span: Range<usize> = node.span().unwrap_or(0..0);
        self.text.get(span).unwrap_or_default()
    }
}

/// Blocks that a module may hold beside those that are read here. `action` and `list` are newer than most engines.
const OTHER_BLOCKS: [&str; 9] = [
    "locals",
    "moved",
    "removed",
    "import",
    "check",
    "ephemeral",
    "action",
    "list",
    "language",
];

/// Reads the root module and every local module that it calls.
///
/// # Errors
/// With the first thing that is wrong, in the order of the files' names.
pub(crate) fn read(bundle: &Bundle) -> Result<Module, Broken> {
    let mut module = Module::default();
    let mut waiting = vec![String::new()];
    let mut seen = BTreeSet::new();
    while let Some(folder) = waiting.pop() {
        if seen.insert(folder.clone()) {
            read_folder(bundle, &folder, &mut module, &mut waiting)?;
        }
    }
    Ok(module)
}

fn read_folder(
    bundle: &Bundle,
    folder: &str,
    module: &mut Module,
    waiting: &mut Vec<String>,
) -> Result<(), Broken> {
    let mut reader = Reader {
        root: folder.is_empty(),
        folder,
        bundle,
        module,
        waiting,
        providers: BTreeMap::new(),
        used: BTreeSet::new(),
    };
    let mut files = 0;
    for (path, bytes) in bundle.iter() {
        let Some(name) = path.strip_prefix(folder).filter(|name| !name.contains('/')) else {
            continue;
        };
        if name.ends_with(".tf.json") || name.ends_with(".tofu") || name.ends_with(".tofu.json") {
            return Err(Broken::new(
                path,
                1,
                "Only .tf files are read.",
                "Write it as .tf, which every engine reads.",
            ));
        }
        if !name.ends_with(".tf") {
            continue;
        }
        if name == "override.tf" || name.ends_with("_override.tf") {
            return Err(Broken::new(
                path,
                1,
                "Override files are not read.",
                "Put the change into the file itself.",
            ));
        }
        files += 1;
        let text = std::str::from_utf8(bytes).map_err(|error| {
            Broken::new(
                path,
                first_bad_line(bytes, error.valid_up_to()),
                "This is not UTF-8.",
                "",
            )
        })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let body = parser::parse_body(text).map_err(|error| syntax(path, &error))?;
        reader.body(&Source { path, text }, &body)?;
    }
    if files == 0 {
        let shown = if folder.is_empty() {
            "."
        } else {
            folder.trim_end_matches('/')
        };
        return Err(Broken::new(
            shown,
            1,
            "There is no .tf file here.",
            "A template needs a Terraform module.",
        ));
    }
    reader.finish();
    Ok(())
}

fn first_bad_line(bytes: &[u8], offset: usize) -> u32 {
    line_at(
        &String::from_utf8_lossy(&bytes[..offset.min(bytes.len())]),
        offset,
    )
}

fn syntax(path: &str, error: &parser::Error) -> Broken {
    let line = u32::try_from(error.location().line()).unwrap_or(1);
    let reason = format!(
        "The syntax is wrong here: {}.",
        error.message().trim_end_matches('.')
    );
    Broken::new(
        path,
        line,
        reason,
        "Run “terraform fmt” in the template's folder.",
    )
}

struct Reader<'r> {
    root: bool,
    folder: &'r str,
    bundle: &'r Bundle,
    module: &'r mut Module,
    waiting: &'r mut Vec<String>,
    /// By local name.
    providers: BTreeMap<String, Provider>,
    /// Local names that resources use.
    used: BTreeSet<String>,
}

impl Reader<'_> {
    fn body(&mut self, source: &Source<'_>, body: &Body) -> Result<(), Broken> {
        for structure in body {
            match structure {
                Structure::Attribute(attribute) => {
                    let reason =
                        format!("“{}” stands outside of every block.", attribute.key.value());
                    return Err(source.broken(attribute, reason, "A module holds only blocks."));
                }
                Structure::Block(block) => self.block(source, block)?,
            }
        }
        Ok(())
    }

    fn block(&mut self, source: &Source<'_>, block: &Block) -> Result<(), Broken> {
        match block.ident.value().as_str() {
            "variable" => {
                let field = variable::read(source, block)?;
                if self.root {
                    if let Some(first) = self
                        .module
                        .fields
                        .iter()
                        .find(|known| known.name == field.name)
                    {
                        let reason = format!(
                            "The variable “{}” is already declared in {}:{}.",
                            field.name, first.file, first.line
                        );
                        return Err(source.broken(block, reason, "Remove one of them."));
                    }
                    self.module.fields.push(field);
                }
            }
            "output" => self.output(source, block)?,
            "resource" | "data" | "ephemeral" if block.labels.len() != 2 => {
                return Err(source.broken(
                    block,
                    "A resource has a type and a name.",
                    "Give it both.",
                ));
            }
            word @ ("resource" | "data" | "ephemeral") => {
                let kind = block.labels[0].as_str();
                let provider = block
                    .body
                    .get_attribute("provider")
                    .map(|a| source.text(&a.value));
                let provider = provider
                    .and_then(|text| text.split('.').next())
                    .map(str::trim);
                let prefix = kind.split('_').next().unwrap_or(kind);
                self.used.insert(provider.unwrap_or(prefix).to_owned());
                if word == "resource" {
                    self.module.resources.insert(kind.to_owned());
                }
            }
            "module" => self.call(source, block)?,
            "terraform" => self.terraform(source, block)?,
            "provider" => {
                return Err(source.broken(
                    block,
                    "The module configures a provider.",
                    "Remove the block: the portal configures providers for each environment.",
                ));
            }
            word if OTHER_BLOCKS.contains(&word) => {}
            word => {
                let reason = format!("Terraform has no block “{word}”.");
                return Err(source.broken(block, reason, "Correct its spelling."));
            }
        }
        Ok(())
    }

    fn output(&mut self, source: &Source<'_>, block: &Block) -> Result<(), Broken> {
        let [name] = &block.labels[..] else {
            return Err(source.broken(block, "An output has exactly one name.", ""));
        };
        if block.body.get_attribute("value").is_none() {
            return Err(source.broken(block, "The output has no value.", "Add “value = …”."));
        }
        if !self.root {
            return Ok(());
        }
        let name = name.as_str().to_owned();
        if let Some(first) = self.module.outputs.iter().find(|known| known.name == name) {
            let reason = format!(
                "The output “{name}” is already declared in {}:{}.",
                first.file, first.line
            );
            return Err(source.broken(block, reason, "Remove one of them."));
        }
        let description = match block.body.get_attribute("description") {
            Some(attribute) => variable::text(source, attribute)?,
            None => None,
        };
        let sensitive = match block.body.get_attribute("sensitive") {
            Some(attribute) => variable::flag(source, attribute)?,
            None => false,
        };
        let (line, file) = (source.line(block), source.path.to_owned());
        self.module.outputs.push(Output {
            name,
            description,
            sensitive,
            line,
            file,
        });
        Ok(())
    }

    fn terraform(&mut self, source: &Source<'_>, block: &Block) -> Result<(), Broken> {
        if let Some(attribute) = block.body.get_attribute("required_version")
            && self.root
        {
            self.module.required_version = variable::text(source, attribute)?;
        }
        for inner in block.body.blocks() {
            match inner.ident.value().as_str() {
                "required_providers" => self.required_providers(source, inner)?,
                "provider_meta" => {}
                word @ ("backend" | "cloud") => {
                    return Err(source.broken(
                        inner,
                        format!("The module chooses where its state is kept (“{word}”)."),
                        "Remove the block: the portal keeps the state of each environment.",
                    ));
                }
                word => {
                    let reason = format!("A terraform block has no block “{word}”.");
                    return Err(source.broken(inner, reason, "Correct its spelling."));
                }
            }
        }
        Ok(())
    }

    fn required_providers(&mut self, source: &Source<'_>, block: &Block) -> Result<(), Broken> {
        for attribute in block.body.attributes() {
            let name = attribute.key.value().to_string();
            let wrong = || {
                source.broken(
                    attribute,
                    format!("The provider “{name}” is declared wrongly."),
                    "Write { source = \"hashicorp/aws\", version = \"~> 5.0\" }.",
                )
            };
            let mut provider = Provider {
                source: format!("hashicorp/{name}"),
                version: None,
            };
            match &attribute.value {
                Expression::Object(object) => {
                    for (key, value) in object {
                        // `configuration_aliases` holds names that are not constants.
                        let value = constant(value.expr())
                            .ok()
                            .and_then(|value| value.as_text());
                        match key.as_ident().map(|ident| ident.as_str()) {
                            Some("source") => {
                                let address = value.ok_or_else(wrong)?.to_lowercase();
                                let address = address
                                    .strip_prefix("registry.terraform.io/")
                                    .unwrap_or(&address);
                                provider.source = address.to_owned();
                            }
                            Some("version") => provider.version = Some(value.ok_or_else(wrong)?),
                            Some("configuration_aliases") => {}
                            _ => return Err(wrong()),
                        }
                    }
                }
                other => {
                    provider.version = Some(
                        constant(other)
                            .ok()
                            .and_then(|v| v.as_text())
                            .ok_or_else(wrong)?,
                    )
                }
            }
            self.providers.insert(name, provider);
        }
        Ok(())
    }

    fn call(&mut self, source: &Source<'_>, block: &Block) -> Result<(), Broken> {
        let Some(attribute) = block.body.get_attribute("source") else {
            return Err(source.broken(
                block,
                "The module call has no source.",
                "Add “source = \"./modules/…\"”.",
            ));
        };
        let Some(address) = constant(&attribute.value)
            .ok()
            .and_then(|value| value.as_text())
        else {
            return Err(source.broken(attribute, "The module's source must be a constant.", ""));
        };
        if !address.starts_with("./") && !address.starts_with("../") {
            return Err(source.broken(
                attribute,
                format!("The module “{address}” is not part of the template."),
                "Copy it below ./modules: only what lies in the template is pinned by its version.",
            ));
        }
        let folder = inside(self.folder, &address).ok_or_else(|| {
            let reason = format!("The module “{address}” leaves the template's folder.");
            source.broken(attribute, reason, "Copy it below ./modules.")
        })?;
        if !self
            .bundle
            .iter()
            .any(|(path, _)| path.starts_with(&folder) && path.ends_with(".tf"))
        {
            let reason = format!("The module “{address}” does not exist.");
            return Err(source.broken(attribute, reason, "Correct the path."));
        }
        self.waiting.push(folder);
        Ok(())
    }

    /// Resolves what the resources use to providers.
    fn finish(self) {
        for name in self.used {
            if name != "terraform" && !self.providers.contains_key(&name) {
                let source = format!("hashicorp/{name}");
                self.module
                    .providers
                    .entry(source.clone())
                    .or_insert(Provider {
                        source,
                        version: None,
                    });
            }
        }
        for (_, provider) in self.providers {
            if provider.source == "terraform.io/builtin/terraform" {
                continue;
            }
            let known = self
                .module
                .providers
                .entry(provider.source.clone())
                .or_insert_with(|| provider.clone());
            if known.version.is_none() {
                known.version = provider.version;
            }
        }
    }
}

/// The folder of a local module, with `/` at its end; `None` when the path leaves the bundle.
fn inside(folder: &str, address: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in address.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    // A module that calls the root again would never end.
    (!parts.is_empty()).then(|| format!("{}/", parts.join("/")))
}
