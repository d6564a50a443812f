//! The objects of a set of manifests, sorted by what they are for.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use smol_str::SmolStr;

use crate::{
    facts::{Names, View, compose::number_key},
    read::{Data, Node},
};

/// The kinds of objects that run programs.
const RUNNING: &[&str] = &["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod", "Cluster", "Dragonfly"];

/// An object that runs programs, with the name of its workload.
pub(super) struct Running<'a, 't> {
    /// The workload.
    pub(super) workload: SmolStr,
    /// `Deployment`, `Job`, ….
    pub(super) kind: &'a str,
    /// Its own name.
    pub(super) name: &'a str,
    /// The whole object.
    pub(super) object: &'a Node<'t>,
}

/// All objects.
#[derive(Default)]
pub(super) struct Objects<'a, 't> {
    /// What runs.
    pub(super) running: Vec<Running<'a, 't>>,
    /// Services by name.
    pub(super) services: Vec<(&'a str, &'a Node<'t>)>,
    /// Ingresses.
    pub(super) ingresses: Vec<&'a Node<'t>>,
    /// Data of `ConfigMap`s by name.
    pub(super) configs: BTreeMap<&'a str, &'a Node<'t>>,
    /// Keys of `Secret`s by name; what they hold is not looked at.
    pub(super) secrets: BTreeMap<&'a str, Vec<&'a str>>,
    /// Claims for volumes by name.
    pub(super) claims: BTreeMap<&'a str, &'a Node<'t>>,
    /// Autoscalers.
    pub(super) scalers: Vec<&'a Node<'t>>,
    /// The namespace, if there is one.
    namespace: Option<&'a str>,
}

impl<'a, 't> Objects<'a, 't> {
    /// Sorts documents; a `List` is what it holds.
    pub(super) fn of(documents: &'a [Node<'t>], called: &BTreeMap<SmolStr, SmolStr>) -> Objects<'a, 't> {
        let mut objects = Objects::default();
        let mut several = false;
        for object in documents.iter().flat_map(flat) {
            if let Some(namespace) = text(object, &["metadata", "namespace"]) {
                several |= objects.namespace.is_some_and(|known| known != namespace);
                objects.namespace = Some(namespace);
            }
            objects.add(object);
        }
        if several {
            objects.namespace = None;
        }
        objects.name(called);
        objects
    }

    fn add(&mut self, object: &'a Node<'t>) {
        let (Some(kind), Some(name)) = (text(object, &["kind"]), text(object, &["metadata", "name"])) else { return };
        match kind {
            "Service" => self.services.push((name, object)),
            "Ingress" => self.ingresses.push(object),
            "ConfigMap" => _ = self.configs.insert(name, object),
            "PersistentVolumeClaim" => _ = self.claims.insert(name, object),
            "HorizontalPodAutoscaler" => self.scalers.push(object),
            "Secret" => {
                let keys = ["data", "stringData"].into_iter().filter_map(|key| object.get(key)).flat_map(Node::entries);
                self.secrets.insert(name, keys.map(|(key, _)| &**key).collect());
            }
            // Others have kinds of this name, too.
            "Cluster" if !version(object).starts_with("postgresql.cnpg.io/") => {}
            "Dragonfly" if !version(object).starts_with("dragonflydb.io/") => {}
            _ if RUNNING.contains(&kind) => {
                self.running.push(Running { workload: SmolStr::default(), kind, name, object });
            }
            _ => {}
        }
    }

    /// Names workloads: as the caller says, or else without what all names begin with.
    fn name(&mut self, called: &BTreeMap<SmolStr, SmolStr>) {
        let prefix = common(&self.running.iter().map(|running| running.name).collect::<Vec<_>>()).to_owned();
        let mut taken: BTreeSet<SmolStr> = BTreeSet::new();
        for running in &mut self.running {
            let name =
                called.get(running.name).cloned().unwrap_or_else(|| short(running.object, running.name, &prefix));
            let name = if taken.contains(&name) { running.name.into() } else { name };
            taken.insert(name.clone());
            running.workload = name;
        }
    }

    /// What the objects call each other: a Service is a host, its ports lead to those of containers.
    pub(super) fn names(&self) -> Names {
        let mut names = Names::none(View::Kubernetes);
        if let Some(namespace) = self.namespace {
            names.within(namespace);
        }
        for running in &self.running {
            let well_known: &[(&str, i64)] = match running.kind {
                "Cluster" => &[("postgres", 5432)],
                "Dragonfly" => &[("redis", 6379)],
                _ => &[],
            };
            for suffix in if running.kind == "Cluster" { &["-rw", "-ro", "-r"][..] } else { &[""][..] } {
                if !well_known.is_empty() {
                    names.host(&running.workload, &format!("{}{suffix}", running.name).into());
                }
            }
            for (port, number) in well_known {
                names.port(&running.workload, &(*port).into(), *number);
            }
        }
        for (name, service) in &self.services {
            let Some(running) = self.behind(service) else { continue };
            names.host(&running.workload, &(*name).into());
            for (key, number) in service_ports(service, running) {
                names.port(&running.workload, &key, number);
            }
        }
        names
    }

    /// What runs behind a Service.
    pub(super) fn behind(&self, service: &Node<'_>) -> Option<&Running<'a, 't>> {
        let selector = service.at(&["spec", "selector"])?.entries();
        self.running.iter().find(|running| {
            let labels = template(running).and_then(|template| template.at(&["metadata", "labels"]));
            let has = |key: &str, value: &Node<'_>| {
                labels.and_then(|labels| labels.get(key)).map(|node| &node.data) == Some(&value.data)
            };
            !selector.is_empty() && selector.iter().all(|(key, value)| has(key, value))
        })
    }
}

/// An object, or the items of a `List`.
fn flat<'a, 't>(object: &'a Node<'t>) -> Vec<&'a Node<'t>> {
    match object.get("items") {
        Some(items) if text(object, &["kind"]).is_some_and(|kind| kind.ends_with("List")) => {
            items.items().iter().flat_map(flat).collect()
        }
        _ => vec![object],
    }
}

fn version<'a>(object: &'a Node<'_>) -> &'a str {
    text(object, &["apiVersion"]).unwrap_or_default()
}

/// The pod template of an object.
pub(super) fn template<'a, 't>(running: &Running<'a, 't>) -> Option<&'a Node<'t>> {
    match running.kind {
        "CronJob" => running.object.at(&["spec", "jobTemplate", "spec", "template"]),
        "Pod" => Some(running.object),
        _ => running.object.at(&["spec", "template"]),
    }
}

/// The ports of a Service: what facts call the container's port, and the Service's number.
pub(super) fn service_ports(service: &Node<'_>, running: &Running<'_, '_>) -> Vec<(SmolStr, i64)> {
    let ports = service.at(&["spec", "ports"]).map_or(&[][..], Node::items);
    ports
        .iter()
        .filter_map(|port| {
            let number = int(port.get("port")?)?;
            let target = port.get("targetPort").unwrap_or(port.get("port")?);
            Some((container_port(target, running), number))
        })
        .collect()
}

/// What facts call a port of a container that is named or numbered here.
pub(super) fn container_port(target: &Node<'_>, running: &Running<'_, '_>) -> SmolStr {
    let wanted = scalar(target).unwrap_or_default();
    for container in containers(running) {
        for port in container.get("ports").map_or(&[][..], Node::items) {
            let name = port.get("name").and_then(Node::as_str);
            let number = port.get("containerPort").and_then(int);
            if name == Some(&*wanted) || number.is_some_and(|number| number.to_string() == wanted) {
                let protocol = port.get("protocol").and_then(Node::as_str).unwrap_or("TCP").to_ascii_lowercase();
                let key = name.map(SmolStr::from);
                return key.unwrap_or_else(|| number_key(number.unwrap_or_default(), &protocol));
            }
        }
    }
    wanted.as_ref().into()
}

/// The container beside the main one that listens on a port, by what facts call the port.
pub(super) fn listener<'a, 't>(port: &str, running: &Running<'a, 't>) -> Option<&'a Node<'t>> {
    let listens = |container: &&Node<'t>| {
        container.get("ports").map_or(&[][..], Node::items).iter().any(|found| {
            let number = found.get("containerPort").and_then(int).unwrap_or_default();
            let protocol = text(found, &["protocol"]).unwrap_or("TCP").to_ascii_lowercase();
            text(found, &["name"]).map_or_else(|| number_key(number, &protocol), SmolStr::from).as_str() == port
        })
    };
    let (main, beside) = containers(running).split_first()?;
    if listens(&main) { None } else { beside.iter().find(listens) }
}

/// The containers of an object, without those that run before.
pub(super) fn containers<'a, 't>(running: &Running<'a, 't>) -> &'a [Node<'t>] {
    template(running).and_then(|template| template.at(&["spec", "containers"])).map_or(&[], Node::items)
}

/// A name without the release, the chart and the time that names of objects begin or end with.
fn short(object: &Node<'_>, name: &str, prefix: &str) -> SmolStr {
    let label = |label: &str| {
        let labels = object.at(&["metadata", "labels"])?;
        labels.get(&format!("app.kubernetes.io/{label}"))?.as_str()
    };
    let name = name.rsplit_once('-').map_or(name, |(before, last)| {
        let time = last.len() >= 6 && last.bytes().all(|byte| byte.is_ascii_digit());
        if time { before } else { name }
    });
    let without = |name: &'_ str, prefix: Option<&str>| -> Option<String> {
        let rest = name.strip_prefix(prefix?)?;
        rest.strip_prefix('-').map(str::to_owned)
    };
    let (release, chart) = (label("instance"), label("name"));
    let component = label("component").or(chart);
    if let Some(release) = release {
        if name == release {
            return component.unwrap_or(name).into();
        }
        if let Some(rest) = without(name, Some(release)) {
            return without(&rest, chart).unwrap_or(rest).into();
        }
        return name.into();
    }
    name.strip_prefix(prefix).unwrap_or(name).into()
}

/// What several names begin with, up to a dash.
fn common<'n>(names: &[&'n str]) -> &'n str {
    let [first, rest @ ..] = names else { return "" };
    let alike = |other: &&str| first.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
    let length = rest.iter().map(alike).min().unwrap_or(0);
    first.get(..length).and_then(|start| start.rfind('-')).map_or("", |at| &first[..=at])
}

/// The text at a path.
pub(super) fn text<'a>(node: &'a Node<'_>, path: &[&str]) -> Option<&'a str> {
    node.at(path).and_then(Node::as_str)
}

/// A whole number, also in quotes.
pub(super) fn int(node: &Node<'_>) -> Option<i64> {
    match &node.data {
        Data::Int(number) => Some(*number),
        Data::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// A scalar as text.
pub(super) fn scalar<'a>(node: &'a Node<'_>) -> Option<Cow<'a, str>> {
    Some(match &node.data {
        Data::String(text) => Cow::Borrowed(text),
        Data::Bool(yes) => yes.to_string().into(),
        Data::Int(number) => number.to_string().into(),
        Data::Float(number) => number.to_string().into(),
        Data::Null => "".into(),
        Data::List(_) | Data::Map(_) => return None,
    })
}
