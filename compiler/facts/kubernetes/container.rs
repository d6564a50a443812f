//! Facts of one container.

use std::borrow::Cow;

use smol_str::SmolStr;

use super::{
    Manifests,
    expand::Variables,
    objects::{Running, container_port, int, scalar, text},
};
use crate::{
    facts::{
        Delivery, Fact, State,
        compose::number_key,
        file::file_value,
        plan::{arguments, delivery, path_text},
        sink::line,
        text::Marked,
        units,
    },
    plan::{FactPath, Kind},
    read::{Data, Node},
    value::{SecretRef, Value, secret_variable},
};

/// The checks of a container, and what facts call them.
const CHECKS: [(&str, &str); 3] =
    [("livenessProbe", "liveness"), ("readinessProbe", "readiness"), ("startupProbe", "startup")];

impl Manifests<'_, '_> {
    /// All facts of a container.
    pub(super) fn container(&mut self, container: &Node<'_>, pod: &Node<'_>, running: &Running<'_, '_>) {
        if let Some(node) = container.get("image") {
            self.image(node);
        }
        if let Some(node) = container.get("imagePullPolicy") {
            self.sink.one(Kind::Image, "pull", Value::string(node.as_str().unwrap_or_default()), line(node.line));
        }
        let variables = self.environment(container);
        for (kind, key) in [(Kind::Command, "command"), (Kind::Args, "args")] {
            if let Some(node) = container.get(key) {
                self.words(kind, node, &variables);
            }
        }
        self.sink.retain(|path, fact| !only_holds_a_secret(path, fact, &variables));
        self.ports(container);
        for (key, name) in CHECKS {
            if let Some(probe) = container.get(key) {
                self.probe(&name.into(), probe, running);
            }
        }
        self.mounts(container, pod, running);
        self.sink.follow_secret_files();
        self.resources(container);
        self.security(container, pod);
    }

    pub(super) fn image(&mut self, node: &Node<'_>) {
        let text = node.as_str().unwrap_or_default();
        let value = units::image(text).unwrap_or_else(|| Value::string(text));
        self.sink.image(value, State::Set, line(node.line));
    }

    /// A command, with references to variables put in.
    pub(super) fn words(&mut self, kind: Kind, node: &Node<'_>, variables: &Variables) {
        let (list, at) = (self.list(node, variables), line(node.line));
        if let Value::List(items) = &list
            && !items.is_empty()
        {
            let fact = Fact { delivery: delivery(&list), value: list, state: State::Set, place: at };
            self.sink.push(kind, &SmolStr::default(), "", fact);
        }
    }

    fn list(&self, node: &Node<'_>, variables: &Variables) -> Value {
        let words = node.items().iter().filter_map(scalar).map(|word| variables.expand(&word)).collect::<Vec<_>>();
        arguments(&words, self.names)
    }

    fn environment(&mut self, container: &Node<'_>) -> Variables {
        let mut variables = Variables::default();
        for from in container.get("envFrom").map_or(&[][..], Node::items) {
            self.all_of(from, &mut variables);
        }
        for item in container.get("env").map_or(&[][..], Node::items) {
            let Some(name) = text(item, &["name"]) else { continue };
            match item.get("valueFrom") {
                Some(from) => self.variable_from(name, from, &mut variables),
                None => {
                    let value = item.get("value").and_then(scalar).unwrap_or(Cow::Borrowed(""));
                    let marked = variables.expand(&value);
                    let value = marked.value(name, self.names);
                    self.variable(name, value, None, State::Set, item.line);
                    variables.set(name, marked);
                }
            }
        }
        variables
    }

    fn variable(&mut self, name: &str, value: Value, how: Option<Delivery>, state: State, at: u32) {
        let delivery = how.unwrap_or_else(|| delivery(&value));
        self.sink.push(Kind::Env, &name.into(), "", Fact { value, delivery, state, place: line(at) });
    }

    fn secret(&mut self, name: &str, secret: SecretRef, at: u32, variables: &mut Variables) {
        let mut marked = Marked::default();
        marked.push_secret(secret.clone());
        variables.set(name, marked);
        self.variable(name, Value::Secret(secret), Some(Delivery::Secret), State::Set, at);
    }

    fn config(&mut self, name: &str, value: Option<String>, at: u32, variables: &mut Variables) {
        let Some(text) = value else {
            return self.variable(name, Value::string(""), Some(Delivery::Config), State::Open, at);
        };
        let marked = Marked { text: text.into(), ..Marked::default() };
        self.variable(name, marked.value(name, self.names), Some(Delivery::Config), State::Set, at);
        variables.set(name, marked);
    }

    fn variable_from(&mut self, name: &str, from: &Node<'_>, variables: &mut Variables) {
        let reference = |kind: &str| {
            let node = from.get(kind)?;
            Some((text(node, &["name"]).unwrap_or_default(), text(node, &["key"]).unwrap_or_default()))
        };
        if let Some((object, key)) = reference("secretKeyRef") {
            let secret = SecretRef { name: object.into(), key: key.into() };
            self.secret(name, secret, from.line, variables);
        } else if let Some((object, key)) = reference("configMapKeyRef") {
            let value = self.config_value(object, key);
            self.config(name, value, from.line, variables);
        } else {
            let field =
                text(from, &["fieldRef", "fieldPath"]).or_else(|| text(from, &["resourceFieldRef", "resource"]));
            let value = Value::string(field.unwrap_or_default());
            self.variable(name, value, Some(Delivery::Field), State::Generated, from.line);
        }
    }

    fn config_value(&self, object: &str, key: &str) -> Option<String> {
        let value = self.objects.configs.get(object)?.at(&["data", key])?;
        scalar(value).map(Cow::into_owned)
    }

    /// All variables of a `ConfigMap` or a `Secret`.
    fn all_of(&mut self, from: &Node<'_>, variables: &mut Variables) {
        let prefix = text(from, &["prefix"]).unwrap_or_default();
        if let Some(name) = text(from, &["configMapRef", "name"]) {
            let data = self.objects.configs.get(name).and_then(|config| config.get("data"));
            if data.is_none() {
                self.trouble(from.line, format!("`{name}` is no `ConfigMap` here, and its variables are not known"));
            }
            for (key, value) in data.map_or(&[][..], Node::entries) {
                self.config(&format!("{prefix}{key}"), scalar(value).map(Cow::into_owned), value.line, variables);
            }
        }
        if let Some(name) = text(from, &["secretRef", "name"]) {
            match self.objects.secrets.get(name) {
                Some(keys) => {
                    for key in keys {
                        let secret = SecretRef { name: name.into(), key: (*key).into() };
                        self.secret(&format!("{prefix}{key}"), secret, from.line, variables);
                    }
                }
                None => {
                    self.trouble(from.line, format!("`{name}` is no `Secret` here, and its variables are not known"))
                }
            }
        }
    }

    fn ports(&mut self, container: &Node<'_>) {
        for port in container.get("ports").map_or(&[][..], Node::items) {
            let Some(number) = port.get("containerPort").and_then(int) else { continue };
            let protocol = text(port, &["protocol"]).unwrap_or("TCP").to_ascii_lowercase();
            let key = text(port, &["name"]).map_or_else(|| number_key(number, &protocol), SmolStr::from);
            self.sink.put(Kind::Port, &key, "", Value::Int(number), line(port.line));
            self.sink.put(Kind::Port, &key, "protocol", Value::string(protocol), line(port.line));
        }
    }

    fn probe(&mut self, key: &SmolStr, probe: &Node<'_>, running: &Running<'_, '_>) {
        let at = line(probe.line);
        let port = |node: &Node<'_>| Value::String(container_port(node, running));
        if let Some(get) = probe.get("httpGet") {
            let path = text(get, &["path"]).unwrap_or("/");
            self.sink.put(Kind::Health, key, "path", Value::string(path), at.clone());
            if let Some(node) = get.get("port") {
                self.sink.put(Kind::Health, key, "port", port(node), at);
            }
        } else if let Some(node) = probe.at(&["tcpSocket", "port"]).or_else(|| probe.at(&["grpc", "port"])) {
            self.sink.put(Kind::Health, key, "tcp", port(node), at);
        } else if let Some(command) = probe.at(&["exec", "command"]) {
            let argv = self.list(command, &Variables::default());
            self.sink.put(Kind::Health, key, "exec", argv, at);
        }
        let seconds = [("period", "periodSeconds"), ("delay", "initialDelaySeconds"), ("timeout", "timeoutSeconds")];
        for (field, word) in seconds {
            if let Some((node, seconds)) = probe.get(word).and_then(|node| Some((node, int(node)?))) {
                let length = u64::try_from(seconds).unwrap_or(0).saturating_mul(1000);
                self.sink.put(Kind::Health, key, field, Value::Duration(length), line(node.line));
            }
        }
        if let Some((node, failures)) = probe.get("failureThreshold").and_then(|node| Some((node, int(node)?))) {
            self.sink.put(Kind::Health, key, "failures", Value::Int(failures), line(node.line));
        }
    }

    fn mounts(&mut self, container: &Node<'_>, pod: &Node<'_>, running: &Running<'_, '_>) {
        let volumes = pod.get("volumes").map_or(&[][..], Node::items);
        let claims = running.object.at(&["spec", "volumeClaimTemplates"]).map_or(&[][..], Node::items);
        for mount in container.get("volumeMounts").map_or(&[][..], Node::items) {
            let (Some(name), Some(path)) = (text(mount, &["name"]), text(mount, &["mountPath"])) else { continue };
            let claim = claims.iter().find(|claim| text(claim, &["metadata", "name"]) == Some(name));
            match (claim, volumes.iter().find(|volume| text(volume, &["name"]) == Some(name))) {
                (Some(claim), _) => self.volume(name, path, claim.get("spec"), mount.line),
                (None, Some(volume)) => self.mount(volume, mount, path),
                (None, None) => self.trouble(mount.line, format!("`{name}` is no volume of this pod")),
            }
        }
    }

    fn volume(&mut self, name: &str, path: &str, spec: Option<&Node<'_>>, at: u32) {
        let own = name.strip_prefix(&*self.sink.workload).and_then(|rest| rest.strip_prefix('-'));
        let key: SmolStr = own.filter(|_| self.main.is_some()).unwrap_or(name).into();
        self.sink.put(Kind::Volume, &key, "", Value::string(path_text(path)), line(at));
        if let (Some(main), None) = (&self.main, own) {
            // Its size is said where it is made.
            return self.sink.put(Kind::Volume, &key, "of", Value::String(main.clone()), line(at));
        }
        let size = spec.and_then(|spec| spec.at(&["resources", "requests", "storage"]));
        self.claim(&key, size, spec.and_then(|spec| spec.get("storageClassName")));
    }

    fn mount(&mut self, volume: &Node<'_>, mount: &Node<'_>, path: &str) {
        let (name, at) = (text(volume, &["name"]).unwrap_or_default(), mount.line);
        if let Some(claim) = text(volume, &["persistentVolumeClaim", "claimName"]) {
            let spec = self.objects.claims.get(claim).and_then(|claim| claim.get("spec"));
            self.volume(name, path, spec, at);
        } else if volume.get("emptyDir").is_some() {
            self.sink.put(Kind::Tmpfs, &path_text(path).into(), "", Value::Bool(true), line(at));
        } else if let Some(node) = volume.get("hostPath") {
            if !text(node, &["path"]).is_some_and(|path| path.ends_with(".sock")) {
                let fact =
                    Fact { value: Value::Null, delivery: Delivery::Literal, state: State::Open, place: line(at) };
                self.sink.push(Kind::File, &path_text(path).into(), "", fact);
            }
        } else {
            let sources = volume.at(&["projected", "sources"]).map_or(&[][..], Node::items);
            for source in std::iter::once(volume).chain(sources) {
                self.files(source, mount, path);
            }
        }
    }

    /// Files out of a `ConfigMap` or a `Secret`.
    fn files(&mut self, source: &Node<'_>, mount: &Node<'_>, path: &str) {
        let name_of = |kind: &str, key: &str| {
            source.get(kind).and_then(|node| text(node, &[key]).or_else(|| text(node, &["name"])))
        };
        let config = name_of("configMap", "name");
        let secret = name_of("secret", "secretName");
        let Some(object) = config.or(secret) else { return };
        let keys: Vec<String> = match (config.and_then(|name| self.objects.configs.get(name)), secret) {
            (Some(config), _) => {
                config.get("data").map_or(&[][..], Node::entries).iter().map(|(key, _)| key.to_string()).collect()
            }
            (None, Some(name)) => {
                self.objects.secrets.get(name).into_iter().flatten().map(|key| (*key).to_owned()).collect()
            }
            (None, None) => Vec::new(),
        };
        let items = source.get("configMap").or_else(|| source.get("secret")).and_then(|node| node.get("items"));
        let named: Vec<(String, String)> = match items.map(Node::items) {
            Some(items) => items
                .iter()
                .filter_map(|item| Some((text(item, &["key"])?.to_owned(), text(item, &["path"])?.to_owned())))
                .collect(),
            None => keys.into_iter().map(|key| (key.clone(), key)).collect(),
        };
        let below = text(mount, &["subPath"]);
        let at = mount.line;
        if named.is_empty() && below.is_none() {
            return self.mounted(path.to_owned(), object, "", secret.is_some(), at);
        }
        if let (true, Some(key)) = (named.is_empty(), below) {
            return self.mounted(path.to_owned(), object, key, secret.is_some(), at);
        }
        for (key, file) in named {
            match below {
                Some(below) if below != file => {}
                Some(_) => self.mounted(path.to_owned(), object, &key, secret.is_some(), at),
                None => self.mounted(format!("{}/{file}", path_text(path)), object, &key, secret.is_some(), at),
            }
        }
    }

    fn mounted(&mut self, path: String, object: &str, key: &str, secret: bool, at: u32) {
        let place = line(at);
        let fact = if secret {
            let value = Value::Secret(SecretRef { name: object.into(), key: key.into() });
            Fact { value, delivery: Delivery::Secret, state: State::Set, place }
        } else {
            match self.config_value(object, key) {
                Some(text) => {
                    let value = file_value(text.as_bytes(), &path, key, self.names);
                    Fact { value, delivery: Delivery::Config, state: State::Set, place }
                }
                None => Fact { value: Value::Null, delivery: Delivery::Config, state: State::Open, place },
            }
        };
        self.sink.push(Kind::File, &path_text(&path).into(), "", fact);
    }

    pub(super) fn resources(&mut self, of: &Node<'_>) {
        for (group, cpu, memory) in
            [("requests", "requests.cpu", "requests.memory"), ("limits", "limits.cpu", "limits.memory")]
        {
            for (unit, field) in [("cpu", cpu), ("memory", memory)] {
                let Some(node) = of.at(&["resources", group, unit]) else { continue };
                let text = scalar(node).unwrap_or_default();
                let value = match unit {
                    "cpu" => units::cpu(&text).map(Value::Cpu),
                    _ => units::kubernetes_memory(&text).map(Value::Memory),
                };
                let value = value.unwrap_or_else(|| Value::string(&*text));
                self.sink.one(Kind::Resources, field, value, line(node.line));
            }
        }
    }

    /// What the container says of its rights, or else the pod.
    fn security(&mut self, container: &Node<'_>, pod: &Node<'_>) {
        let own = container.get("securityContext");
        let of = |key: &str| own.and_then(|own| own.get(key)).or_else(|| pod.at(&["securityContext", key]));
        let fields = [
            ("user", "runAsUser"),
            ("group", "runAsGroup"),
            ("read-only-root", "readOnlyRootFilesystem"),
            ("escalation", "allowPrivilegeEscalation"),
            ("privileged", "privileged"),
        ];
        for (field, key) in fields {
            let value = of(key).and_then(|node| match &node.data {
                Data::Bool(yes) => Some((Value::Bool(*yes), node.line)),
                _ => int(node).map(|number| (Value::Int(number), node.line)),
            });
            if let Some((value, at)) = value {
                self.sink.one(Kind::Security, field, value, line(at));
            }
        }
        for field in ["drop", "add"] {
            if let Some(node) = own.and_then(|own| own.at(&["capabilities", field])) {
                let names = node.items().iter().filter_map(Node::as_str).map(Value::string).collect();
                self.sink.one(Kind::Security, field, Value::List(names), line(node.line));
            }
        }
    }
}

/// Whether a variable is there only so that others can refer to a secret: it is called like the secret.
fn only_holds_a_secret(path: &FactPath, fact: &Fact, variables: &Variables) -> bool {
    let Value::Secret(secret) = &fact.value else { return false };
    path.kind == Kind::Env && variables.is_used(&path.key) && secret_variable(secret) == *path.key
}
