//! Facts of rendered Kubernetes manifests.

mod container;
mod expand;
mod objects;

use std::collections::BTreeMap;

use smol_str::SmolStr;

use self::objects::{Objects, Running, containers, int, scalar, template, text};
use super::{
    Facts, Names, Trouble, View,
    sink::{Sink, line},
    units,
};
use crate::{plan::Kind, read::Node, value::Value};

/// Words in the command of an init container that only waits.
const WAITING: &[&str] =
    &["until ", "while ", "wait-for", "wait_for", "nc -z", "pg_isready", "redis-cli", "nslookup", "/dev/tcp/"];

/// The facts of manifests. `called` says which workload an object is, by its name; of others, what all names begin
/// with is left out.
///
/// What a `Secret` holds is never looked at.
#[must_use]
pub fn of_manifests(documents: &[Node<'_>], called: &BTreeMap<SmolStr, SmolStr>) -> (Facts, Vec<Trouble>) {
    of_manifests_among(documents, called, &Names::none(View::Kubernetes))
}

/// [`of_manifests`], with what others than these objects are called, such as a database outside the cluster.
#[must_use]
pub fn of_manifests_among(
    documents: &[Node<'_>],
    called: &BTreeMap<SmolStr, SmolStr>,
    others: &Names,
) -> (Facts, Vec<Trouble>) {
    let objects = Objects::of(documents, called);
    let mut names = objects.names();
    names.beside(others);
    let mut manifests =
        Manifests { objects: &objects, names: &names, sink: Sink::default(), main: None, troubles: Vec::new() };
    for running in &objects.running {
        manifests.sink.workload = running.workload.clone();
        match running.kind {
            "Cluster" => manifests.cluster(running),
            "Dragonfly" => manifests.dragonfly(running),
            _ => manifests.pods(running),
        }
    }
    for scaler in &objects.scalers {
        manifests.scaler(scaler);
    }
    for (_, service) in &objects.services {
        manifests.service(service);
    }
    for ingress in &objects.ingresses {
        manifests.ingress(ingress);
    }
    (manifests.sink.finish(), manifests.troubles)
}

/// What the rules of an Ingress say of one port.
#[derive(Default)]
struct Route {
    hosts: Vec<Value>,
    path: Option<String>,
    tls: Option<String>,
    line: u32,
}

/// Manifests while their facts are collected.
struct Manifests<'a, 't> {
    objects: &'a Objects<'a, 't>,
    names: &'a Names,
    sink: Sink,
    /// The main workload of the pod, while a container beside it is read.
    main: Option<SmolStr>,
    troubles: Vec<Trouble>,
}

impl Manifests<'_, '_> {
    fn pods(&mut self, running: &Running<'_, '_>) {
        let object = running.object;
        let role = match running.kind {
            "Job" => "job",
            "CronJob" => "cron",
            _ => "service",
        };
        self.sink.one(Kind::Role, "", Value::string(role), line(object.line));
        if let Some(node) = object.at(&["spec", "schedule"]).filter(|_| role == "cron") {
            self.sink.one(Kind::Schedule, "", Value::string(scalar(node).unwrap_or_default()), line(node.line));
        }
        if let Some((count, node)) = object.at(&["spec", "replicas"]).and_then(|node| Some((int(node)?, node))) {
            self.sink.one(Kind::Replicas, "", Value::Int(count), line(node.line));
        }
        let Some(pod) = template(running).and_then(|template| template.get("spec")) else { return };
        for init in pod.get("initContainers").map_or(&[][..], Node::items) {
            self.init(init, pod, running);
        }
        for (at, container) in containers(running).iter().enumerate() {
            if at == 0 {
                self.container(container, pod, running);
            } else {
                self.beside(container, pod, running, "service");
            }
        }
    }

    /// What a container is called that is not the main one: its own name, behind that of its workload where another
    /// workload has it.
    fn name_of(&self, container: &Node<'_>, running: &Running<'_, '_>, otherwise: &str) -> SmolStr {
        let name = text(container, &["name"]).unwrap_or(otherwise);
        let taken = self.objects.running.iter().any(|other| *other.workload == *name);
        if taken { format!("{}-{name}", running.workload).into() } else { name.into() }
    }

    /// A container that runs before or beside the main one is a workload of its own.
    fn beside(&mut self, container: &Node<'_>, pod: &Node<'_>, running: &Running<'_, '_>, role: &str) -> SmolStr {
        let name = self.name_of(container, running, role);
        let outer = std::mem::replace(&mut self.sink.workload, name.clone());
        self.sink.one(Kind::Role, "", Value::string(role), line(container.line));
        if role == "service" {
            self.sink.one(Kind::Beside, "", Value::String(outer.clone()), line(container.line));
            self.main = Some(outer.clone());
        }
        self.container(container, pod, running);
        self.main = None;
        self.sink.workload = outer;
        name
    }

    /// An init container: one that waits is a need, another one runs to its end.
    fn init(&mut self, init: &Node<'_>, pod: &Node<'_>, running: &Running<'_, '_>) {
        if text(init, &["restartPolicy"]) == Some("Always") {
            self.beside(init, pod, running, "service");
            return;
        }
        let words = ["command", "args"].into_iter().filter_map(|key| init.get(key)).flat_map(Node::items);
        let said = words.filter_map(Node::as_str).collect::<Vec<_>>().join(" ");
        let waits = text(init, &["name"]).is_some_and(|name| name.contains("wait"));
        if !waits && !WAITING.iter().any(|word| said.contains(word)) {
            let name = self.beside(init, pod, running, "init");
            return self.sink.put(Kind::Needs, &name, "", Value::string("completed"), line(init.line));
        }
        let values = init.get("env").map_or(&[][..], Node::items).iter().filter_map(|item| text(item, &["value"]));
        let all = values.fold(said.clone(), |all, value| format!("{all} {value}"));
        let hosts = all.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '.' | '_'));
        for host in hosts {
            if let Some(endpoint) = self.names.endpoint_of(host.trim_matches('.')).cloned() {
                self.sink.put(Kind::Needs, &endpoint, "", Value::string("started"), line(init.line));
            }
        }
    }

    /// A CloudNativePG cluster.
    fn cluster(&mut self, running: &Running<'_, '_>) {
        let spec = running.object.get("spec");
        self.operated(running, "instances", "imageName", 5432, "postgres");
        if let Some(storage) = spec.and_then(|spec| spec.get("storage")) {
            self.claim(&"data".into(), storage.get("size"), storage.get("storageClass"));
        }
    }

    fn dragonfly(&mut self, running: &Running<'_, '_>) {
        let spec = running.object.get("spec");
        self.operated(running, "replicas", "image", 6379, "redis");
        if let Some(args) = spec.and_then(|spec| spec.get("args")) {
            self.words(Kind::Args, args, &expand::Variables::default());
        }
        if let Some(claim) = spec.and_then(|spec| spec.at(&["snapshot", "persistentVolumeClaimSpec"])) {
            self.claim(&"data".into(), claim.at(&["resources", "requests", "storage"]), claim.get("storageClassName"));
        }
    }

    /// What objects of operators say alike.
    fn operated(&mut self, running: &Running<'_, '_>, count: &str, image: &str, port: i64, port_name: &str) {
        let (object, key): (_, SmolStr) = (running.object, port_name.into());
        self.sink.one(Kind::Role, "", Value::string("service"), line(object.line));
        let Some(spec) = object.get("spec") else { return };
        if let Some((number, node)) = spec.get(count).and_then(|node| Some((int(node)?, node))) {
            self.sink.one(Kind::Replicas, "", Value::Int(number), line(node.line));
        }
        if let Some(node) = spec.get(image) {
            self.image(node);
        }
        self.sink.put(Kind::Port, &key, "", Value::Int(port), line(object.line));
        self.sink.put(Kind::Port, &key, "protocol", Value::string("tcp"), line(object.line));
        self.resources(spec);
    }

    /// Size and class of a volume.
    fn claim(&mut self, name: &SmolStr, size: Option<&Node<'_>>, class: Option<&Node<'_>>) {
        if let Some((node, size)) = size.and_then(|node| Some((node, scalar(node)?))) {
            let value = units::kubernetes_memory(&size).map_or_else(|| Value::string(&*size), Value::Memory);
            self.sink.put(Kind::Volume, name, "size", value, line(node.line));
        }
        if let Some((node, class)) = class.and_then(|node| Some((node, node.as_str()?))) {
            self.sink.put(Kind::Volume, name, "class", Value::string(class), line(node.line));
        }
    }

    /// An autoscaler: the least number of copies is what runs, the most is a fact of its own.
    fn scaler(&mut self, scaler: &Node<'_>) {
        let target = text(scaler, &["spec", "scaleTargetRef", "name"]);
        let Some(running) = self.objects.running.iter().find(|running| Some(running.name) == target) else { return };
        self.sink.workload = running.workload.clone();
        let least = scaler.at(&["spec", "minReplicas"]).and_then(int).unwrap_or(1);
        self.sink.one(Kind::Replicas, "", Value::Int(least), line(scaler.line));
        if let Some((most, node)) = scaler.at(&["spec", "maxReplicas"]).and_then(|node| Some((int(node)?, node))) {
            self.sink.one(Kind::Replicas, "max", Value::Int(most), line(node.line));
        }
    }

    /// The ports of a Service.
    fn service(&mut self, service: &Node<'_>) {
        let Some(running) = self.objects.behind(service) else { return };
        for (key, number) in objects::service_ports(service, running) {
            let beside = objects::listener(&key, running).map(|container| self.name_of(container, running, "service"));
            self.sink.workload = beside.unwrap_or_else(|| running.workload.clone());
            self.sink.put(Kind::Port, &key, "service", Value::Int(number), line(service.line));
        }
    }

    fn ingress(&mut self, ingress: &Node<'_>) {
        let tls = ingress.at(&["spec", "tls"]).map_or(&[][..], Node::items);
        let mut routes: BTreeMap<(SmolStr, SmolStr), Route> = BTreeMap::new();
        for rule in ingress.at(&["spec", "rules"]).map_or(&[][..], Node::items) {
            let host = text(rule, &["host"]).unwrap_or("*");
            let hosts = |entry: &Node<'_>| {
                entry.get("hosts").is_some_and(|hosts| hosts.items().iter().any(|item| item.as_str() == Some(host)))
            };
            let secret = tls.iter().find(|entry| hosts(entry)).and_then(|entry| text(entry, &["secretName"]));
            for path in rule.at(&["http", "paths"]).map_or(&[][..], Node::items) {
                let Some(port) = self.backend(path) else { continue };
                let route = routes.entry(port).or_insert_with(|| Route { line: rule.line, ..Route::default() });
                if !route.hosts.contains(&Value::string(host)) {
                    route.hosts.push(Value::string(host));
                }
                route.path = route.path.take().or_else(|| text(path, &["path"]).map(str::to_owned));
                route.tls = route.tls.take().or_else(|| secret.map(str::to_owned));
            }
        }
        for ((workload, port), route) in routes {
            let at = line(route.line);
            self.sink.workload = workload;
            self.sink.put(Kind::Route, &port, "hosts", Value::List(route.hosts), at.clone());
            for (field, text) in [("path", route.path), ("tls", route.tls)] {
                if let Some(text) = text {
                    self.sink.put(Kind::Route, &port, field, Value::string(text), at.clone());
                }
            }
        }
    }

    /// The workload and the port that a path of an Ingress leads to.
    fn backend(&self, path: &Node<'_>) -> Option<(SmolStr, SmolStr)> {
        let service = path.at(&["backend", "service"])?;
        let name = text(service, &["name"])?;
        let (_, object) = self.objects.services.iter().find(|(known, _)| *known == name)?;
        let running = self.objects.behind(object)?;
        let wanted = service.at(&["port", "number"]).or_else(|| service.at(&["port", "name"])).and_then(scalar)?;
        let ports = object.at(&["spec", "ports"])?.items();
        let port = ports.iter().find(|port| {
            [port.get("name"), port.get("port")]
                .into_iter()
                .flatten()
                .any(|node| scalar(node).as_ref() == Some(&wanted))
        })?;
        let target = port.get("targetPort").or_else(|| port.get("port"))?;
        Some((running.workload.clone(), objects::container_port(target, running)))
    }

    fn trouble(&mut self, at: u32, message: String) {
        self.troubles.push(Trouble { line: at, message });
    }
}

#[cfg(test)]
mod tests;
