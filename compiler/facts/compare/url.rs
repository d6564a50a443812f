//! URLs within texts in one form, and URLs against the parts that other programs want.

/// Ports that schemes stand for.
const PORTS: &[(&str, i64)] = &[
    ("http", 80),
    ("ws", 80),
    ("https", 443),
    ("wss", 443),
    ("redis", 6379),
    ("rediss", 6379),
    ("postgres", 5432),
    ("postgresql", 5432),
    ("mysql", 3306),
    ("mongodb", 27017),
    ("amqp", 5672),
    ("amqps", 5671),
    ("nats", 4222),
];

/// The pieces of a URL.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Url<'t> {
    pub(super) scheme: &'t str,
    pub(super) user: &'t str,
    pub(super) host: &'t str,
    pub(super) port: &'t str,
    /// Path, without the slash in front.
    pub(super) path: &'t str,
    /// From `?` on.
    pub(super) query: &'t str,
}

/// Takes a text apart that is a URL and nothing else.
pub(super) fn split(text: &str) -> Option<Url<'_>> {
    let (scheme, rest) = text.split_once("://")?;
    let plain = !scheme.is_empty()
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    if !plain || rest.contains([' ', '"', '\n']) || rest.contains("://") {
        return None;
    }
    let (rest, query) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, address) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (host, port) = match address.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host, port),
        _ => (address, ""),
    };
    Some(Url { scheme, user, host, port, path, query })
}

/// The port that a scheme stands for.
pub(super) fn default_port(scheme: &str) -> Option<i64> {
    PORTS.iter().find(|(known, _)| *known == scheme).map(|(_, port)| *port)
}

/// A URL in one form: who asks is one word, a default port is left out, and so is a lone slash. `port_of` says which
/// port of a container the default port of a linked host leads to.
pub(super) fn normal(text: &str, port_of: &dyn Fn(&str, i64) -> Option<i64>) -> String {
    let Some(url) = split(text) else { return text.to_owned() };
    let scheme = if url.scheme == "postgresql" { "postgres" } else { url.scheme };
    let at = if url.user.is_empty() { "" } else { "<cred>@" };
    let default = default_port(scheme);
    let port = match (url.port.parse::<i64>().ok(), default) {
        (None, Some(default)) => port_of(url.host, default).filter(|port| *port != default),
        (port, default) => port.filter(|port| Some(*port) != default),
    };
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    let slash = if url.path.is_empty() { "" } else { "/" };
    format!("{scheme}://{at}{}{port}{slash}{}{}", url.host, url.path, url.query)
}
