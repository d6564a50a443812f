//! What is to be written, before any format: neutral workloads and ordered trees, every leaf with its origins.
//!
//! Data only. Never: stacks, settings' declarations.
//! Invariant: links stay symbolic here ([`crate::value::Piece::Link`]); a target prints them by its own names.

mod flux;
mod kinds;

use indexmap::IndexMap;
use smol_str::SmolStr;

pub use self::flux::{
    ChartSource, Cluster, Decryption, ExternalSecret, Fetched, Flux, FluxRelease, Kustomization, Named, Object,
};
pub use self::kinds::{FactPath, FieldRow, KINDS, Kind, KindRow};
use crate::{
    pack::pack,
    source::Span,
    value::{SecretRef, Value},
};

/// A setting that a leaf was computed from.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Origin {
    /// The setting's path, `postgres.storage.size`; for a link `endpoint.postgres`.
    pub path: SmolStr,
    /// The place that gave the setting its value: an environment line, a default, a preset.
    pub span: Span,
}

/// A value with where it came from.
#[derive(Clone, PartialEq, Debug)]
pub struct Leaf {
    /// The value.
    pub value: Value,
    /// The settings it was computed from; empty for a constant of the stack.
    pub origins: Vec<Origin>,
    /// The line of the stack that says it.
    pub at: Span,
}

/// An ordered tree with computed keys already in place and missing leaves already gone.
#[derive(Clone, PartialEq, Debug)]
pub enum Tree {
    /// A value that is no list and no map, or a list or map that stands for one value.
    Leaf(Leaf),
    /// A map.
    Map(IndexMap<SmolStr, Tree>),
    /// A list.
    List(Vec<Tree>),
    /// A tree that stands as text in another format, such as `(json)NAME { … }`.
    Embedded(Format, Box<Tree>),
}

/// Formats that trees are written in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Format {
    Yaml,
    Toml,
    Json,
    Ini,
}

pack!(enum Format: Yaml, Toml, Json, Ini);

/// Everything that one environment compiles to.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Plan {
    /// The environment's name.
    pub environment: SmolStr,
    /// Its deployments, in the order written.
    pub deployments: Vec<Deployment>,
    /// What applies them in a cluster, if any of them is for Flux.
    pub kustomization: Option<Kustomization>,
}

/// One stack in one environment.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Deployment {
    /// Its name, which is its folder.
    pub name: SmolStr,
    /// The Compose project, if the target is asked for.
    pub compose: Option<Compose>,
    /// The Helm releases, if the target is asked for.
    pub helm: Vec<Release>,
    /// The workloads in Helm's view, which no target prints: what the values of the releases have to say together.
    pub cluster: Vec<Workload>,
    /// Configuration files for `runtime/`.
    pub configs: Vec<Config>,
    /// MCP servers, if any, with the clients that are asked for.
    pub mcp: Option<Mcp>,
    /// What Flux is told of it, if the target is asked for.
    pub flux: Option<Flux>,
}

/// The Compose project.
#[derive(Clone, PartialEq, Debug)]
pub struct Compose {
    /// The top-level `name`.
    pub project: Leaf,
    /// The address that published ports are bound to.
    pub bind: Leaf,
    /// The restart policy of services.
    pub restart: Leaf,
    /// The services, in the order of the stack.
    pub workloads: Vec<Workload>,
    /// Keys that the environment adds by `raw "compose"`, merged last.
    pub raw: Option<Tree>,
}

/// One running program, as one target sees it.
#[derive(Clone, PartialEq, Debug)]
pub struct Workload {
    /// Its name: service, endpoint, folder.
    pub name: SmolStr,
    /// The line of the stack that declares it.
    pub at: Span,
    /// What kind of program it is.
    pub role: Role,
    /// Whether it keeps data, and so runs once in Compose.
    pub stateful: bool,
    /// The workload whose pod and network it shares, if it does not run by itself; its name.
    pub beside: Option<Leaf>,
    /// The image; [`Value::Image`].
    pub image: Leaf,
    /// Folder to build the image from, Compose only.
    pub build: Option<Leaf>,
    /// `Always`, `IfNotPresent` or `Never`, in Kubernetes' words.
    pub pull: Option<Leaf>,
    /// How many copies; whole number.
    pub replicas: Option<Leaf>,
    /// The most copies an autoscaler may run.
    pub max_replicas: Option<Leaf>,
    /// What runs, instead of the image's entry point.
    pub command: Vec<Leaf>,
    /// Its arguments.
    pub args: Vec<Leaf>,
    /// Variables; a [`Value::Secret`] is read from its file or required variable.
    pub env: IndexMap<SmolStr, Variable>,
    /// Ports, in the order declared; the first is the endpoint's.
    pub ports: Vec<Port>,
    /// What must be there first.
    pub needs: Vec<Need>,
    /// Health checks, at most one of each kind.
    pub health: Vec<Health>,
    /// Named volumes.
    pub volumes: Vec<Volume>,
    /// Paths in memory.
    pub tmpfs: Vec<Leaf>,
    /// Files that are mounted read-only.
    pub files: Vec<File>,
    /// Limits and requests.
    pub resources: Resources,
    /// Who it runs as and what it may do.
    pub security: Security,
    /// When a cron job runs; five fields.
    pub schedule: Option<Leaf>,
    /// The Compose profile that switches it on.
    pub profile: Option<Leaf>,
    /// Hosts and paths that lead to it.
    pub routes: Vec<Route>,
}

impl Workload {
    /// A workload of which nothing else is said.
    #[must_use]
    pub fn new(name: SmolStr, at: Span, role: Role, image: Leaf) -> Workload {
        Workload {
            name,
            at,
            role,
            stateful: false,
            beside: None,
            image,
            build: None,
            pull: None,
            replicas: None,
            max_replicas: None,
            command: Vec::new(),
            args: Vec::new(),
            env: IndexMap::new(),
            ports: Vec::new(),
            needs: Vec::new(),
            health: Vec::new(),
            volumes: Vec::new(),
            tmpfs: Vec::new(),
            files: Vec::new(),
            resources: Resources::default(),
            security: Security::default(),
            schedule: None,
            profile: None,
            routes: Vec::new(),
        }
    }

    /// Whether it runs in the pod of this workload.
    #[must_use]
    pub fn is_beside(&self, other: &str) -> bool {
        self.beside.as_ref().is_some_and(|leaf| matches!(&leaf.value, Value::String(name) if **name == *other))
    }
}

/// What kind of program a workload is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Role {
    /// Runs until it is stopped.
    #[default]
    Service,
    /// Runs once to its end.
    Job,
    /// Runs to its end at certain times.
    Cron,
    /// Runs once to its end before others start.
    Init,
}

pack!(enum Role: Service, Job, Cron, Init);

/// A variable of a workload.
#[derive(Clone, PartialEq, Debug)]
pub struct Variable {
    /// Its value; a secret as [`Value::Secret`], or within text.
    pub leaf: Leaf,
    /// Whether the variable holds the path of a file with the secret in it.
    pub file: bool,
    /// A tree that stands as text in the variable, instead of the leaf's value.
    pub tree: Option<(Format, Tree)>,
}

/// A port that a workload listens on.
#[derive(Clone, PartialEq, Debug)]
pub struct Port {
    /// Its name.
    pub name: SmolStr,
    /// The container's port.
    pub number: Leaf,
    /// The Kubernetes Service's port, if another.
    pub service: Option<Leaf>,
    /// The port on the host, Compose only.
    pub publish: Option<Leaf>,
    /// `tcp` or `udp`.
    pub protocol: SmolStr,
}

/// Something that must be there before a workload starts.
#[derive(Clone, PartialEq, Debug)]
pub struct Need {
    /// The other workload.
    pub workload: SmolStr,
    /// What it must have reached.
    pub until: Until,
    /// The line of the stack that says so.
    pub at: Span,
}

/// What a needed workload must have reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Until {
    Started,
    Healthy,
    Completed,
}

pack!(enum Until: Started, Healthy, Completed);

/// A health check.
#[derive(Clone, PartialEq, Debug)]
pub struct Health {
    /// `liveness`, `readiness` or `startup`.
    pub kind: HealthKind,
    /// How it is done.
    pub probe: Probe,
    /// Time between checks.
    pub period: Option<Leaf>,
    /// Time before the first.
    pub delay: Option<Leaf>,
    /// Time a check may take.
    pub timeout: Option<Leaf>,
    /// Failures in a row that make it unhealthy.
    pub failures: Option<Leaf>,
    /// Time to start in which failures do not count.
    pub start: Option<Leaf>,
    /// The line of the stack that says so.
    pub at: Span,
}

/// Kinds of health checks, as Kubernetes names them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum HealthKind {
    Liveness,
    Readiness,
    Startup,
}

pack!(enum HealthKind: Liveness, Readiness, Startup);

impl HealthKind {
    /// The word of a stack, and the key of its facts.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            HealthKind::Liveness => "liveness",
            HealthKind::Readiness => "readiness",
            HealthKind::Startup => "startup",
        }
    }
}

/// How health is checked.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Probe {
    /// `GET` of a path on a named port.
    Http { path: Leaf, port: SmolStr },
    /// A connection to a named port.
    Tcp { port: SmolStr },
    /// A command in the container; never through a shell.
    Exec { argv: Vec<Leaf> },
}

/// A named volume.
#[derive(Clone, PartialEq, Debug)]
pub struct Volume {
    /// Its name within the workload.
    pub name: SmolStr,
    /// Where it is mounted.
    pub at: Leaf,
    /// The workload beside which this one runs, where it is that one's volume; its name.
    pub of: Option<Leaf>,
    /// Its size; Kubernetes only.
    pub size: Option<Leaf>,
    /// Its storage class; Kubernetes only.
    pub class: Option<Leaf>,
}

/// A file that is mounted read-only.
#[derive(Clone, PartialEq, Debug)]
pub struct File {
    /// Where it is mounted.
    pub path: SmolStr,
    /// What is in it.
    pub content: FileContent,
    /// The line of the stack that says so.
    pub at: Span,
}

/// What is in a mounted file.
#[derive(Clone, PartialEq, Debug)]
pub enum FileContent {
    /// This text.
    Text(Leaf),
    /// This tree, in this format.
    Tree(Format, Tree),
    /// The configuration file of this name, as written under `runtime/`.
    Config(SmolStr),
    /// A secret, for variables that hold its path.
    Secret(SecretRef),
}

/// Limits and requests; [`Value::Cpu`] and [`Value::Memory`].
#[derive(Clone, PartialEq, Debug, Default)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Resources {
    pub request_cpu: Option<Leaf>,
    pub request_memory: Option<Leaf>,
    pub limit_cpu: Option<Leaf>,
    pub limit_memory: Option<Leaf>,
}

/// Who a workload runs as and what it may do.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Security {
    /// Number of the user.
    pub user: Option<Leaf>,
    /// Number of the group.
    pub group: Option<Leaf>,
    /// Whether the root file system is read-only.
    pub read_only_root: Option<Leaf>,
    /// Capabilities that are taken away; a list.
    pub drop: Option<Leaf>,
    /// Whether a process may gain privileges.
    pub escalation: Option<Leaf>,
}

/// Hosts and a path that lead to a workload from outside; Kubernetes only.
#[derive(Clone, PartialEq, Debug)]
pub struct Route {
    /// A list of hosts.
    pub hosts: Leaf,
    /// The path.
    pub path: Option<Leaf>,
    /// The named port.
    pub port: SmolStr,
    /// Name of the TLS secret.
    pub tls: Option<Leaf>,
}

/// One Helm release.
#[derive(Clone, PartialEq, Debug)]
pub struct Release {
    /// The projection's name within the stack.
    pub name: SmolStr,
    /// The chart.
    pub chart: SmolStr,
    /// Its version.
    pub version: SmolStr,
    /// The file below `helm/`.
    pub file: SmolStr,
    /// What each endpoint is called in the cluster: host name of its Service.
    pub names: IndexMap<SmolStr, Leaf>,
    /// The number that each named port of an endpoint has at its Service: `(endpoint, port)`.
    pub ports: IndexMap<(SmolStr, SmolStr), i64>,
    /// The values.
    pub values: Tree,
}

/// A configuration file.
#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    /// Its name within the stack.
    pub name: SmolStr,
    /// The file below `runtime/`.
    pub file: SmolStr,
    /// Its format.
    pub format: Format,
    /// Its content, in Compose's view.
    pub tree: Tree,
}

/// The MCP servers of a deployment.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Mcp {
    /// The clients that get a file, by their row in `targets::mcp::CLIENTS`; none named is all.
    pub clients: Vec<SmolStr>,
    /// The servers by name.
    pub servers: IndexMap<SmolStr, Server>,
}

/// One MCP server: either a command or a URL.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Server {
    /// What the client starts; standard input and output.
    pub command: Vec<Leaf>,
    /// Where the client connects; HTTP.
    pub url: Option<Leaf>,
    /// Headers of the connection; a secret as a reference to a variable.
    pub headers: IndexMap<SmolStr, Leaf>,
    /// Variables of the command.
    pub environment: IndexMap<SmolStr, Leaf>,
}
