//! Facts of a Compose file, ours or anybody's.

mod interpolate;
mod ports;
mod service;
pub(super) mod shell;

use std::{borrow::Cow, collections::BTreeMap};

use smol_str::SmolStr;

use self::interpolate::interpolate;
pub(super) use self::ports::number_key;
use super::{
    Facts, Names, Trouble, View,
    sink::Sink,
    text::{Marked, real_number},
};
use crate::{
    read::{Data, Node},
    value::{SecretRef, Value},
};

/// The most values that are copied out of services for others that extend them.
const MOST_COPIES: usize = 1 << 20;

/// What gives the bytes of a file that a Compose file names, such as `./files/x` or `../runtime/config.toml`.
pub type Files<'a> = &'a dyn Fn(&str) -> Option<Vec<u8>>;

/// The facts of a Compose file. `names` are those of the plan that the file was printed from; without them the file
/// is a stranger's, and its own services, aliases and ports are the names.
#[must_use]
pub fn of_compose(file: &Node<'_>, names: Option<&Names>, files: Files<'_>) -> (Facts, Vec<Trouble>) {
    let services = services(file);
    let own;
    let (names, ours) = match names {
        Some(names) => (names, true),
        None => {
            own = names_of(&services);
            (&own, false)
        }
    };
    let mut compose = Compose {
        names,
        ours,
        files,
        awaited: if ours { Vec::new() } else { awaited(&services) },
        secrets: secrets(file),
        configs: file.get("configs"),
        volumes: file.get("volumes"),
        services: services.iter().map(|(name, _)| &**name).collect(),
        sink: Sink::with_capacity(services.len() * 48),
        troubles: Vec::new(),
    };
    for (name, service) in &services {
        compose.sink.workload = names.endpoint(name);
        compose.service(name, service);
    }
    for (key, node) in file.entries() {
        if key == "include" {
            compose.trouble(node.line, "`include` is not followed".to_owned());
        }
    }
    (compose.sink.finish(), compose.troubles)
}

/// A Compose file while its facts are collected.
struct Compose<'a, 't> {
    names: &'a Names,
    /// Whether the file is ours: names are the plan's, and nothing is guessed.
    ours: bool,
    files: Files<'a>,
    /// Services that others wait for to end.
    awaited: Vec<String>,
    /// The secrets of the file by name.
    secrets: BTreeMap<&'a str, SecretRef>,
    configs: Option<&'a Node<'t>>,
    volumes: Option<&'a Node<'t>>,
    services: Vec<&'a str>,
    sink: Sink,
    troubles: Vec<Trouble>,
}

impl Compose<'_, '_> {
    fn trouble(&mut self, line: u32, message: String) {
        self.troubles.push(Trouble { line, message });
    }
}

/// The services with what they extend put in.
fn services<'a, 't>(file: &'a Node<'t>) -> Vec<(Cow<'t, str>, Cow<'a, Node<'t>>)> {
    let all = file.get("services").map_or(&[][..], Node::entries);
    let mut copies = MOST_COPIES;
    all.iter().map(|(name, service)| (name.clone(), extended(service, all, 0, &mut copies))).collect()
}

fn extended<'a, 't>(
    service: &'a Node<'t>,
    all: &'a [(Cow<'t, str>, Node<'t>)],
    depth: usize,
    copies: &mut usize,
) -> Cow<'a, Node<'t>> {
    let Some(extends) = service.get("extends").filter(|_| depth < 16) else { return Cow::Borrowed(service) };
    let base = extends.as_str().or_else(|| extends.get("service").filter(|_| extends.get("file").is_none())?.as_str());
    match base.and_then(|base| all.iter().find(|(name, _)| name == base)) {
        Some((_, base)) => {
            let base = extended(base, all, depth + 1, copies);
            let size = size(&base).saturating_add(size(service));
            if size > *copies {
                return Cow::Borrowed(service);
            }
            *copies -= size;
            Cow::Owned(merged(&base, service))
        }
        None => Cow::Borrowed(service),
    }
}

/// How many values a tree has.
fn size(node: &Node<'_>) -> usize {
    let items: usize = node.items().iter().map(size).sum();
    let entries: usize = node.entries().iter().map(|(_, node)| size(node)).sum();
    1 + items + entries
}

/// A service over another: maps are merged, lists follow each other, commands are replaced.
fn merged<'t>(base: &Node<'t>, over: &Node<'t>) -> Node<'t> {
    let data = match (&base.data, &over.data) {
        (Data::Map(base), Data::Map(over)) => {
            let mut entries = base.clone();
            for (key, node) in over {
                match entries.iter_mut().find(|(known, _)| known == key) {
                    Some((_, known)) if !matches!(&**key, "command" | "entrypoint" | "test") => {
                        *known = merged(known, node);
                    }
                    Some((_, known)) => *known = node.clone(),
                    None => entries.push((key.clone(), node.clone())),
                }
            }
            Data::Map(entries)
        }
        (Data::List(base), Data::List(over)) => Data::List(base.iter().chain(over).cloned().collect()),
        (_, over) => over.clone(),
    };
    Node { line: over.line, data }
}

/// What the services of a stranger's file call each other.
fn names_of(services: &[(Cow<'_, str>, Cow<'_, Node<'_>>)]) -> Names {
    let mut names = Names::none(View::Compose);
    let shared: Vec<SmolStr> = services.iter().map(|(name, _)| SmolStr::from(&**name)).collect();
    for name in &shared {
        names.host(name, name);
    }
    for ((_, service), name) in services.iter().zip(&shared) {
        let mut alias = |node: Option<&Node<'_>>| {
            if let Some(text) = node.and_then(Node::as_str).filter(|text| !text.contains('$')) {
                names.host(name, &text.into());
            }
        };
        alias(service.get("container_name"));
        alias(service.get("hostname"));
        for (_, network) in service.get("networks").map_or(&[][..], Node::entries) {
            for item in network.get("aliases").map_or(&[][..], Node::items) {
                alias(Some(item));
            }
        }
        for port in ports::of_service(service) {
            let key = port.key();
            names.port(name, &key, port.number);
        }
    }
    names
}

/// The services that another one waits for to end.
fn awaited(services: &[(Cow<'_, str>, Cow<'_, Node<'_>>)]) -> Vec<String> {
    let needs = services.iter().flat_map(|(_, service)| service.get("depends_on").map_or(&[][..], Node::entries));
    let ended = needs
        .filter(|(_, need)| need.get("condition").and_then(Node::as_str) == Some("service_completed_successfully"));
    ended.map(|(name, _)| name.to_string()).collect()
}

/// The secrets of a file: `…/NAME/KEY` of its file, or its own name.
fn secrets<'a>(file: &'a Node<'_>) -> BTreeMap<&'a str, SecretRef> {
    let entries = file.get("secrets").map_or(&[][..], Node::entries);
    let reference = |name: &str, node: &Node<'_>| {
        let path = node.get("file").and_then(Node::as_str).map(|path| path.rsplit('/'));
        let found = path.and_then(|mut parts| parts.next().zip(parts.next()));
        match found {
            Some((key, folder)) => SecretRef { name: folder.into(), key: key.into() },
            None => {
                let key = node.get("environment").or_else(|| node.get("name")).and_then(Node::as_str);
                SecretRef { name: name.into(), key: key.unwrap_or_default().into() }
            }
        }
    };
    entries.iter().map(|(name, node)| (&**name, reference(name, node))).collect()
}

/// A scalar of a Compose file as text after interpolation, and whether somebody has to set a variable in it.
fn text_of<'n>(node: &'n Node<'_>) -> Option<interpolate::Interpolated<'n>> {
    let plain = |text: String| interpolate::Interpolated {
        marked: Marked { text: Cow::Owned(text), ..Marked::default() },
        ..Default::default()
    };
    match &node.data {
        Data::String(text) => Some(interpolate(text)),
        Data::Bool(yes) => Some(plain(yes.to_string())),
        Data::Int(number) => Some(plain(number.to_string())),
        Data::Float(number) => Some(match real_number(*number) {
            Value::Int(whole) => plain(whole.to_string()),
            _ => plain(number.to_string()),
        }),
        Data::Null | Data::List(_) | Data::Map(_) => None,
    }
}

#[cfg(test)]
mod tests;
