//! The Compose file against the facts of Compose's view, and its names against each other.

use crate::{
    diag::{Diags, codes},
    facts::{self, Fact, Names},
    plan::{Compose, Deployment, FactPath},
    read::Node,
    targets::File,
};

/// Reports facts that the file says otherwise, more, or not at all, and names that lead nowhere.
pub(super) fn check(deployment: &Deployment, compose: &Compose, file: &File, files: &[File], diags: &mut Diags) {
    let Some(Ok(tree)) = super::tree_of(file) else { return };
    let names = Names::of_compose(compose, &deployment.helm);
    let wanted = facts::of_workloads(&compose.workloads, &deployment.configs, &names);
    let folder = format!("{}/compose", deployment.name);
    let (found, _) = facts::of_compose(&tree, Some(&names), &|path| content(&folder, path, files));
    for (path, fact) in &wanted {
        let said = path.kind.row().field(&path.field).is_some_and(|field| field.compose);
        match found.get(path) {
            None if said => differs(path, fact, None, file, diags),
            Some(other) if !super::carried::same(&other.value, &fact.value) => {
                differs(path, fact, Some(other), file, diags);
            }
            _ => {}
        }
    }
    for (path, fact) in found.iter().filter(|(path, _)| !wanted.contains_key(*path)) {
        // Services that the environment adds by `raw` are no workloads of the stack.
        if compose.workloads.iter().any(|workload| workload.name == path.workload) {
            let message = format!("`{}` line {} says `{path}`, and nothing here does", file.path, fact.place.line);
            diags.push(codes::COMPOSE_DIFFERS.at(compose.project.at, message));
        }
    }
    super::shape::check(&tree, compose, file, diags);
    references(&tree, file, compose, diags);
}

fn differs(path: &FactPath, fact: &Fact, found: Option<&Fact>, file: &File, diags: &mut Diags) {
    let says = match found {
        Some(found) => format!("line {} of `{}` says {}", found.place.line, file.path, super::spell(&found.value)),
        None => format!("`{}` does not say it", file.path),
    };
    let message = format!("`{path}` is {}{}, and {says}", super::spell(&fact.value), super::settings_of(fact));
    diags.push(codes::COMPOSE_DIFFERS.at(super::place(fact), message));
}

/// What a file holds that a service mounts, by its path relative to the Compose file.
fn content(folder: &str, path: &str, files: &[File]) -> Option<Vec<u8>> {
    let mut parts: Vec<&str> = folder.split('/').collect();
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." => _ = parts.pop()?,
            part => parts.push(part),
        }
    }
    let path = parts.join("/");
    files.iter().find(|file| file.path == path).map(|file| file.bytes.clone())
}

/// Every volume, secret and service that a service names is there.
fn references(tree: &Node<'_>, file: &File, compose: &Compose, diags: &mut Diags) {
    let services = tree.get("services").map_or(&[][..], Node::entries);
    for (name, service) in services {
        let mut named: Vec<(&str, &str, u32)> = Vec::new();
        for mount in service.get("volumes").map_or(&[][..], Node::items) {
            if mount.get("type").and_then(Node::as_str) == Some("volume") {
                named.extend(mount.get("source").and_then(Node::as_str).map(|source| ("volumes", source, mount.line)));
            }
        }
        for list in ["secrets", "configs"] {
            for mount in service.get(list).map_or(&[][..], Node::items) {
                named.extend(mount.get("source").and_then(Node::as_str).map(|source| (list, source, mount.line)));
            }
        }
        for (other, need) in service.get("depends_on").map_or(&[][..], Node::entries) {
            named.push(("services", other, need.line));
        }
        for (list, wanted, line) in named {
            if tree.at(&[list, wanted]).is_none() {
                let workload = compose.workloads.iter().find(|workload| *workload.name == **name);
                let at = workload.map_or(compose.project.at, |workload| workload.at);
                let message =
                    format!("line {line} of `{}`: `{name}` names `{wanted}`, which is not under `{list}`", file.path);
                diags.push(codes::DANGLING_NAME.at(at, message));
            }
        }
    }
}
