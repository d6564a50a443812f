//! Facts of one service.

use smol_str::SmolStr;

use super::{Compose, ports, shell, text_of};
use crate::{
    facts::{
        Delivery, Fact, State,
        file::file_value,
        plan::{arguments, build_folder, delivery, path_text},
        sink::line,
        text::Marked,
        units,
    },
    plan::Kind,
    read::{Data, Node},
    value::{SecretRef, Value},
};

/// The service whose network a service shares.
fn beside<'n, 't>(service: &'n Node<'t>) -> Option<(&'n Node<'t>, &'n str)> {
    let node = service.get("network_mode")?;
    Some((node, node.as_str()?.strip_prefix("service:")?))
}

/// The project's root, seen from the folder of our own Compose files.
const ROOT: &str = "../../../..";

/// A secret that a service mounts.
struct Mounted {
    path: SmolStr,
    secret: SecretRef,
    line: u32,
}

impl Compose<'_, '_> {
    /// All facts of a service.
    pub(super) fn service(&mut self, name: &str, service: &Node<'_>) {
        let mounted = self.mounted_secrets(service);
        if !self.names.all_end {
            self.sink.one(Kind::Role, "", Value::string(self.role(name, service)), line(service.line));
        }
        self.image(service);
        self.replicas(service);
        self.words(Kind::Command, service.get("entrypoint"));
        self.words(Kind::Args, service.get("command"));
        self.environment(service, &mounted);
        self.ports(name, service);
        self.needs(service);
        if let Some(check) = service.get("healthcheck") {
            self.health(check);
        }
        self.mounts(name, service);
        for secret in mounted {
            let value = Value::Secret(secret.secret);
            let place = line(secret.line);
            let fact = Fact { value, delivery: Delivery::Secret, state: State::Set, place };
            self.sink.push(Kind::File, &secret.path, "", fact);
        }
        self.resources(service);
        self.security(service);
        self.profile(service);
        if let Some((node, other)) = beside(service) {
            self.sink.one(Kind::Beside, "", Value::String(self.names.endpoint(other)), line(node.line));
        }
    }

    /// A service that ends: its restart policy says so, or others wait for its end.
    fn role(&self, name: &str, service: &Node<'_>) -> &'static str {
        let policy = service.get("restart");
        let once = policy.is_some_and(|node| node.as_str() == Some("no") || node.data == Data::Bool(false));
        let idle = ["ports", "expose", "healthcheck"].iter().all(|key| service.get(key).is_none());
        let awaited = self.awaited.iter().any(|other| other == name);
        if (once && (self.ours || idle)) || awaited { "job" } else { "service" }
    }

    fn image(&mut self, service: &Node<'_>) {
        if let Some(node) = service.get("image")
            && let Some(text) = text_of(node)
        {
            let state = self.state(&text, node.line);
            let text = &*text.marked.text;
            let value = if state == State::Open { None } else { units::image(text) };
            self.sink.image(value.unwrap_or_else(|| Value::string(text)), state, line(node.line));
        }
        if let Some((node, text)) = self.text(service.get("pull_policy")) {
            let policy = match text.as_str() {
                "always" => "Always",
                "missing" | "if_not_present" => "IfNotPresent",
                "never" => "Never",
                other => other,
            };
            self.sink.one(Kind::Image, "pull", Value::string(policy), line(node));
        }
        let build = service.get("build");
        if let Some((node, folder)) = self.text(build.and_then(|build| build.get("context").or(Some(build)))) {
            let below =
                if self.ours { folder.strip_prefix(ROOT).map(|rest| rest.trim_start_matches('/')) } else { None };
            let folder =
                below.map_or_else(|| build_folder(&folder), |below| if below.is_empty() { "." } else { below });
            self.sink.one(Kind::Image, "build", Value::string(folder), line(node));
        }
    }

    fn replicas(&mut self, service: &Node<'_>) {
        let count = service.at(&["deploy", "replicas"]).or_else(|| service.get("scale"));
        if let Some((node, text)) = self.text(count) {
            self.sink.one(Kind::Replicas, "", number(&text), line(node));
        }
    }

    /// A command: a list of words, or a line that is taken apart.
    fn words(&mut self, kind: Kind, node: Option<&Node<'_>>) {
        let Some(node) = node else { return };
        let (list, state) = self.command(node);
        if let Some(list) = list {
            let fact = Fact { delivery: delivery(&list), value: list, state, place: line(node.line) };
            self.sink.push(kind, &SmolStr::default(), "", fact);
        }
    }

    fn command(&mut self, node: &Node<'_>) -> (Option<Value>, State) {
        let mut state = State::Set;
        let list: Vec<Marked<'_>> = match &node.data {
            Data::List(items) => {
                let mut words = Vec::with_capacity(items.len());
                for item in items {
                    if let Some(text) = text_of(item) {
                        state = worse(state, self.state(&text, item.line));
                        words.push(text.marked);
                    }
                }
                words
            }
            _ => match text_of(node) {
                Some(text) => {
                    state = self.state(&text, node.line);
                    let secrets = text.marked.secrets;
                    let words = shell::words(&text.marked.text).into_iter();
                    words
                        .map(|word| Marked { text: word.into(), secrets: secrets.clone(), ..Marked::default() })
                        .collect()
                }
                None => Vec::new(),
            },
        };
        ((!list.is_empty()).then(|| arguments(&list, self.names)), state)
    }

    fn environment(&mut self, service: &Node<'_>, mounted: &[Mounted]) {
        for (path, at) in self.env_files(service) {
            self.env_file(&path, at, mounted);
        }
        let Some(environment) = service.get("environment") else { return };
        // In the order of facts, so that little is left to sort.
        let mut entries: Vec<(&str, &Node<'_>)> =
            environment.entries().iter().map(|(name, value)| (&**name, value)).collect();
        entries.sort_by_key(|(name, _)| *name);
        for (name, value) in entries {
            self.variable(name, Some(value), value.line, mounted);
        }
        for item in environment.items() {
            let Some(text) = item.as_str() else { continue };
            match text.split_once('=') {
                Some((name, value)) => {
                    let value = Node { line: item.line, data: Data::String(value.into()) };
                    self.variable(name, Some(&value), item.line, mounted);
                }
                None => self.variable(text, None, item.line, mounted),
            }
        }
    }

    fn env_files(&self, service: &Node<'_>) -> Vec<(String, u32)> {
        let path = |node: &Node<'_>| {
            let text = text_of(node.get("path").unwrap_or(node))?;
            Some((text.marked.text.into_owned(), node.line))
        };
        match service.get("env_file") {
            Some(node) if node.items().is_empty() => path(node).into_iter().collect(),
            Some(node) => node.items().iter().filter_map(path).collect(),
            None => Vec::new(),
        }
    }

    /// Variables out of a file: `NAME=value`, `export NAME="value"`, comments.
    fn env_file(&mut self, path: &str, at: u32, mounted: &[Mounted]) {
        let Some(text) = (self.files)(path).and_then(|bytes| String::from_utf8(bytes).ok()) else {
            return self.trouble(at, format!("`{path}` is not there, and its variables are not known"));
        };
        for said in text.lines() {
            let said = said.trim();
            let said = said.strip_prefix("export ").unwrap_or(said);
            let Some((name, value)) = said.split_once('=').filter(|_| !said.starts_with('#')) else { continue };
            let value = value.trim();
            let quoted = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
            let value = quoted.unwrap_or_else(|| value.split_once(" #").map_or(value, |(value, _)| value.trim_end()));
            let node = Node { line: at, data: Data::String(value.into()) };
            self.variable(name.trim(), Some(&node), at, mounted);
        }
    }

    /// A variable; without a value it is whatever the user's shell says.
    fn variable(&mut self, name: &str, node: Option<&Node<'_>>, at: u32, mounted: &[Mounted]) {
        let key: SmolStr = name.into();
        let place = line(at);
        let Some(text) = node.and_then(text_of) else {
            let fact = Fact { value: Value::string(""), delivery: Delivery::Literal, state: State::Open, place };
            return self.sink.push(Kind::Env, &key, "", fact);
        };
        let state = self.state(&text, at);
        if let Some(file) = mounted.iter().find(|file| *file.path == *text.marked.text) {
            let value = Value::Secret(file.secret.clone());
            let fact = Fact { value, delivery: Delivery::File, state, place };
            return self.sink.push(Kind::Env, &key, "", fact);
        }
        let value = text.marked.value(name, self.names);
        self.sink.push(Kind::Env, &key, "", Fact { delivery: delivery(&value), value, state, place });
    }

    fn ports(&mut self, service_name: &str, service: &Node<'_>) {
        let mut taken: Vec<SmolStr> = Vec::new();
        for port in ports::of_service(service) {
            let key = if self.ours { self.port_name(service_name, &port, &taken) } else { port.key() };
            if self.ours {
                taken.push(key.clone());
            }
            let place = line(port.line);
            let outer = self.sink.workload.clone();
            self.sink.workload = self.names.listener(&outer, &key).clone();
            self.sink.put(Kind::Port, &key, "", Value::Int(port.number), place.clone());
            self.sink.put(Kind::Port, &key, "protocol", Value::String(port.protocol), place.clone());
            if let Some(publish) = port.publish {
                let value = publish.map_or_else(Value::string, Value::Int);
                self.sink.put(Kind::Port, &key, "publish", value, place);
            }
            self.sink.workload = outer;
        }
    }

    /// What our plan calls a port that has no name in the file: the next one of this number.
    fn port_name(&self, service: &str, port: &ports::Port, taken: &[SmolStr]) -> SmolStr {
        let known = || {
            let mut known = self.names.ports_of(service).iter();
            known.find(|(name, number)| *number == port.number && !taken.contains(name)).map(|(name, _)| name.clone())
        };
        port.name.clone().or_else(known).unwrap_or_else(|| port.key())
    }

    fn needs(&mut self, service: &Node<'_>) {
        let Some(node) = service.get("depends_on") else { return };
        for item in node.items() {
            if let Some(name) = item.as_str() {
                self.need(name, "started", item.line);
            }
        }
        for (name, need) in node.entries() {
            let until = match need.get("condition").and_then(Node::as_str) {
                Some("service_healthy") => "healthy",
                Some("service_completed_successfully") => "completed",
                _ => "started",
            };
            self.need(name, until, need.line);
        }
    }

    fn need(&mut self, name: &str, until: &str, at: u32) {
        if !self.services.contains(&name) {
            self.trouble(at, format!("`depends_on` names `{name}`, which is no service here"));
        }
        let endpoint = self.names.endpoint(name);
        self.sink.put(Kind::Needs, &endpoint, "", Value::string(until), line(at));
    }

    /// The one health check, which stands for readiness.
    fn health(&mut self, check: &Node<'_>) {
        let key: SmolStr = "readiness".into();
        if check.get("disable").is_some_and(|node| node.data == Data::Bool(true)) {
            return;
        }
        if let Some(test) = check.get("test") {
            let (list, state) = self.command(test);
            let line_of_shell = test.as_str().is_some();
            let first = test.items().first().and_then(Node::as_str);
            let argv = match (first, list) {
                (Some("NONE"), _) => return,
                (Some("CMD"), Some(Value::List(mut words))) => {
                    words.remove(0);
                    Some(Value::List(words))
                }
                (Some("CMD-SHELL"), Some(Value::List(mut words))) => words.pop().map(in_shell),
                _ if line_of_shell => text_of(test).map(|text| in_shell(text.marked.word("", self.names))),
                (_, list) => list,
            };
            if let Some(value) = argv {
                let fact = Fact { delivery: delivery(&value), value, state, place: line(test.line) };
                self.sink.push(Kind::Health, &key, "exec", fact);
            }
        }
        for (field, word) in [("period", "interval"), ("timeout", "timeout"), ("start", "start_period")] {
            if let Some((at, text)) = self.text(check.get(word)) {
                let value = units::duration(&text).map_or_else(|| Value::string(text), Value::Duration);
                self.sink.put(Kind::Health, &key, field, value, line(at));
            }
        }
        if let Some((at, text)) = self.text(check.get("retries")) {
            self.sink.put(Kind::Health, &key, "failures", number(&text), line(at));
        }
    }

    fn mounted_secrets(&mut self, service: &Node<'_>) -> Vec<Mounted> {
        let mut mounted = Vec::new();
        for item in service.get("secrets").map_or(&[][..], Node::items) {
            let Some(source) = item.as_str().or_else(|| item.get("source")?.as_str()) else { continue };
            let Some(secret) = self.secrets.get(source).cloned() else {
                self.trouble(item.line, format!("`{source}` is no secret of this file"));
                continue;
            };
            let target = self.text(item.get("target")).map_or_else(|| source.to_owned(), |(_, target)| target);
            let path = if target.starts_with('/') { target } else { format!("/run/secrets/{target}") };
            mounted.push(Mounted { path: path_text(&path).into(), secret, line: item.line });
        }
        mounted
    }

    fn mounts(&mut self, name: &str, service: &Node<'_>) {
        let owner = beside(service).map(|(_, other)| other);
        for item in service.get("volumes").map_or(&[][..], Node::items) {
            self.mount(name, owner, item);
        }
        let tmpfs = service.get("tmpfs");
        let several = tmpfs.map_or(&[][..], Node::items);
        for item in several.iter().chain(tmpfs.filter(|_| several.is_empty())) {
            if let Some((at, text)) = self.text(Some(item)) {
                let path = text.split_once(':').map_or(&*text, |(path, _)| path);
                self.sink.put(Kind::Tmpfs, &path_text(path).into(), "", Value::Bool(true), line(at));
            }
        }
        for item in service.get("configs").map_or(&[][..], Node::items) {
            self.config(item);
        }
    }

    /// A mount, in the short or the long syntax.
    fn mount(&mut self, name: &str, owner: Option<&str>, item: &Node<'_>) {
        let at = item.line;
        if let Some((_, text)) = self.text(Some(item)) {
            let (source, target) = short_mount(&text);
            return match source {
                Some(source) if source.starts_with(['.', '/', '~']) || source.contains('$') => {
                    self.bind(source, target, at)
                }
                Some(source) => self.volume(name, owner, source, target, at),
                None => self.volume(name, owner, "", target, at),
            };
        }
        let source = self.text(item.get("source")).map(|(_, text)| text).unwrap_or_default();
        let Some((_, target)) = self.text(item.get("target")) else {
            return self.trouble(at, "this mount has no `target`".to_owned());
        };
        match item.get("type").and_then(Node::as_str) {
            Some("bind") => self.bind(&source, &target, at),
            Some("tmpfs") => {
                self.sink.put(Kind::Tmpfs, &path_text(&target).into(), "", Value::Bool(true), line(at));
            }
            _ => self.volume(name, owner, &source, &target, at),
        }
    }

    /// A named volume, or one without a name, which is called like its path.
    fn volume(&mut self, name: &str, owner: Option<&str>, source: &str, target: &str, at: u32) {
        if !source.is_empty() && self.volumes.is_none_or(|volumes| volumes.get(source).is_none()) {
            self.trouble(at, format!("`{source}` is no volume of this file"));
        }
        let of = |name: &str| source.strip_prefix(name).and_then(|rest| rest.strip_prefix('-')).filter(|_| self.ours);
        let shared = owner.filter(|_| of(name).is_none()).and_then(|owner| Some((owner, of(owner)?)));
        let own = shared.map(|(_, key)| key).or_else(|| of(name));
        let key: SmolStr = own.unwrap_or(if source.is_empty() { target } else { source }).into();
        self.sink.put(Kind::Volume, &key, "", Value::string(path_text(target)), line(at));
        if let Some((owner, _)) = shared {
            self.sink.put(Kind::Volume, &key, "of", Value::String(self.names.endpoint(owner)), line(at));
        }
    }

    /// A file or folder of the host.
    fn bind(&mut self, source: &str, target: &str, at: u32) {
        if source.ends_with(".sock") {
            return;
        }
        let content = (self.files)(source);
        let fact = match content {
            Some(bytes) => {
                let value = file_value(&bytes, target, source, self.names);
                Fact { value, delivery: Delivery::Literal, state: State::Set, place: line(at) }
            }
            None => Fact { value: Value::Null, delivery: Delivery::Literal, state: State::Open, place: line(at) },
        };
        if fact.state == State::Open && self.ours {
            self.trouble(at, format!("`{source}` is not among the files that were printed"));
        }
        self.sink.push(Kind::File, &path_text(target).into(), "", fact);
    }

    fn config(&mut self, item: &Node<'_>) {
        let Some(source) = item.as_str().or_else(|| item.get("source")?.as_str()) else { return };
        let target = self.text(item.get("target")).map_or_else(|| format!("/{source}"), |(_, target)| target);
        let Some(config) = self.configs.and_then(|configs| configs.get(source)) else {
            return self.trouble(item.line, format!("`{source}` is no config of this file"));
        };
        if let Some((_, file)) = self.text(config.get("file")) {
            return self.bind(&file, &target, item.line);
        }
        let content = self.text(config.get("content")).map(|(_, text)| text);
        let state = if content.is_some() { State::Set } else { State::Open };
        let value = content.map_or(Value::Null, |text| file_value(text.as_bytes(), &target, "", self.names));
        let fact = Fact { value, delivery: Delivery::Config, state, place: line(item.line) };
        self.sink.push(Kind::File, &path_text(&target).into(), "", fact);
    }

    fn resources(&mut self, service: &Node<'_>) {
        let deployed = service.at(&["deploy", "resources"]);
        let of = |group: &str, key: &str| deployed.and_then(|node| node.at(&[group, key]));
        let least =
            (of("reservations", "cpus"), of("reservations", "memory").or_else(|| service.get("mem_reservation")));
        let most = (
            of("limits", "cpus").or_else(|| service.get("cpus")),
            of("limits", "memory").or_else(|| service.get("mem_limit")),
        );
        for (cores, node) in [("requests.cpu", least.0), ("limits.cpu", most.0)] {
            if let Some((at, text)) = self.text(node) {
                let value = units::cpu(&text).map_or_else(|| Value::string(text), Value::Cpu);
                self.sink.one(Kind::Resources, cores, value, line(at));
            }
        }
        for (bytes, node) in [("requests.memory", least.1), ("limits.memory", most.1)] {
            if let Some((at, text)) = self.text(node) {
                let value = units::compose_memory(&text).map_or_else(|| Value::string(text), Value::Memory);
                self.sink.one(Kind::Resources, bytes, value, line(at));
            }
        }
    }

    fn security(&mut self, service: &Node<'_>) {
        if let Some((at, text)) = self.text(service.get("user")) {
            let (user, group) = text.split_once(':').map_or((&*text, None), |(user, group)| (user, Some(group)));
            for (field, who) in [("user", Some(user).filter(|user| !user.is_empty())), ("group", group)] {
                if let Some(who) = who {
                    self.sink.one(Kind::Security, field, number(who), line(at));
                }
            }
        }
        for (field, key) in [("read-only-root", "read_only"), ("privileged", "privileged")] {
            if let Some((at, text)) = self.text(service.get(key)) {
                let value = match text.as_str() {
                    "true" => Value::Bool(true),
                    "false" => Value::Bool(false),
                    _ => Value::string(text),
                };
                self.sink.one(Kind::Security, field, value, line(at));
            }
        }
        for (field, key) in [("drop", "cap_drop"), ("add", "cap_add")] {
            if let Some(node) = service.get(key) {
                let names = node.items().iter().filter_map(Node::as_str).map(Value::string).collect();
                self.sink.one(Kind::Security, field, Value::List(names), line(node.line));
            }
        }
        for item in service.get("security_opt").map_or(&[][..], Node::items) {
            if matches!(item.as_str(), Some("no-new-privileges:true" | "no-new-privileges=true" | "no-new-privileges"))
            {
                self.sink.one(Kind::Security, "escalation", Value::Bool(false), line(item.line));
            }
        }
    }

    fn profile(&mut self, service: &Node<'_>) {
        let Some(node) = service.get("profiles") else { return };
        let names = node.items().iter().filter_map(text_of).map(|text| text.marked.text);
        let names = names.collect::<Vec<_>>().join(",");
        if !names.is_empty() {
            self.sink.one(Kind::Profile, "", Value::string(names), line(node.line));
        }
    }

    /// A scalar as text, with its line.
    fn text(&mut self, node: Option<&Node<'_>>) -> Option<(u32, String)> {
        let node = node?;
        let text = text_of(node)?;
        self.state(&text, node.line);
        Some((node.line, text.marked.text.into_owned()))
    }

    /// Whether a text is known; a `$` that Compose refuses is a trouble.
    fn state(&mut self, text: &super::interpolate::Interpolated<'_>, at: u32) -> State {
        if text.wrong {
            self.trouble(at, "a `$` stands alone here, wanted `$$` or a variable".to_owned());
        }
        if text.open { State::Open } else { State::Set }
    }
}

fn worse(one: State, other: State) -> State {
    if one == State::Set { other } else { one }
}

/// A whole number, or the text that is none.
fn number(text: &str) -> Value {
    text.trim().parse().map_or_else(|_| Value::string(text), Value::Int)
}

/// A line of a shell as a command.
fn in_shell(line: Value) -> Value {
    Value::List(vec![Value::string("/bin/sh"), Value::string("-c"), line])
}

/// Source and target of `source:target:options`, or a target alone.
fn short_mount(text: &str) -> (Option<&str>, &str) {
    let mut parts = text.splitn(3, ':');
    match (parts.next(), parts.next()) {
        (Some(source), Some(target)) if target.starts_with('/') => (Some(source), target),
        (Some(target), _) => (None, target),
        (None, _) => (None, text),
    }
}
