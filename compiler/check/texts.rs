//! Texts of an environment that name a program of the same deployment.

use super::ports::place;
use crate::{
    diag::{Diags, codes},
    plan::{Deployment, Workload},
    value::{self, Value},
};

/// An address that names a program by its Compose name leads there in Compose alone, and whatever else a URL says, such as
/// the name of a database, is not what the program is told.
pub(super) fn addresses(deployment: &Deployment, diags: &mut Diags) {
    let Some(compose) = &deployment.compose else { return };
    let names = |host: &str| deployment.helm.iter().find_map(|release| release.names.get(host));
    let elsewhere = |workload: &&Workload| {
        names(&workload.name).map(|leaf| value::spell(&leaf.value)).filter(|name| **name != *workload.name)
    };
    for workload in &compose.workloads {
        for (variable, leaf) in workload.env.iter().map(|(name, variable)| (name, &variable.leaf)) {
            // A stack knows what it says; what came from a setting was written by somebody.
            let Value::String(text) = &leaf.value else { continue };
            let Some((host, part)) = named(variable, text).filter(|_| !leaf.origins.is_empty()) else { continue };
            let other = compose.workloads.iter().find(|other| *other.name == *host);
            if let Some((other, name)) = other.and_then(|other| Some((other, elsewhere(&other)?))) {
                let message = format!("`{variable}` of `{}` names `{}` by a text", workload.name, other.name);
                diags.push(
                    codes::TEXT_ADDRESS
                        .at(place(leaf), message)
                        .underline(format!("in the cluster it is called {name}"))
                        .hint(format!("link to it: `{variable}=(link)\"{}{part}\"`", other.name)),
                );
            }
        }
    }
}

/// Ends of the names of variables that hold a host and nothing else.
const HOSTS: &[&str] = &["HOST", "HOSTNAME", "ADDR"];

/// The host that a variable names, and the part of a link that says the same: of a URL, of a host with its port, or of a host
/// under a name that says that it is one.
fn named<'t>(variable: &str, text: &'t str) -> Option<(&'t str, &'static str)> {
    let with_port = || text.split_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()).map(|(host, _)| (host, ""));
    let is_host = HOSTS.iter().any(|end| variable.to_ascii_uppercase().ends_with(end));
    host_of(text).map(|host| (host, ".url")).or_else(with_port).or_else(|| is_host.then_some((text, ".host")))
}

/// The host of a URL.
fn host_of(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?.split(':').next()?;
    let is_scheme =
        !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    (is_scheme && !host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_found_where_a_variable_says_that_it_is_one() {
        for (variable, text, found) in [
            ("URL", "postgresql://app@db:5432/orders", Some(("db", ".url"))),
            ("REDIS", "cache:6379", Some(("cache", ""))),
            ("REDIS", "cache:latest", None),
            ("DB_HOST", "db", Some(("db", ".host"))),
            ("PGHOST", "db", Some(("db", ".host"))),
            ("smtp_hostname", "mail", Some(("mail", ".host"))),
            ("DB_NAME", "db", None),
            ("HOSTS", "db", None),
        ] {
            assert_eq!(named(variable, text), found, "{variable}={text}");
        }
    }

    #[test]
    fn the_host_of_a_url_is_found() {
        for (text, host) in [
            ("postgresql://app@db:5432/orders", Some("db")),
            ("http://web", Some("web")),
            ("redis+tls://h/0?x", Some("h")),
            ("db:5432", None),
            ("see http://web", None),
            ("://x", None),
        ] {
            assert_eq!(host_of(text), host, "{text}");
        }
    }
}
