//! Docker Compose (2.24 and later): one project per deployment, in long syntax throughout.
//!
//! In: the workloads of a deployment in Compose's view. Out: `compose/compose.yaml`, and below `compose/files/`
//! what the services mount.
//! Never: what Compose ignores or reads in several ways: short syntax, bare numbers, modes of secrets, cron jobs.
//! Invariants: what a service refers to is emitted; every `$` of a plain text is doubled; nothing that the user
//! supplies lies under `out/`.

use std::{borrow::Cow, cell::RefCell, collections::BTreeSet};

use indexmap::IndexMap;
use smol_str::SmolStr;

use super::{
    Addresses, File, Plain, generated,
    node::{Entries, Node},
    paths::{Paths, tame},
    words::{self, Speaker},
};
use crate::{
    emit::Output,
    escape::compose_string,
    plan::{
        self, Compose, Deployment, FileContent, Format, Health, HealthKind, Leaf, Plan, Port, Probe, Resources, Role,
        Security, Until, Variable, Workload,
    },
    value::{Link, SecretRef, Value, secret_variable},
};

/// The project's root, seen from the folder of `compose.yaml`.
const ROOT: &str = "../../../..";

/// The label with a digest of the files that a service mounts. Compose compares what the file says of a service, not what
/// lies at the paths in it: without this, `up` would leave a service alone whose configuration changed.
const FILES_LABEL: &str = "trueline.files";
/// How much of the digest is enough to tell one state from the one before.
const FILES_DIGITS: usize = 16;

/// The top-level name of a workload's volume. Names with dashes can meet: whoever plans several compares.
#[must_use]
pub fn volume_name(workload: &str, volume: &str) -> String {
    format!("{workload}-{volume}")
}

/// The top-level name of a secret, which is also its file in `/run/secrets`. No two secrets share one, because
/// the name of a secret has no underscore.
#[must_use]
pub fn secret_name(secret: &SecretRef) -> String {
    format!("{}_{}", secret.name, secret.key)
}

/// The Compose file, and the files that it mounts.
pub(super) fn emit(plan: &Plan, deployment: &Deployment, printed: &[File]) -> Vec<File> {
    let Some(compose) = &deployment.compose else { return Vec::new() };
    let addresses = Addresses::of_compose(deployment);
    let words = Words { addresses: &addresses, variables: RefCell::default() };
    let (secrets_used, files, paths) = (BTreeSet::new(), Vec::new(), Paths::default());
    let mut project = Project { deployment, compose, printed, words, secrets: secrets_used, files, paths };

    let mut services = Entries::default();
    for workload in compose.workloads.iter().filter(|workload| runs(workload)) {
        let service = project.service(workload);
        services.put(&workload.name, service);
    }
    let mut root = Entries::default();
    root.put("name", Node::text(&compose.project, &project.words));
    root.put("services", services);
    root.unless_empty("volumes", volumes(compose));
    root.unless_empty("secrets", secrets(&project.secrets));
    let mut root = Node::from(root);
    if let Some(raw) = &compose.raw {
        root.merge(Node::tree(raw, &project.words));
    }

    let header = header(plan, deployment, &project.words.variables.borrow());
    let mut files = project.files;
    files.push(File::of(format!("{}/compose/compose.yaml", deployment.name), Format::Yaml, root, &header));
    files
}

/// Whether Compose can run it. It has no clock; `lower` has said so.
fn runs(workload: &Workload) -> bool {
    workload.role != Role::Cron
}

fn header(plan: &Plan, deployment: &Deployment, variables: &BTreeSet<String>) -> String {
    let file = format!("out/{}/{}/compose/compose.yaml", plan.environment, deployment.name);
    let first = generated(plan);
    if variables.is_empty() {
        return format!("{first}\n\n  docker compose -f {file} up -d --wait");
    }
    let names: Vec<&str> = variables.iter().map(String::as_str).collect();
    let names = names.join(", ");
    format!("{first}\n\n  docker compose -f {file} --env-file FILE up -d --wait\n\nFILE sets {names}.")
}

fn volumes(compose: &Compose) -> Entries<'static> {
    let mut entries = Entries::default();
    for workload in compose.workloads.iter().filter(|workload| runs(workload)) {
        for volume in workload.volumes.iter().filter(|volume| volume.of.is_none()) {
            entries.put(&volume_name(&workload.name, &volume.name), Node::Fixed(Output::Map(Vec::new())));
        }
    }
    entries
}

/// The files that the user keeps: below the project's root, or where `TRUELINE_SECRETS` says.
fn secrets(secrets: &BTreeSet<SecretRef>) -> Entries<'static> {
    let mut entries = Entries::default();
    for secret in secrets {
        let file = format!("${{TRUELINE_SECRETS:-{ROOT}/secrets}}/{}/{}", secret.name, secret.key);
        entries.put(&secret_name(secret), Node::Fixed(Output::map([("file", Output::string(file))])));
    }
    entries
}

/// A project while it is printed.
struct Project<'a> {
    deployment: &'a Deployment,
    compose: &'a Compose,
    /// What was printed before, among it the configurations.
    printed: &'a [File],
    words: Words<'a>,
    /// The secrets that are mounted as files.
    secrets: BTreeSet<SecretRef>,
    /// What is written beside the Compose file.
    files: Vec<File>,
    /// Their paths.
    paths: Paths,
}

impl<'a> Project<'a> {
    fn service(&mut self, workload: &'a Workload) -> Entries<'a> {
        let mut mounted = Entries::default();
        let environment = self.environment(workload, &mut mounted);
        let (volumes, labels) = self.mounts(workload, &mut mounted);
        let words = &self.words;
        let mut service = Entries::default();
        service.put("image", Node::text(&workload.image, words));
        service.maybe("build", workload.build.as_ref().map(|folder| build(folder, words)));
        service.maybe("pull_policy", workload.pull.as_ref().map(|pull| pull_policy(pull, words)));
        if let Some(profile) = &workload.profile {
            service.put("profiles", Node::List(vec![Node::text(profile, words)]));
        }
        service.maybe("network_mode", workload.beside.as_ref().map(|other| network_mode(other, words)));
        service.put("restart", self.restart(workload));
        service.unless_empty("entrypoint", Node::texts(&workload.command, words));
        service.unless_empty("command", Node::texts(&workload.args, words));
        service.unless_empty("environment", environment);
        let ports = self.listened(workload);
        service.unless_empty("expose", expose(&ports, words));
        service.unless_empty("ports", self.ports(&ports));
        service.unless_empty("depends_on", self.depends_on(workload));
        service.maybe("healthcheck", healthcheck(&workload.health, words));
        service.unless_empty("volumes", volumes);
        service.unless_empty("tmpfs", Node::texts(&workload.tmpfs, words));
        service.unless_empty("secrets", mounted.into_list());
        service.unless_empty("labels", labels);
        security(&workload.security, words, &mut service);
        service.unless_empty("deploy", deploy(workload, words));
        service
    }

    /// Variables, always as texts: Compose refuses or reinterprets other values.
    fn environment(&mut self, workload: &'a Workload, mounted: &mut Entries<'a>) -> Entries<'a> {
        let mut entries = Entries::default();
        for (name, variable) in &workload.env {
            let node = match (&variable.leaf.value, &variable.tree) {
                (Value::Secret(secret), _) if variable.file => self.path_of(secret, variable, workload, mounted),
                (_, Some((format, tree))) => Node::embedded(*format, tree, &self.words),
                _ => Node::text(&variable.leaf, &self.words),
            };
            entries.add(name, node);
        }
        entries
    }

    /// The path at which a service finds a secret: where the stack mounts it, or else in `/run/secrets`.
    fn path_of(
        &mut self,
        secret: &SecretRef,
        variable: &'a Variable,
        workload: &Workload,
        mounted: &mut Entries<'a>,
    ) -> Node<'a> {
        let mounts = workload.files.iter().find(|file| file.content == FileContent::Secret(secret.clone()));
        let path = match mounts {
            Some(file) => compose_string(&file.path),
            None => {
                self.mount_secret(secret, &secret_name(secret), mounted);
                format!("/run/secrets/{}", secret_name(secret))
            }
        };
        Node::of(Output::String(path), &variable.leaf)
    }

    fn mount_secret(&mut self, secret: &SecretRef, target: &str, mounted: &mut Entries<'a>) {
        self.secrets.insert(secret.clone());
        let mut entry = Entries::default();
        entry.put("source", Node::word(secret_name(secret)));
        entry.put("target", Node::word(target));
        mounted.put(target, entry);
    }

    /// Named volumes and files, and the label with the digest of these files; secrets go to `mounted`.
    fn mounts(&mut self, workload: &'a Workload, mounted: &mut Entries<'a>) -> (Node<'a>, Entries<'a>) {
        let mut mounts = Vec::new();
        for volume in &workload.volumes {
            let mut entry = Entries::default();
            entry.put("type", Node::word("volume"));
            let owner = volume.of.as_ref().map(|owner| words::text(&owner.value, &self.words));
            entry.put("source", Node::word(volume_name(owner.as_deref().unwrap_or(&workload.name), &volume.name)));
            entry.put("target", Node::text(&volume.at, &self.words));
            mounts.push(entry.into());
        }
        let mut digest = blake3::Hasher::new();
        for file in &workload.files {
            if let FileContent::Secret(secret) = &file.content {
                self.mount_secret(secret, &compose_string(&file.path), mounted);
                continue;
            }
            let (source, bytes) = self.file(workload, file);
            digest.update(file.path.as_bytes()).update(blake3::hash(bytes).as_bytes());
            mounts.push(bind(&source, file));
        }
        let mut labels = Entries::default();
        if digest.count() > 0 {
            labels.put(FILES_LABEL, Node::word(&digest.finalize().to_hex()[..FILES_DIGITS]));
        }
        (Node::List(mounts), labels)
    }

    /// A mounted file: its path from the folder of the Compose file, and its bytes.
    fn file(&mut self, workload: &Workload, file: &plan::File) -> (String, &[u8]) {
        let FileContent::Config(name) = &file.content else {
            let path = self.write(workload, file);
            return (format!("./{path}"), self.files.last().map_or(&[], |file| &file.bytes));
        };
        let config = self.deployment.configs.iter().find(|config| config.name == *name);
        let name = config.map_or(name, |config| &config.file);
        let path = format!("{}/runtime/{name}", self.deployment.name);
        let printed = self.printed.iter().find(|file| file.path == path);
        (format!("../runtime/{name}"), printed.map_or(&[], |file| &file.bytes))
    }

    /// Writes a mounted file beside the Compose file; its path from there.
    fn write(&mut self, workload: &Workload, file: &plan::File) -> String {
        let folder = format!("{}/compose", self.deployment.name);
        let path = self.paths.free(&format!("files/{}/{}", workload.name, tame(&file.path)));
        let (plain, whole) = (Plain(self.words.addresses), format!("{folder}/{path}"));
        self.files.push(match &file.content {
            FileContent::Tree(format, tree) => File::of(whole, *format, Node::tree(tree, &plain), ""),
            FileContent::Text(leaf) => {
                let (_, leaves) = Node::text(leaf, &plain).finish();
                File { path: whole, bytes: words::text(&leaf.value, &plain).into_bytes(), format: None, leaves }
            }
            FileContent::Config(_) | FileContent::Secret(_) => return path,
        });
        path
    }

    fn restart(&self, workload: &Workload) -> Node<'a> {
        match workload.role {
            Role::Service => Node::text(&self.compose.restart, &self.words),
            Role::Job | Role::Init | Role::Cron => Node::word("no"),
        }
    }

    /// The ports of a service's network: its own, and those of what runs beside it, which has no network of its own.
    fn listened(&self, workload: &'a Workload) -> Vec<&'a Port> {
        if workload.beside.is_some() {
            return Vec::new();
        }
        let beside = self.compose.workloads.iter().filter(|other| other.is_beside(&workload.name));
        workload.ports.iter().chain(beside.flat_map(|other| &other.ports)).collect()
    }

    /// Ports on the host.
    fn ports(&self, ports: &[&'a Port]) -> Node<'a> {
        let published = ports.iter().filter_map(|port| {
            let publish = port.publish.as_ref()?;
            let mut entry = Entries::default();
            entry.put("name", Node::word(&*port.name));
            entry.put("target", Node::value(&port.number, &self.words));
            entry.put("published", Node::text(publish, &self.words));
            entry.put("host_ip", Node::text(&self.compose.bind, &self.words));
            entry.put("protocol", Node::word(&*port.protocol));
            Some(entry.into())
        });
        Node::List(published.collect())
    }

    /// What must be there first, of what there is. What a profile may switch off cannot be required.
    fn depends_on(&self, workload: &Workload) -> Entries<'a> {
        let emitted = |name: &SmolStr| self.compose.workloads.iter().find(|other| other.name == *name && runs(other));
        let mut entries = IndexMap::new();
        for need in &workload.needs {
            if let Some(other) = emitted(&need.workload) {
                let (_, until) = entries.entry(&need.workload).or_insert((other, need.until));
                *until = stronger(*until, need.until);
            }
        }
        let value = |workload: &Workload| workload.profile.as_ref().map(|profile| profile.value.clone());
        let mut depends_on = Entries::default();
        for (name, (other, until)) in entries {
            let mut entry = Entries::default();
            entry.put("condition", Node::word(condition(until)));
            if other.profile.is_some() && value(other) != value(workload) {
                entry.put("required", Node::Fixed(Output::Bool(false)));
            }
            depends_on.put(name, entry);
        }
        depends_on
    }
}

fn condition(until: Until) -> &'static str {
    match until {
        Until::Started => "service_started",
        Until::Healthy => "service_healthy",
        Until::Completed => "service_completed_successfully",
    }
}

fn stronger(one: Until, other: Until) -> Until {
    match (one, other) {
        (Until::Completed, _) | (_, Until::Completed) => Until::Completed,
        (Until::Healthy, _) | (_, Until::Healthy) => Until::Healthy,
        (Until::Started, Until::Started) => Until::Started,
    }
}

/// A build folder; a relative one starts at the project's root.
fn build<'p>(folder: &'p Leaf, words: &Words) -> Node<'p> {
    let text = words::text(&folder.value, words);
    let context = if text.starts_with('/') || text.contains("://") {
        text
    } else {
        let below = text.trim_start_matches("./").trim_end_matches('/');
        if below.is_empty() || below == "." { ROOT.to_owned() } else { format!("{ROOT}/{below}") }
    };
    let mut entry = Entries::default();
    entry.put("context", Node::of(Output::String(context), folder));
    entry.into()
}

/// The network of another service.
fn network_mode<'p>(other: &'p Leaf, words: &Words) -> Node<'p> {
    Node::of(Output::String(format!("service:{}", words::text(&other.value, words))), other)
}

fn pull_policy<'p>(pull: &'p Leaf, words: &Words) -> Node<'p> {
    let word = match words::text(&pull.value, words) {
        word if word == "Always" => "always".to_owned(),
        word if word == "IfNotPresent" => "missing".to_owned(),
        word if word == "Never" => "never".to_owned(),
        other => other,
    };
    Node::of(Output::String(word), pull)
}

/// Ports that only other services reach.
fn expose<'p>(ports: &[&'p Port], words: &Words) -> Node<'p> {
    let unpublished = ports.iter().filter(|port| port.publish.is_none());
    let text = |port: &Port| {
        let number = words::text(&port.number.value, words);
        if &*port.protocol == "tcp" { number } else { format!("{number}/{}", port.protocol) }
    };
    Node::List(unpublished.map(|port| Node::of(Output::String(text(port)), &port.number)).collect())
}

/// The check that Compose can run: a command, and of several that for readiness.
fn healthcheck<'p>(health: &'p [Health], words: &Words) -> Option<Node<'p>> {
    let of = |kind| health.iter().find(move |health| health.kind == kind);
    let kinds = [HealthKind::Readiness, HealthKind::Liveness, HealthKind::Startup];
    let (check, argv) = kinds.into_iter().find_map(|kind| match of(kind) {
        Some(check) => match &check.probe {
            Probe::Exec { argv } => Some((check, argv)),
            Probe::Http { .. } | Probe::Tcp { .. } => None,
        },
        None => None,
    })?;
    let mut test = vec![Node::word("CMD")];
    test.extend(argv.iter().map(|word| Node::text(word, words)));
    let mut entries = Entries::default();
    entries.put("test", Node::List(test));
    entries.maybe("interval", check.period.as_ref().map(|leaf| Node::text(leaf, words)));
    entries.maybe("timeout", check.timeout.as_ref().map(|leaf| Node::text(leaf, words)));
    entries.maybe("retries", check.failures.as_ref().map(|leaf| Node::value(leaf, words)));
    entries.maybe("start_period", start_period(check, of(HealthKind::Startup), words));
    Some(entries.into())
}

/// The time in which failures do not count: as the check says, or else as long as a startup check goes on, or
/// else until the first check.
fn start_period<'p>(check: &'p Health, startup: Option<&'p Health>, words: &Words) -> Option<Node<'p>> {
    if let Some(start) = check.start.as_ref().or(startup.and_then(|startup| startup.start.as_ref())) {
        return Some(Node::text(start, words));
    }
    if let Some((period, failures)) = startup.and_then(|health| health.period.as_ref().zip(health.failures.as_ref()))
        && let (Value::Duration(each), Value::Int(times)) = (&period.value, &failures.value)
    {
        let text = words::duration(each.saturating_mul(u64::try_from(*times).unwrap_or(0)));
        return Some(Node::joined(Output::String(text), &[period, failures]));
    }
    check.delay.as_ref().map(|delay| Node::text(delay, words))
}

fn bind(source: &str, file: &plan::File) -> Node<'static> {
    let said = |text: String| Node::Said(Output::String(text), Cow::Borrowed(&[]), file.at);
    let mut entry = Entries::default();
    entry.put("type", Node::word("bind"));
    entry.put("source", said(compose_string(source)));
    entry.put("target", said(compose_string(&file.path)));
    entry.put("read_only", Node::Fixed(Output::Bool(true)));
    entry.put("bind", Node::Fixed(Output::map([("create_host_path", Output::Bool(false))])));
    entry.into()
}

fn security<'p>(security: &'p Security, words: &Words, service: &mut Entries<'p>) {
    let text = |leaf: &Option<Leaf>| leaf.as_ref().map(|leaf| words::text(&leaf.value, words)).unwrap_or_default();
    let who: Vec<&Leaf> = security.user.iter().chain(&security.group).collect();
    if !who.is_empty() {
        let group = security.group.as_ref().map(|_| format!(":{}", text(&security.group))).unwrap_or_default();
        service.put("user", Node::joined(Output::String(text(&security.user) + &group), &who));
    }
    service.maybe("read_only", security.read_only_root.as_ref().map(|leaf| Node::value(leaf, words)));
    service.maybe("cap_drop", security.drop.as_ref().map(|leaf| Node::value(leaf, words)));
    if let Some(escalation) = security.escalation.as_ref().filter(|leaf| leaf.value == Value::Bool(false)) {
        let option = Output::string("no-new-privileges:true");
        service.put("security_opt", Node::List(vec![Node::of(option, escalation)]));
    }
}

fn deploy<'p>(workload: &'p Workload, words: &Words) -> Entries<'p> {
    let mut entries = Entries::default();
    entries.maybe("replicas", workload.replicas.as_ref().map(|leaf| replicas(workload, leaf, words)));
    let Resources { request_cpu, request_memory, limit_cpu, limit_memory } = &workload.resources;
    let mut resources = Entries::default();
    resources.unless_empty("limits", amounts(limit_cpu.as_ref(), limit_memory.as_ref(), words));
    resources.unless_empty("reservations", amounts(request_cpu.as_ref(), request_memory.as_ref(), words));
    entries.unless_empty("resources", resources);
    entries
}

/// Copies; a workload that keeps data runs once, whatever its setting says.
fn replicas<'p>(workload: &Workload, leaf: &'p Leaf, words: &Words) -> Node<'p> {
    if workload.stateful { Node::of(Output::Int(1), leaf) } else { Node::value(leaf, words) }
}

fn amounts<'p>(cpu: Option<&'p Leaf>, memory: Option<&'p Leaf>, words: &Words) -> Entries<'p> {
    let node = |leaf: &'p Leaf| Node::of(Output::String(words::compose_amount(&leaf.value, words)), leaf);
    let mut entries = Entries::default();
    entries.maybe("cpus", cpu.map(node));
    entries.maybe("memory", memory.map(node));
    entries
}

/// Compose's words: service names, doubled dollars, secrets as variables that must be set.
struct Words<'a> {
    addresses: &'a Addresses,
    /// The variables that the user has to set.
    variables: RefCell<BTreeSet<String>>,
}

impl Speaker for Words<'_> {
    fn literal(&self, text: &str) -> String {
        compose_string(text)
    }

    fn link(&self, link: &Link) -> String {
        self.addresses.text(link)
    }

    fn secret(&self, secret: &SecretRef) -> String {
        let name = secret_variable(secret);
        self.variables.borrow_mut().insert(name.clone());
        format!("${{{name}:?set it to key {} of secret {}}}", secret.key, secret.name)
    }
}
