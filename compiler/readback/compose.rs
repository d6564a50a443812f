//! The Compose file against the facts of Compose's view, and its names against each other.

use std::borrow::Cow;

use crate::{
    diag::{Diags, codes},
    facts::{self, Fact, Facts, Names, compare},
    plan::{self, Deployment, FactPath},
    read::{Data, Node},
    source::Span,
    targets::File,
};

/// What the plan says to Compose.
pub(super) struct Compose<'a> {
    pub deployment: &'a Deployment,
    pub compose: &'a plan::Compose,
    pub names: &'a Names,
    /// The facts of its workloads, in Compose's words.
    pub facts: &'a Facts,
}

impl Compose<'_> {
    /// Reports facts that the file says otherwise, more, or not at all, and names that lead nowhere.
    pub(super) fn check(&self, tree: &Node<'_>, file: &File, files: &[File], diags: &mut Diags) {
        let folder = format!("{}/compose", self.deployment.name);
        let (found, _) =
            facts::of_compose(tree, Some(self.names), &|path| content(&folder, path, files).map(<[u8]>::to_vec));
        let mut more = Vec::new();
        for (path, wanted, found) in facts::side_by_side(self.facts, &found) {
            match (wanted, found) {
                (Some(fact), Some(other)) if !compare::same(other, fact) => {
                    differs(path, fact, Some(other), file, diags);
                }
                (Some(fact), None) if path.row().is_some_and(|field| field.compose) => {
                    differs(path, fact, None, file, diags);
                }
                (None, Some(fact)) => more.push((path, fact)),
                _ => {}
            }
        }
        for (path, fact) in more {
            // Services that the environment adds by `raw` are no workloads of the stack.
            if self.compose.workloads.iter().any(|workload| workload.name == path.workload) {
                self.more(path, fact, file, diags);
            }
        }
        super::shape::check(tree, self.compose, file, &|path| content(&folder, path, files), diags);
        self.references(tree, file, diags);
    }

    fn more(&self, path: &FactPath, fact: &Fact, file: &File, diags: &mut Diags) {
        let line = fact.place.line;
        diags.push(match raw_at(line, file) {
            Some(at) => codes::RAW_FACT
                .at(at, format!("this says `{path}`, which is no business of `raw`"))
                .hint("set it in the settings; for Compose alone: `override \"compose\" because=\"…\" { … }`"),
            None => {
                let message = format!("line {line} of `{}` says `{path}`, and nothing here does", file.path);
                codes::COMPOSE_DIFFERS.at(self.compose.project.at, message)
            }
        });
    }

    /// Every volume, network, secret, configuration and service that a service names is there.
    fn references(&self, tree: &Node<'_>, file: &File, diags: &mut Diags) {
        for (name, service) in tree.get("services").map_or(&[][..], Node::entries) {
            for Named { list, name: wanted, line } in named(service) {
                if tree.at(&[list, &wanted]).is_some() {
                    continue;
                }
                let workload = self.compose.workloads.iter().find(|workload| *workload.name == **name);
                let at = raw_at(line, file).or(workload.map(|workload| workload.at));
                let message =
                    format!("line {line} of `{}`: `{name}` names `{wanted}`, which is not under `{list}`", file.path);
                let finding = codes::DANGLING_NAME.at(at.unwrap_or(self.compose.project.at), message);
                diags.push(finding.hint(format!("add `{wanted}` to `{list}` of the same file")));
            }
        }
    }
}

fn differs(path: &FactPath, fact: &Fact, found: Option<&Fact>, file: &File, diags: &mut Diags) {
    let says = match found {
        Some(found) => format!("line {} of `{}` says {}", found.place.line, file.path, super::spell(&found.value)),
        None => format!("`{}` does not say it", file.path),
    };
    let message = format!("`{path}` is {}{}, and {says}", super::spell(&fact.value), super::settings_of(fact));
    diags.push(codes::COMPOSE_DIFFERS.at(super::place(fact), message));
}

/// Where the environment says by `raw` what stands on a line of a file.
fn raw_at(line: u32, file: &File) -> Option<Span> {
    let mut raw = file.leaves.iter().filter(|leaf| super::is_raw(*leaf));
    raw.find(|leaf| file.line_of(*leaf) == Some(line as usize)).map(|leaf| leaf.at())
}

/// What a file holds that a service mounts, by its path relative to the Compose file.
fn content<'f>(folder: &str, path: &str, files: &'f [File]) -> Option<&'f [u8]> {
    let mut parts: Vec<&str> = folder.split('/').collect();
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." => _ = parts.pop()?,
            part => parts.push(part),
        }
    }
    let path = parts.join("/");
    files.iter().find(|file| file.path == path).map(|file| &*file.bytes)
}

/// A name in a service of something at the top of the file.
struct Named<'n> {
    /// Where it has to be.
    list: &'static str,
    name: Cow<'n, str>,
    line: u32,
}

/// Everything that a service names, in the short forms too: `raw` may use them.
fn named<'n>(service: &'n Node<'_>) -> Vec<Named<'n>> {
    let mut found = Vec::new();
    for mount in service.get("volumes").map_or(&[][..], Node::items) {
        let name = match &mount.data {
            Data::String(text) => text.split_once(':').map(|(source, _)| source).filter(|source| is_name(source)),
            _ if mount.get("type").and_then(Node::as_str) == Some("volume") => {
                mount.get("source").and_then(Node::as_str)
            }
            _ => None,
        };
        found.extend(name.map(|name| Named { list: "volumes", name: name.into(), line: mount.line }));
    }
    for list in ["secrets", "configs"] {
        for mount in service.get(list).map_or(&[][..], Node::items) {
            let name = mount.as_str().or_else(|| mount.get("source").and_then(Node::as_str));
            found.extend(name.map(|name| Named { list, name: name.into(), line: mount.line }));
        }
    }
    for (key, list) in [("depends_on", "services"), ("networks", "networks")] {
        let Some(node) = service.get(key) else { continue };
        let keys = node.entries().iter().map(|(name, node)| (name.as_ref(), node.line));
        let items = node.items().iter().filter_map(|item| Some((item.as_str()?, item.line)));
        // The network of the project is there without being named.
        let names = keys.chain(items).filter(|(name, _)| (list, *name) != ("networks", "default"));
        found.extend(names.map(|(name, line)| Named { list, name: name.into(), line }));
    }
    found
}

/// Whether the source of a mount is a volume, not a path.
fn is_name(source: &str) -> bool {
    !source.is_empty() && !source.contains(['/', '$', '~', '\\']) && !source.starts_with('.')
}
