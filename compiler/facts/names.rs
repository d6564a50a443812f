//! What one target calls endpoints and their ports.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use crate::{
    plan::{Compose, Release},
    value::Value,
};

/// Whose words a text is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum View {
    /// Docker Compose: services are hosts, ports are those of containers.
    #[default]
    Compose,
    /// Kubernetes: hosts are Services, with ports of their own.
    Kubernetes,
}

/// What one target calls endpoints: host names, and numbers of ports.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Whose names these are.
    pub view: View,
    /// Endpoints by host name.
    by_host: BTreeMap<SmolStr, SmolStr>,
    /// Endpoints with their host name and ports, in the order of declaration.
    endpoints: BTreeMap<SmolStr, Endpoint>,
    /// The lengths of host names that there are, as bits; what is longer than 126 bytes is bit 127.
    lengths: u128,
    /// Whether services that end cannot be told from others, because no service is started again.
    pub(super) all_end: bool,
    /// Who listens on a port, by the endpoint and the port's name, where it is somebody beside the endpoint's workload.
    listeners: BTreeMap<(SmolStr, SmolStr), SmolStr>,
    /// The namespace in which a short name with a dot is one of ours.
    namespace: Option<SmolStr>,
}

/// One endpoint, as a target calls it.
#[derive(Clone, Debug, Default)]
struct Endpoint {
    /// Its host name; none where it is the endpoint's own.
    host: Option<SmolStr>,
    /// Its ports.
    ports: Vec<(SmolStr, i64)>,
}

impl Names {
    /// No names at all.
    #[must_use]
    pub fn none(view: View) -> Names {
        Names { view, ..Names::default() }
    }

    /// Compose's names of a plan: services, with the ports of containers; where no workload has a port, that of the
    /// first release that has one.
    #[must_use]
    pub fn of_compose(compose: &Compose, releases: &[Release]) -> Names {
        let mut names = Names::none(View::Compose);
        names.all_end = compose.restart.value == Value::string("no");
        for workload in &compose.workloads {
            let owner = compose.workloads.iter().find(|other| workload.is_beside(&other.name)).map(|other| &other.name);
            let host = owner.unwrap_or(&workload.name);
            names.host(host, host);
            for port in &workload.ports {
                if let Value::Int(number) = port.number.value {
                    names.port(host, &port.name, number);
                }
                if owner.is_some() {
                    names.listeners.insert((host.clone(), port.name.clone()), workload.name.clone());
                }
            }
        }
        for release in releases {
            for ((endpoint, port), number) in &release.ports {
                if names.number_of(endpoint, port).is_none() {
                    names.port(endpoint, port, *number);
                }
            }
        }
        names
    }

    /// A release's names of a plan: host names of Services, with their ports.
    #[must_use]
    pub fn of_release(release: &Release) -> Names {
        let mut names = Names::none(View::Kubernetes);
        for ((endpoint, port), number) in &release.ports {
            names.port(endpoint, port, *number);
        }
        for (endpoint, leaf) in &release.names {
            if let Value::String(host) = &leaf.value {
                names.host(endpoint, host);
            }
        }
        names
    }

    /// Adds a host name of an endpoint. The first one that is added is the one that links are printed with; of two
    /// endpoints with one host name the first has it.
    pub fn host(&mut self, endpoint: &SmolStr, host: &SmolStr) {
        let known = self.endpoints.entry(endpoint.clone()).or_default();
        if known.host.is_none() {
            known.host = Some(host.clone());
        }
        self.lengths |= bit(host.len());
        self.by_host.entry(host.clone()).or_insert_with(|| endpoint.clone());
    }

    /// Adds a named port of an endpoint; the first stands for the endpoint. A name may have several numbers,
    /// of which the first is the one that links are printed with.
    pub fn port(&mut self, endpoint: &SmolStr, name: &SmolStr, number: i64) {
        let known = self.endpoints.entry(endpoint.clone()).or_default();
        if !name.is_empty() && !known.ports.iter().any(|(known, its)| known == name && *its == number) {
            known.ports.push((name.clone(), number));
        }
    }

    /// Says in which namespace the hosts are, so that `HOST.NAMESPACE` is one of them.
    pub fn within(&mut self, namespace: &str) {
        self.namespace = Some(namespace.into());
    }

    /// Adds the endpoints of others that are not known here, with their hosts and ports.
    pub(super) fn beside(&mut self, others: &Names) {
        for (endpoint, known) in &others.endpoints {
            if self.endpoints.contains_key(endpoint) {
                continue;
            }
            self.host(endpoint, known.host.as_ref().unwrap_or(endpoint));
            for (port, number) in &known.ports {
                self.port(endpoint, port, *number);
            }
        }
    }

    /// The host name of an endpoint; its own name where nothing else is said.
    #[must_use]
    pub fn host_of<'a>(&'a self, endpoint: &'a str) -> &'a str {
        self.endpoints.get(endpoint).and_then(|known| known.host.as_deref()).unwrap_or(endpoint)
    }

    /// The number of a named port; an empty name is the first port.
    #[must_use]
    pub fn number_of(&self, endpoint: &str, port: &str) -> Option<i64> {
        let ports = &self.endpoints.get(endpoint)?.ports;
        let found = if port.is_empty() { ports.first() } else { ports.iter().find(|(name, _)| **name == *port) };
        found.map(|(_, number)| *number)
    }

    /// The name of the first port with this number.
    #[must_use]
    pub fn port_of(&self, endpoint: &str, number: i64) -> Option<&SmolStr> {
        self.endpoints.get(endpoint)?.ports.iter().find(|(_, known)| *known == number).map(|(name, _)| name)
    }

    /// The named ports of an endpoint, in the order of declaration.
    #[must_use]
    pub fn ports_of(&self, endpoint: &str) -> &[(SmolStr, i64)] {
        self.endpoints.get(endpoint).map_or(&[], |known| &known.ports)
    }

    /// Who listens on a named port of an endpoint: its workload, or one beside it.
    pub(super) fn listener<'a>(&'a self, endpoint: &'a SmolStr, port: &SmolStr) -> &'a SmolStr {
        self.listeners.get(&(endpoint.clone(), port.clone())).unwrap_or(endpoint)
    }

    /// The name of an endpoint, shared where it is known.
    pub(super) fn endpoint(&self, name: &str) -> SmolStr {
        self.endpoints.get_key_value(name).map_or_else(|| name.into(), |(known, _)| known.clone())
    }

    /// The endpoint that a host name stands for; in Kubernetes also `HOST.NAMESPACE.svc.cluster.local` and its
    /// shorter forms.
    #[must_use]
    pub fn endpoint_of(&self, host: &str) -> Option<&SmolStr> {
        if self.lengths & bit(host.len()) != 0
            && let Some(endpoint) = self.by_host.get(host)
        {
            return Some(endpoint);
        }
        if self.view == View::Kubernetes && host.contains('.') { self.endpoint_in_cluster(host) } else { None }
    }

    fn endpoint_in_cluster(&self, host: &str) -> Option<&SmolStr> {
        let host = host.trim_end_matches('.');
        let (first, rest) = host.split_once('.')?;
        let (namespace, service) = match rest.split_once('.') {
            None => (rest, false),
            Some((namespace, "svc" | "svc.cluster.local")) => (namespace, true),
            Some(_) => return None,
        };
        let ours = self.namespace.as_deref().map_or(service, |ours| ours == namespace);
        if ours { self.by_host.get(first) } else { None }
    }
}

fn bit(length: usize) -> u128 {
    1 << length.min(127)
}
