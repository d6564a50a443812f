//! Hosts, host names, and hosts with a port.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{
    Value,
    scalar::{Attributes, Bad, Raw, shown, text_of, typed},
};
use crate::diag::codes::{BAD_ADDRESS, BAD_HOST};

/// A host in normal form: a DNS name in lower case, or an address without brackets.
pub(super) fn normal(text: &str) -> Option<String> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    if let Ok(address) = bare.unwrap_or(text).parse::<Ipv6Addr>() {
        return Some(address.to_string());
    }
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Some(address.to_string());
    }
    dns(text)
}

/// A DNS name in lower case. One whose last label is a number would be read as an address.
fn dns(text: &str) -> Option<String> {
    let label = |label: &str| {
        let bytes = label.as_bytes();
        let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        bytes.len() <= 63
            && edge(bytes.first())
            && edge(bytes.last())
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
    };
    let numeric = text.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    (text.len() <= 253 && !numeric && text.split('.').all(label)).then(|| text.to_ascii_lowercase())
}

pub(super) fn parse_host(raw: &Raw<'_>, _: &Attributes) -> Result<Value, Bad> {
    let text = text_of(raw, "a host")?;
    normal(text).map(Value::string).ok_or_else(|| bad_host(text, "the name or address of a host"))
}

pub(super) fn parse_hostname(raw: &Raw<'_>, _: &Attributes) -> Result<Value, Bad> {
    let text = text_of(raw, "a host name")?;
    let rest = text.strip_prefix("*.").unwrap_or(text);
    let known = dns(rest).filter(|_| rest == text || rest.contains('.'));
    match known {
        Some(name) if rest == text => Ok(Value::String(name.into())),
        Some(name) => Ok(Value::string(format!("*.{name}"))),
        None => Err(bad_host(text, "a host name")),
    }
}

fn bad_host(text: &str, what: &str) -> Bad {
    // A password may stand in what was meant as a host.
    let found = if text.contains('@') { "this".to_owned() } else { shown(text) };
    let meant = meant(text).filter(|meant| meant != text).map(|host| typed(&host)).or_else(|| several(text));
    Bad::new(&BAD_HOST, format!("{found} is not {what}"))
        .underline("a host without scheme, port and path is wanted")
        .maybe_hint(meant.map(|meant| format!("write {meant}")))
}

/// Hosts with commas between them, as values of a list.
fn several(text: &str) -> Option<String> {
    let hosts: Option<Vec<String>> =
        text.split(',').map(|host| normal(host.trim()).or_else(|| dns(host.trim()))).collect();
    let hosts = hosts.filter(|hosts| hosts.len() > 1)?;
    let typed: Vec<String> = hosts.iter().map(|host| format!("\"{host}\"")).collect();
    Some(format!("`{}`, where several may stand", typed.join(" ")))
}

/// The host within a URL or an address, or the name with its underscores made dashes.
fn meant(text: &str) -> Option<String> {
    let rest = text.trim().split_once("://").map_or(text.trim(), |(_, rest)| rest);
    let rest = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    let host = split(rest).map_or(rest, |(host, _)| host).trim_end_matches('.');
    normal(host).or_else(|| dns(&host.replace('_', "-")))
}

/// Host and port of `HOST:PORT`, neither of them checked. Brackets stay.
pub(super) fn split(text: &str) -> Option<(&str, &str)> {
    let (host, port) = text.rsplit_once(':')?;
    let bracketed = host.starts_with('[') && host.ends_with(']');
    (bracketed || !host.contains(':')).then_some((host, port))
}

/// `HOST:PORT`, with brackets where the host needs them.
pub(super) fn join(host: &str, port: &str) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// The number of a port, in the only way to write it.
pub(super) fn port(text: &str) -> Option<u16> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    plain.then(|| text.parse().ok()).flatten()
}

pub(super) fn parse_address(raw: &Raw<'_>, _: &Attributes) -> Result<Value, Bad> {
    let text = text_of(raw, "a host with a port")?;
    let parts = split(text).and_then(|(host, number)| Some((normal(host)?, port(number)?)));
    let bare_v6 = text.parse::<Ipv6Addr>().is_ok();
    match parts {
        Some((host, port)) if !bare_v6 => Ok(Value::string(join(&host, &port.to_string()))),
        _ => Err(bad_address(text)),
    }
}

fn bad_address(text: &str) -> Bad {
    let found = if text.contains('@') { "this".to_owned() } else { shown(text) };
    let rest = text.trim().split_once("://").map_or(text.trim(), |(_, rest)| rest);
    let rest = rest.split('/').next().unwrap_or_default();
    let whole = split(rest).is_some_and(|(host, number)| normal(host).is_some() && port(number).is_some());
    let meant = if whole && rest != text && !text.contains('@') {
        Some(format!("write {}", typed(rest)))
    } else {
        normal(rest).filter(|_| rest == text).map(|host| format!("add the port: `\"{}\"`", join(&host, "PORT")))
    };
    Bad::new(&BAD_ADDRESS, format!("{found} is not a host with a port"))
        .underline("`HOST:PORT` is wanted, the port from 1 to 65535")
        .maybe_hint(meant)
}
