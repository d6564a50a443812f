//! One plan with everything in it, and the bytes that each target makes of it.

use smol_str::SmolStr;

use super::*;
use crate::escape::tests::compose_reads;
use crate::{
    plan::{
        ChartSource, Cluster, Compose, Config, Decryption, ExternalSecret, Fetched, FileContent, Flux, FluxRelease,
        Health, HealthKind, Kustomization, Leaf, Mcp, Named, Need, Object, Origin, Port, Probe, Release, Resources,
        Role, Route, Security, Server, Tree, Until, Variable, Volume, Workload,
    },
    source::{SourceId, Span},
    value::{Image, Piece, SecretRef, Value},
};

fn leaf(value: Value, path: &str) -> Leaf {
    let origins = match path {
        "" => Vec::new(),
        path => vec![Origin { path: path.into(), span: Span::new(SourceId(0), 1, 2) }],
    };
    Leaf { value, origins, at: Span::new(SourceId(1), 3, 4) }
}

fn text(text: &str) -> Leaf {
    leaf(Value::string(text), "")
}

fn int(number: i64) -> Leaf {
    leaf(Value::Int(number), "")
}

fn seconds(seconds: u64) -> Option<Leaf> {
    Some(leaf(Value::Duration(seconds * 1000), ""))
}

fn secret(name: &str, key: &str) -> SecretRef {
    SecretRef { name: name.into(), key: key.into() }
}

fn host(endpoint: &str) -> Piece {
    Piece::Link(Link { endpoint: endpoint.into(), part: LinkPart::Host })
}

fn port(endpoint: &str, name: &str) -> Piece {
    Piece::Link(Link { endpoint: endpoint.into(), part: LinkPart::Port(name.into()) })
}

fn plain(text: &str) -> Piece {
    Piece::Literal(text.into())
}

fn variable(leaf: Leaf) -> Variable {
    Variable { leaf, file: false, tree: None }
}

fn listens(name: &str, number: i64, publish: Option<i64>) -> Port {
    let publish = publish.map(|publish| leaf(Value::Int(publish), "app.host-port"));
    Port { name: name.into(), number: int(number), service: None, publish, protocol: "tcp".into() }
}

fn tree<const N: usize>(entries: [(&str, Tree); N]) -> Tree {
    Tree::Map(entries.into_iter().map(|(key, tree)| (key.into(), tree)).collect())
}

fn check(kind: HealthKind, argv: &[&str]) -> Health {
    let probe = match argv {
        [] => Probe::Http { path: text("/health"), port: "http".into() },
        argv => Probe::Exec { argv: argv.iter().map(|word| text(word)).collect() },
    };
    Health {
        kind,
        probe,
        period: seconds(10),
        delay: seconds(5),
        timeout: seconds(3),
        failures: Some(int(6)),
        start: None,
        at: Span::default(),
    }
}

fn workload(name: &str, role: Role, repository: &str) -> Workload {
    let image = Image { registry: "".into(), repository: repository.into(), tag: "1".into(), digest: "".into() };
    let image = leaf(Value::Image(image.into()), &format!("{name}.image"));
    Workload::new(name.into(), Span::default(), role, image)
}

fn need(workload: &str, until: Until) -> Need {
    Need { workload: workload.into(), until, at: Span::default() }
}

fn mounted(path: &str, content: FileContent) -> crate::plan::File {
    crate::plan::File { path: path.into(), content, at: Span::default() }
}

fn database() -> Workload {
    let mut database = workload("postgres", Role::Service, "pgvector/pgvector");
    database.stateful = true;
    database.replicas = Some(int(1));
    let password = Value::Secret(secret("pg", "password"));
    database.env = IndexMap::from([
        (SmolStr::from("POSTGRES_DB"), variable(leaf(Value::string("aeterna"), "postgres.database"))),
        (
            SmolStr::from("POSTGRES_PASSWORD_FILE"),
            Variable { leaf: leaf(password, "postgres.password"), file: true, tree: None },
        ),
    ]);
    database.ports = vec![listens("postgres", 5432, None)];
    database.health = vec![check(HealthKind::Readiness, &["pg_isready", "-U", "aeterna"])];
    database.volumes =
        vec![Volume { name: "data".into(), at: text("/var/lib/postgresql/data"), of: None, size: None, class: None }];
    database.resources.limit_memory = Some(leaf(Value::Memory(2 << 30), "postgres.resources.limits.memory"));
    database
}

fn server() -> Workload {
    let mut server = workload("aeterna", Role::Service, "kikokikok/aeterna");
    server.build = Some(text("./server"));
    server.pull = Some(text("IfNotPresent"));
    server.replicas = Some(leaf(Value::Int(2), "app.replicas"));
    server.command = vec![text("aeterna")];
    server.args = vec![text("--name"), text("p$ss")];
    let url =
        [plain("postgres://u:"), Piece::Secret(secret("pg", "password")), plain("@"), host("postgres"), plain(":")];
    let url = Value::text(url.into_iter().chain([port("postgres", ""), plain("/db")]));
    let json = tree([("a$b", Tree::List(vec![Tree::Leaf(text("$x")), Tree::Leaf(int(1))]))]);
    server.env = IndexMap::from([
        (SmolStr::from("PG_HOST"), variable(leaf(Value::text([host("postgres")]), "endpoint.postgres"))),
        (SmolStr::from("PG_PORT"), variable(leaf(Value::text([port("postgres", "postgres")]), "endpoint.postgres"))),
        (SmolStr::from("DATABASE_URL"), variable(leaf(url, "postgres.password"))),
        (SmolStr::from("OPENAI_API_KEY"), variable(leaf(Value::Secret(secret("openai", "api-key")), "llm.api-key"))),
        (SmolStr::from("DEBUG"), variable(leaf(Value::Bool(true), "app.debug"))),
        (SmolStr::from("LIMIT"), variable(leaf(Value::Memory(1 << 29), "app.limit"))),
        (SmolStr::from("HOSTILE"), variable(text("${HOME} $(id) {{ x }}"))),
        (SmolStr::from("TREE"), Variable { leaf: text(""), file: false, tree: Some((Format::Json, json)) }),
    ]);
    server.ports = vec![listens("http", 8080, Some(18080)), listens("metrics", 9090, None)];
    server.needs = vec![
        need("postgres", Until::Healthy),
        need("migrate", Until::Completed),
        need("migrate", Until::Started),
        need("nightly", Until::Started),
        need("elsewhere", Until::Started),
    ];
    server.health = vec![
        check(HealthKind::Liveness, &["aeterna", "status", "$x"]),
        check(HealthKind::Readiness, &[]),
        check(HealthKind::Startup, &[]),
    ];
    server.tmpfs = vec![text("/tmp")];
    server.files = vec![
        mounted("/etc/aeterna/config.toml", FileContent::Config("runtime".into())),
        mounted("/etc/motd", FileContent::Text(leaf(Value::string("costs $5\n"), "app.motd"))),
        mounted(
            "/etc/limits.yaml",
            FileContent::Tree(Format::Yaml, tree([("burst", Tree::Leaf(leaf(Value::Int(50), "app.burst")))])),
        ),
        mounted("/keys/jwt.pem", FileContent::Secret(secret("jwt", "jwt.pem"))),
    ];
    server.resources = Resources {
        request_cpu: Some(leaf(Value::Cpu(250), "")),
        request_memory: None,
        limit_cpu: Some(leaf(Value::Cpu(2000), "")),
        limit_memory: Some(leaf(Value::Memory(1536 << 20), "")),
    };
    server.security = Security {
        user: Some(int(1000)),
        group: Some(int(1000)),
        read_only_root: Some(leaf(Value::Bool(true), "")),
        drop: Some(leaf(Value::List(vec![Value::string("ALL")]), "")),
        escalation: Some(leaf(Value::Bool(false), "")),
    };
    server.routes = vec![Route { hosts: text("a.example"), path: None, port: "http".into(), tls: None }];
    server
}

fn everything() -> Plan {
    let mut migrate = workload("migrate", Role::Init, "kikokikok/aeterna");
    migrate.needs = vec![need("postgres", Until::Healthy)];
    let mut nightly = workload("nightly", Role::Cron, "busybox");
    nightly.schedule = Some(text("0 3 * * *"));
    nightly.volumes = vec![Volume { name: "x".into(), at: text("/x"), of: None, size: None, class: None }];
    let mut viewer = workload("viewer", Role::Service, "viewer");
    viewer.profile = Some(text("debug"));
    let compose = Compose {
        project: leaf(Value::string("aeterna-prod"), "compose.project"),
        bind: leaf(Value::string("127.0.0.1"), "compose.bind-address"),
        restart: leaf(Value::string("unless-stopped"), "compose.restart"),
        workloads: vec![database(), migrate, server(), nightly, viewer],
        raw: Some(tree([(
            "services",
            tree([(
                "viewer",
                tree([("labels", tree([("a", Tree::Leaf(text("$x")))])), ("restart", Tree::Leaf(text("no")))]),
            )]),
        )])),
    };
    let deployment = Deployment {
        name: "aeterna".into(),
        compose: Some(compose),
        cluster: Vec::new(),
        helm: vec![release()],
        configs: vec![config()],
        mcp: Some(mcp()),
        flux: Some(flux()),
    };
    Plan { environment: "prod".into(), deployments: vec![deployment], kustomization: Some(kustomization()) }
}

fn duration(milliseconds: u64, path: &str) -> Leaf {
    leaf(Value::Duration(milliseconds), path)
}

fn flux() -> Flux {
    let source = ChartSource {
        kind: "oci".into(),
        url: leaf(Value::string("oci://registry.example/charts"), "flux.source.url"),
        path: None,
        tag: None,
        commit: None,
        secret: Some(leaf(Value::string("registry"), "flux.source.secret")),
    };
    let release = FluxRelease {
        release: "aeterna".into(),
        name: "aeterna".into(),
        chart: "aeterna".into(),
        version: "0.1.0+3".into(),
        file: "values.yaml".into(),
        source: Some(source),
        depends_on: vec![Named { namespace: "data".into(), name: "postgres".into() }],
    };
    let reference = SecretRef { name: "openai".into(), key: "api-key".into() };
    let fetched = Fetched {
        key: leaf(Value::Secret(reference), "llm.api-key"),
        entry: "prod/openai".into(),
        property: Some("api-key".into()),
    };
    let policy = tree([
        ("apiVersion", Tree::Leaf(text("networking.k8s.io/v1"))),
        ("kind", Tree::Leaf(text("NetworkPolicy"))),
        ("metadata", tree([("name", Tree::Leaf(text("extra")))])),
        ("spec", tree([("podSelector", Tree::Map(IndexMap::new()))])),
    ]);
    Flux {
        namespace: leaf(Value::string("memory"), "flux.namespace"),
        makes_namespace: true,
        interval: duration(600_000, "flux.interval"),
        timeout: duration(90_000, "flux.timeout"),
        retries: leaf(Value::Int(-1), "flux.retries"),
        drift: leaf(Value::string("warn"), "flux.drift-detection"),
        service_account: Some(leaf(Value::string("deployer"), "flux.service-account")),
        kube_config: Some(leaf(
            Value::Secret(SecretRef { name: "edge".into(), key: "value".into() }),
            "flux.kube-config",
        )),
        releases: vec![release],
        secrets: vec![ExternalSecret {
            name: "openai".into(),
            store: leaf(Value::string("vault"), "flux.secrets.store"),
            kind: leaf(Value::string("SecretStore"), "flux.secrets.kind"),
            refresh: duration(3_600_000, "flux.secrets.refresh-interval"),
            keys: vec![fetched],
        }],
        objects: vec![Object { file: "extra.yaml".into(), tree: policy }],
    }
}

fn kustomization() -> Kustomization {
    Kustomization {
        name: "prod".into(),
        namespace: "flux-system".into(),
        interval: duration(600_000, "flux.kustomization.interval"),
        retry_interval: duration(120_000, "flux.kustomization.retry-interval"),
        timeout: duration(90_000, "flux.timeout"),
        path: "./out/prod".into(),
        charts: "./out/charts".into(),
        prune: leaf(Value::Bool(true), "flux.kustomization.prune"),
        wait: leaf(Value::Bool(false), "flux.kustomization.wait"),
        depends_on: vec![Named { namespace: "".into(), name: "operators".into() }],
        service_account: None,
        source_kind: "GitRepository".into(),
        source: Named { namespace: "platform".into(), name: "config".into() },
        decryption: Some(Decryption {
            secret: leaf(Value::string("sops-age"), "flux.secrets.key"),
            files: "secrets/prod".into(),
        }),
        requires: vec![Cluster { name: "cert-manager".into(), crd: "clusterissuers.cert-manager.io".into() }],
    }
}

fn release() -> Release {
    let values = tree([
        ("replicaCount", Tree::Leaf(leaf(Value::Int(2), "app.replicas"))),
        (
            "postgresql",
            tree([
                ("host", Tree::Leaf(leaf(Value::text([host("postgres")]), "endpoint.postgres"))),
                ("port", Tree::Leaf(leaf(Value::text([port("postgres", "")]), "endpoint.postgres"))),
                (
                    "url",
                    Tree::Leaf(leaf(
                        Value::text([plain("pg://"), host("postgres"), plain("/$x")]),
                        "endpoint.postgres",
                    )),
                ),
                ("password", Tree::Leaf(Leaf { value: Value::Null, ..text("") })),
            ]),
        ),
        (
            "limits",
            tree([
                ("cpu", Tree::Leaf(leaf(Value::Cpu(2000), ""))),
                ("memory", Tree::Leaf(leaf(Value::Memory(1 << 30), ""))),
            ]),
        ),
        ("extra", Tree::Embedded(Format::Toml, Box::new(tree([("a", tree([("b", Tree::Leaf(text("on")))]))])))),
    ]);
    Release {
        name: "aeterna".into(),
        chart: "aeterna".into(),
        version: "0.1.0".into(),
        file: "values.yaml".into(),
        names: IndexMap::from([(SmolStr::from("postgres"), text("aeterna-cnpg-rw"))]),
        ports: IndexMap::from([((SmolStr::from("postgres"), SmolStr::from("postgres")), 5433)]),
        values,
    }
}

fn config() -> Config {
    let tree = tree([
        ("mode", Tree::Leaf(leaf(Value::string("hybrid"), "app.mode"))),
        (
            "providers",
            tree([(
                "postgres",
                tree([
                    ("host", Tree::Leaf(leaf(Value::text([host("postgres")]), "endpoint.postgres"))),
                    ("port", Tree::Leaf(leaf(Value::text([port("postgres", "postgres")]), "endpoint.postgres"))),
                ]),
            )]),
        ),
    ]);
    Config { name: "runtime".into(), file: "config.toml".into(), format: Format::Toml, tree }
}

fn mcp() -> Mcp {
    let token = Value::text([plain("Bearer "), Piece::Secret(secret("aeterna", "token"))]);
    let remote = Server {
        url: Some(leaf(Value::string("https://a.example/mcp"), "opencode.url")),
        headers: IndexMap::from([(SmolStr::from("Authorization"), leaf(token, "opencode.token"))]),
        ..Server::default()
    };
    let local = Server {
        command: vec![text("aeterna-mcp"), text("--stdio")],
        environment: IndexMap::from([(SmolStr::from("DEBUG"), leaf(Value::Bool(true), "app.debug"))]),
        ..Server::default()
    };
    Mcp {
        clients: vec!["vscode".into(), "opencode".into(), "mcp-servers".into()],
        servers: IndexMap::from([(SmolStr::from("aeterna"), remote), (SmolStr::from("tools"), local)]),
    }
}

fn file(path: &str) -> File {
    let files = emit_all(&everything());
    let found = files.iter().find(|file| file.path == path);
    found
        .unwrap_or_else(|| panic!("no {path} among {:?}", files.iter().map(|file| &file.path).collect::<Vec<_>>()))
        .clone()
}

fn printed(path: &str) -> String {
    String::from_utf8(file(path).bytes).expect("files are UTF-8")
}

/// Compares a printed file with one in `tests/`; `TRUELINE_BLESS=1` writes that instead.
#[allow(clippy::disallowed_methods, reason = "tests read files")]
fn expect(path: &str, name: &str) {
    let expected = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("compiler/targets/tests").join(name);
    let printed = printed(path);
    if std::env::var_os("TRUELINE_BLESS").is_some() {
        std::fs::write(&expected, &printed).expect("expectations can be written");
    }
    assert_eq!(printed, std::fs::read_to_string(&expected).expect("the expectation is there"));
}

#[test]
fn the_tables_are_in_order_and_say_what_is_written() {
    let at = |name| TARGETS.iter().position(|target| target.name == name);
    assert!(at("toml") < at("compose"), "Compose names the digests of what it mounts");
    assert!(mcp::CLIENTS.is_sorted_by_key(|client| client.name));
    let paths: Vec<String> = emit_all(&everything()).into_iter().map(|file| file.path).collect();
    assert!(paths.is_sorted());
    for target in TARGETS {
        assert!(target.writes.iter().all(|pattern| {
            let prefix = format!("aeterna/{}", pattern.trim_end_matches('*'));
            paths.iter().any(|path| path.starts_with(&prefix))
        }));
    }
    let of_environment = ["flux-kustomization.yaml", "kustomization.yaml", "kustomizeconfig.yaml"];
    assert!(of_environment.iter().all(|path| paths.iter().any(|found| found == path)));
    assert!(paths.iter().filter(|path| !of_environment.contains(&path.as_str())).all(|path| {
        let written = TARGETS.iter().flat_map(|target| target.writes);
        written
            .map(|pattern| format!("aeterna/{}", pattern.trim_end_matches('*')))
            .any(|prefix| path.starts_with(&prefix))
    }));
}

#[test]
fn the_compose_file() {
    expect("aeterna/compose/compose.yaml", "compose.yaml");
}

#[test]
fn files_beside_the_compose_file() {
    // Compose does not interpolate them.
    assert_eq!(printed("aeterna/compose/files/aeterna/etc/motd"), "costs $5\n");
    assert_eq!(printed("aeterna/compose/files/aeterna/etc/limits.yaml"), "burst: 50\n");
}

#[test]
fn the_values() {
    let expected = "\
# Generated by trueline from environments/prod.kdl. Do not edit.
replicaCount: 2
postgresql:
  host: aeterna-cnpg-rw
  port: 5433
  url: pg://aeterna-cnpg-rw/$x
  password: null
limits:
  cpu: \"2\"
  memory: 1Gi
extra: |
  [a]
  b = \"on\"
";
    assert_eq!(printed("aeterna/helm/values.yaml"), expected);
}

#[test]
fn the_files_for_flux() {
    for name in ["namespace", "source-aeterna", "release-aeterna", "external-secret-openai", "extra"] {
        expect(&format!("aeterna/flux/{name}.yaml"), &format!("flux-{name}.yaml"));
    }
    for name in ["kustomization.yaml", "kustomizeconfig.yaml", "flux-kustomization.yaml"] {
        expect(name, name);
    }
}

#[test]
fn the_chart_of_a_release_is_what_its_source_brings() {
    let mut plan = everything();
    let mut with = |kind: &str, word: &str, value: &str| {
        let release = &mut plan.deployments[0].flux.as_mut().expect("it is there").releases[0];
        let source = release.source.as_mut().expect("it is there");
        source.kind = kind.into();
        (source.tag, source.path) = (Some(text("v1")), None);
        if word == "path" {
            source.path = Some(text(value));
        }
        let files = emit_all(&plan);
        let of = |name: &str| {
            let found = files.iter().find(|file| file.path == format!("aeterna/flux/{name}-aeterna.yaml"));
            String::from_utf8(found.expect("it is written").bytes.clone()).expect("files are UTF-8")
        };
        (of("source"), of("release"))
    };
    let (source, release) = with("helm", "", "");
    assert!(source.contains("kind: HelmRepository") && !source.contains("ref:"), "{source}");
    assert!(release.contains("      chart: aeterna\n      version: 0.1.0+3\n"), "{release}");
    let (source, release) = with("git", "path", "./charts/");
    assert!(source.contains("kind: GitRepository") && source.contains("  ref:\n    tag: v1\n"), "{source}");
    assert!(release.contains("      chart: ./charts/aeterna\n      sourceRef:"), "{release}");
    let (_, release) = with("git", "", "");
    assert!(release.contains("      chart: ./aeterna\n"), "{release}");
}

#[test]
fn the_configuration() {
    let expected = "\
# Generated by trueline from environments/prod.kdl. Do not edit.

mode = \"hybrid\"

[providers.postgres]
host = \"postgres\"
port = 5432
";
    assert_eq!(printed("aeterna/runtime/config.toml"), expected);
}

#[test]
fn the_clients() {
    expect("aeterna/mcp/opencode.json", "opencode.json");
    expect("aeterna/mcp/mcp.json", "mcp.json");
    expect("aeterna/mcp/vscode.json", "vscode.json");
}

#[test]
fn every_leaf_has_a_line_that_shows_it() {
    // Which fields hold the names of objects is the same for all.
    for file in emit_all(&everything()).into_iter().filter(|file| file.path != "kustomizeconfig.yaml") {
        assert!(!file.leaves.is_empty(), "{}", file.path);
        for leaf in file.leaves.iter() {
            assert!(file.line_of(leaf).is_some(), "{}: {:?}", file.path, leaf.path());
        }
    }
    let values = file("aeterna/helm/values.yaml");
    let replicas = values.leaves.iter().find(|leaf| leaf.path() == ["replicaCount"]).expect("the leaf");
    assert_eq!((values.line_of(replicas), &*replicas.origins()[0].path), (Some(2), "app.replicas"));
    let compose = file("aeterna/compose/compose.yaml");
    let has = |path: &[&str], origin: &str| {
        let leaf = compose.leaves.iter().find(|leaf| leaf.path() == path).expect("the leaf");
        leaf.origins().iter().any(|found| *found.path == *origin)
    };
    assert!(has(&["services", "aeterna", "ports", "0", "host_ip"], "compose.bind-address"));
    assert!(has(&["services", "postgres", "environment", "POSTGRES_PASSWORD_FILE"], "postgres.password"));
}

#[test]
fn a_leaf_of_an_embedded_tree_is_the_text() {
    let inner = Tree::Leaf(leaf(Value::Int(1), "a"));
    let outer = Tree::Embedded(Format::Json, Box::new(Tree::List(vec![inner, Tree::Leaf(leaf(Value::Int(2), "b"))])));
    let tree = tree([("k", outer)]);
    let (output, leaves) = Node::tree(&tree, &Plain(&Addresses::none())).finish();
    assert_eq!(output, emit::Output::map([("k", emit::Output::string("[1,2]"))]));
    let found: Vec<_> = leaves.iter().map(|leaf| (leaf.path(), leaf.origins().len())).collect();
    assert_eq!(found, [(vec!["k".to_owned()], 2)]);
}

#[test]
fn mounted_files_never_meet() {
    let mut plan = everything();
    let compose = plan.deployments[0].compose.as_mut().expect("the fixture has one");
    let content = || FileContent::Text(text("x"));
    compose.workloads[2].files = ["/a/B", "/a/b", "/a", "/a/b/c", "/../a/b", "/", "/ä b"]
        .into_iter()
        .map(|path| mounted(path, content()))
        .collect();
    let paths: Vec<String> =
        emit_all(&plan).into_iter().map(|file| file.path).filter(|path| path.contains("/files/")).collect();
    let expected = ["--b", "a-2", "a-b-2", "a-b-3", "a-b-c-2", "a/B", "file"];
    assert_eq!(paths, expected.map(|path| format!("aeterna/compose/files/aeterna/{path}")));
}

#[test]
fn without_compose_links_take_the_ports_of_helm() {
    let mut plan = everything();
    plan.deployments[0].compose = None;
    let files = emit_all(&plan);
    assert!(files.iter().all(|file| !file.path.contains("/compose/")));
    let config = files.iter().find(|file| file.path == "aeterna/runtime/config.toml").expect("the configuration");
    assert!(String::from_utf8_lossy(&config.bytes).contains("port = 5433"));
}

#[test]
fn a_need_that_a_profile_may_switch_off_is_not_required() {
    let mut plan = everything();
    let compose = plan.deployments[0].compose.as_mut().expect("the fixture has one");
    compose.workloads[0].profile = Some(text("data"));
    compose.workloads[1].profile = Some(text("data"));
    let all = emit_all(&plan);
    let file = all.iter().find(|file| file.path.ends_with("compose.yaml")).expect("the Compose file");
    let read: serde_json::Value = serde_yaml::from_str(&String::from_utf8_lossy(&file.bytes)).expect("it is YAML");
    let need = |service: &str| read["services"][service]["depends_on"]["postgres"]["required"].clone();
    assert_eq!((need("aeterna"), need("migrate")), (serde_json::json!(false), serde_json::Value::Null));
}

#[test]
fn a_build_folder_starts_at_the_root() {
    let addresses = Addresses::none();
    let mut plan = everything();
    for (written, expected) in [("server", "../../../../server"), ("./", "../../../.."), ("/srv/x", "/srv/x")] {
        plan.deployments[0].compose.as_mut().expect("the fixture has one").workloads[2].build = Some(text(written));
        let all = emit_all(&plan);
        let file = all.iter().find(|file| file.path.ends_with("compose.yaml")).expect("the Compose file");
        assert!(String::from_utf8_lossy(&file.bytes).contains(&format!("context: {expected}\n")), "{written}");
    }
    assert_eq!(addresses.text(&Link { endpoint: "x".into(), part: LinkPart::Port("http".into()) }), "http");
}

/// Collects all strings that are values; Compose does not interpolate keys.
fn strings(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => found.push(text.clone()),
        serde_json::Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
        serde_json::Value::Object(entries) => entries.values().for_each(|value| strings(value, found)),
        _ => {}
    }
}

#[test]
fn no_text_is_code_for_compose() {
    const HOSTILE: &str = "<$x ${y:-z} $(id) $$ {{ w }} 'q\"\\ $";
    let bad = || text(HOSTILE);
    let mut plan = everything();
    let compose = plan.deployments[0].compose.as_mut().expect("the fixture has one");
    (compose.project, compose.bind, compose.restart) = (bad(), bad(), bad());
    compose.raw = Some(tree([("x-raw", Tree::List(vec![Tree::Leaf(bad())]))]));
    let server = &mut compose.workloads[2];
    (server.command, server.args, server.tmpfs) = (vec![bad()], vec![bad()], vec![bad()]);
    (server.profile, server.build, server.pull) = (Some(bad()), Some(bad()), Some(bad()));
    server.image = bad();
    server.security.drop = Some(leaf(Value::List(vec![Value::string(HOSTILE)]), ""));
    server.volumes = vec![Volume { name: "v".into(), at: bad(), of: None, size: None, class: None }];
    server.health = vec![check(HealthKind::Readiness, &[HOSTILE])];
    server.files =
        vec![mounted(HOSTILE, FileContent::Text(bad())), mounted(HOSTILE, FileContent::Secret(secret("a", "b")))];
    let mixed = Value::text([plain(HOSTILE), Piece::Secret(secret("pg", "password")), plain(HOSTILE)]);
    let json = Some((Format::Json, tree([("$k", Tree::List(vec![Tree::Leaf(text("<$x>"))]))])));
    server.env = IndexMap::from([
        (SmolStr::from("PLAIN"), variable(bad())),
        (SmolStr::from("MIXED"), variable(leaf(mixed, ""))),
        (SmolStr::from("TREE"), Variable { leaf: text(""), file: false, tree: json }),
    ]);

    let files = emit_all(&plan);
    let file = |path: &str| {
        let found = files.iter().find(|file| file.path.ends_with(path)).expect("the file");
        String::from_utf8_lossy(&found.bytes).into_owned()
    };
    let read: serde_json::Value = serde_yaml::from_str(&file("compose.yaml")).expect("it is YAML");
    let mut found = Vec::new();
    strings(&read, &mut found);
    let hostile: Vec<String> =
        found.iter().filter(|text| text.contains("<$")).map(|text| compose_reads(text)).collect();
    for text in hostile.iter().filter(|text| !text.contains("\"$k\"")) {
        // A build folder stands below the root, a variable may hold two.
        let rest = text.replace(HOSTILE, "");
        assert!(rest.is_empty() || rest == "../../../../", "{text}");
    }
    assert!(hostile.contains(&r#"{"$k":["<$x>"]}"#.to_owned()), "{hostile:?}");
    // Every position above is among them; fewer would mean that one is not printed any more.
    assert_eq!(hostile.len(), 21, "{hostile:#?}");
    assert!(files.iter().any(|file| file.path.contains("/files/") && file.bytes == HOSTILE.as_bytes()));
}
