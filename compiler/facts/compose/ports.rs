//! Ports of a Compose service, in all the ways to write them.

use smol_str::SmolStr;

use super::text_of;
use crate::read::{Data, Node};

/// A port of a service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Port {
    /// Its name, where it has one.
    pub(super) name: Option<SmolStr>,
    /// The container's port.
    pub(super) number: i64,
    /// `tcp` or `udp`.
    pub(super) protocol: SmolStr,
    /// The port of the host, or a text where that is not a number.
    pub(super) publish: Option<Result<i64, String>>,
    /// The line that says it.
    pub(super) line: u32,
}

impl Port {
    /// What facts call it: its name, or else its number.
    pub(super) fn key(&self) -> SmolStr {
        match &self.name {
            Some(name) => name.clone(),
            None => number_key(self.number, &self.protocol),
        }
    }
}

/// What facts call a port without a name: `8080`, `53/udp`.
pub(in crate::facts) fn number_key(number: i64, protocol: &str) -> SmolStr {
    if protocol == "tcp" { number.to_string().into() } else { format!("{number}/{protocol}").into() }
}

/// The most ports of a service that are told apart, so that ranges cannot fill the memory.
const MOST: usize = 256;

/// All ports of a service, those that are only exposed first.
pub(super) fn of_service(service: &Node<'_>) -> Vec<Port> {
    let mut ports = Vec::new();
    for item in service.get("expose").map_or(&[][..], Node::items) {
        ports.extend(short(item, true));
        ports.truncate(MOST);
    }
    for item in service.get("ports").map_or(&[][..], Node::items) {
        match &item.data {
            Data::Map(_) => ports.extend(long(item)),
            _ => ports.extend(short(item, false)),
        }
        ports.truncate(MOST);
    }
    ports
}

fn long(item: &Node<'_>) -> Vec<Port> {
    let text = |key: &str| item.get(key).and_then(text_of).map(|text| text.marked.text.into_owned());
    let protocol: SmolStr = text("protocol").map_or_else(|| "tcp".into(), Into::into);
    let name = text("name").map(Into::into);
    let published = text("published").filter(|text| !text.is_empty());
    let Some(targets) = text("target").as_deref().and_then(range) else { return Vec::new() };
    expand(targets, published.as_deref(), name, &protocol, item.line)
}

/// `8080`, `80:8080`, `127.0.0.1:80:8080/udp`, `9000-9002:9000-9002`.
fn short(item: &Node<'_>, exposed: bool) -> Vec<Port> {
    let Some(text) = text_of(item) else { return Vec::new() };
    let text = text.marked.text.trim().to_owned();
    let (ports, protocol) = text.rsplit_once('/').unwrap_or((&text, "tcp"));
    let protocol: SmolStr = protocol.to_ascii_lowercase().into();
    let (published, target) = match ports.rsplit_once(':') {
        Some((before, target)) => (Some(after_address(before)), target),
        None => (None, ports),
    };
    let Some(targets) = range(target) else { return Vec::new() };
    // Without a host's port, Docker takes any that is free: published, but nobody knows where.
    let published = if exposed { None } else { published.filter(|text| !text.is_empty()) };
    expand(targets, published, None, &protocol, item.line)
}

/// The port in `127.0.0.1:80`, `[::1]:80` or `80`.
fn after_address(text: &str) -> &str {
    match text.rsplit_once(':') {
        Some((_, port)) => port,
        None if text.contains('.') => "",
        None => text,
    }
}

/// One number, or the first and last of a range.
fn range(text: &str) -> Option<(i64, i64)> {
    let port = |text: &str| text.trim().parse::<i64>().ok().filter(|port| (0..=65535).contains(port));
    match text.split_once('-') {
        Some((first, last)) => Some((port(first)?, port(last)?)).filter(|(first, last)| first <= last),
        None => port(text).map(|port| (port, port)),
    }
}

fn expand(
    (first, last): (i64, i64),
    published: Option<&str>,
    name: Option<SmolStr>,
    protocol: &SmolStr,
    line: u32,
) -> Vec<Port> {
    let from = published.and_then(range);
    let publish = |offset: i64| match (published, from) {
        (None, _) => None,
        (Some(_), Some((low, high))) if low + offset <= high => Some(Ok(low + offset)),
        (Some(text), _) => Some(Err(text.to_owned())),
    };
    let name = |number: i64| {
        if first == last { name.clone() } else { name.as_ref().map(|name| format!("{name}-{number}").into()) }
    };
    // A range of hosts' ports for one port of the container is a choice.
    let one = |offset: i64| {
        if first == last && from.is_some_and(|(low, high)| low != high) {
            published.map(|text| Err(text.to_owned()))
        } else {
            publish(offset)
        }
    };
    let numbers = (first..=last).take(MOST);
    numbers
        .map(|number| Port {
            name: name(number),
            number,
            protocol: protocol.clone(),
            publish: one(number - first),
            line,
        })
        .collect()
}
