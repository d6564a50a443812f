//! `verify --rendered`: what a chart makes of the committed values against the committed Compose file.
//!
//! The command is tried with a script in Helm's place, which prints manifests of `tests/fixtures/rendered`. Our own chart is
//! rendered by the real programs: `TRUELINE_HELM` names one of version 4, `TRUELINE_HELM3` one of version 3.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use serde_json::Value;
use trueline::{
    compile::Compiled,
    rendered::{self, Comparison, Rendering, Texts},
    shipped,
};

use super::{
    cli::{Project, Ran},
    golden,
    support::{compile, environments, failed, name_of, read, root, skipped, sorted, told},
};

const COMPOSE: &str = "out/dev/shop/compose/compose.yaml";
const MANIFESTS: &str = "chart/manifests.yaml";

/// A project with a stack of its own and a chart for it, compiled.
fn project() -> Project {
    let project = Project::new(&[]);
    for file in sorted(&root().join("tests/fixtures/stdlib/stacks/shop")) {
        project.write(&format!("stdlib/stacks/shop/{}", name_of(&file)), read(&file));
    }
    let fixture = |name: &str| read(&root().join("tests/fixtures/rendered").join(name));
    project.write("environments/dev.kdl", fixture("dev.kdl"));
    project.write("chart/Chart.yaml", fixture("chart/Chart.yaml"));
    project.write(MANIFESTS, fixture("manifests.yaml"));
    let ran = project.run(&["compile"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    project
}

fn script() -> String {
    root().join("tests/fixtures/rendered/helm").display().to_string()
}

fn verify(project: &Project, more: &[&str]) -> Ran {
    let script = script();
    project.run(&[&["verify", "dev", "--rendered", "--chart", "chart", "--helm", script.as_str()], more].concat())
}

fn edit(project: &Project, path: &str, from: &str, to: &str) {
    let text = project.read(path);
    assert!(text.contains(from), "{path}: {from}");
    project.write(path, text.replacen(from, to, 1));
}

#[test]
fn what_is_said_alike_is_fine_and_what_is_declared_stands_apart() {
    let project = project();
    let ran = verify(&project, &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("rendered from app 1, as Compose has them, 3 declared to differ"), "{}", ran.stdout);
    let line = "declared `env[LOG_LEVEL]` of `api` is `debug` in Compose and `info` in the manifests: \
                a laptop logs more (override log-level)";
    assert!(ran.stdout.contains(line), "{}", ran.stdout);
    let document: Value = serde_json::from_str(&verify(&project, &["--format", "json"]).stdout).expect("one document");
    let found = &document["environments"][0];
    assert_eq!(found["ok"], true);
    let found = &found["rendered"][0];
    assert_eq!(found["differences"].as_array().map(Vec::len), Some(0), "{found}");
    assert_eq!(found["declared"].as_array().map(Vec::len), Some(3), "{found}");
    assert_eq!(found["declared"][0]["because"], "a laptop logs more");
    assert!(found["facts"].as_u64().is_some_and(|facts| facts > 40), "{found}");
}

#[test]
fn a_difference_names_both_places_and_the_setting() {
    let project = project();
    edit(&project, MANIFESTS, "memory: 128Mi", "memory: 64Mi");
    let ran = verify(&project, &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    for wanted in [
        "error[TL1150]: `resources.limits.memory` of `web` is `128Mi` in Compose and `64Mi` in the manifests",
        "out/dev/shop/compose/compose.yaml:",
        "app/templates/workloads.yaml: Deployment/shop-web spec.template.spec.containers[0].resources.limits.memory",
        "environments/dev.kdl:",
        "from `service.web.limits.memory`",
        "1 not as Compose has them",
    ] {
        assert!(ran.stdout.contains(wanted), "{wanted}\n{}", ran.stdout);
    }
    assert_eq!(ran.stdout.matches("error[").count(), 1, "{}", ran.stdout);
    let document: Value = serde_json::from_str(&verify(&project, &["--format", "json"]).stdout).expect("one document");
    let found = &document["environments"][0]["rendered"][0]["differences"][0];
    assert_eq!(found["class"], "conflict");
    assert_eq!(found["fact"], "web resources.limits.memory");
    assert_eq!(found["settings"][0]["path"], "service.web.limits.memory");
    assert_eq!(found["manifest"]["object"], "Deployment/shop-web");
    let line = found["compose"]["line"].as_u64().expect("a line");
    let text = project.read(COMPOSE);
    assert!(text.lines().nth(line as usize - 1).is_some_and(|line| line.contains("memory: 128m")), "{line}");
}

/// Edits of manifests, each with what is said of it.
const EDITED: &[(&str, &str, &str)] = &[
    ("value: '4'", "value: 1e+06", "`env[WORKERS]` of `api` is `1000000` in the manifests, not in quotes"),
    ("value: '4'", "value: '1e+06'", "a number that a template did not print whole; `4` is meant"),
    ("value: '4'", "value: ${WORKERS}", "where nobody replaces `${…}`"),
    (
        "Deployment\nmetadata:\n  name: shop-web",
        "Deployment\nmetadata:\n  name: shop-front",
        "`front` runs in the manifests only",
    ),
    (
        "Deployment\nmetadata:\n  name: shop-web",
        "Deployment\nmetadata:\n  name: shop-front",
        "`web` runs in Compose only",
    ),
    ("replicas: 1", "replicas: 3", "`replicas` of"),
    ("storage: 5Gi", "storage: 1Gi", "`volume[data].size` of `db` is `5Gi` in the settings and `1Gi` in the manifests"),
    ("- host: shop.example.com", "- host: example.org", "`route[http].hosts` of `web`"),
    ("image: postgres:16", "image: postgres:17", "`image` of `db` is `postgres:16` in Compose and `postgres:17`"),
    ("periodSeconds: 15", "periodSeconds: 5", "`health[readiness].period` of `api`"),
];

#[test]
fn what_manifests_say_otherwise_is_found() {
    let project = project();
    let text = project.read(MANIFESTS);
    for (from, to, wanted) in EDITED {
        assert!(text.contains(from), "{from}");
        project.write(MANIFESTS, text.replacen(from, to, 1));
        let ran = verify(&project, &[]);
        assert_eq!(ran.code, 1, "{to}: {ran:?}");
        assert!(ran.stdout.contains(wanted), "{wanted}\n{}", ran.stdout);
    }
}

#[test]
fn without_helm_or_a_chart_the_question_cannot_be_asked() {
    let project = project();
    let ran = project.run(&["verify", "--rendered", "--chart", "chart", "--helm", "no-such-helm"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("`no-such-helm` is not installed") && ran.stderr.contains("--helm PROGRAM"), "{ran:?}");
    let script = script();
    let ran = project.run(&["verify", "--rendered", "--helm", &script]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("name the folder of chart `app`: `--chart DIR`"), "{ran:?}");
    for wrong in
        [&["verify", "--chart", "chart"][..], &["verify", "--rendered", "--chart", "nowhere", "--helm", &script]]
    {
        assert_eq!(project.run(wrong).code, 2, "{wrong:?}");
    }
}

#[test]
fn what_helm_refuses_is_shown_safely_and_a_missing_chart_is_not_fetched() {
    let project = project();
    project.write("chart/refusal.txt", "Error: \u{1b}[31mno such key\nin line 3\n");
    let ran = verify(&project, &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stdout.contains("error[TL1151]: chart `app` 1: Helm does not render it: Error: "), "{}", ran.stdout);
    assert!(ran.stdout.contains("no such key; in line 3") && !ran.stdout.contains('\u{1b}'), "{}", ran.stdout);
    fs::remove_file(project.path("chart/asked.txt")).expect("it was asked");
    project.write("chart/Chart.yaml", "name: app\nversion: \"1\"\ndependencies:\n- name: redis\n  version: 1.0.0\n");
    let ran = verify(&project, &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stdout.contains("error[TL1152]: chart `app` needs chart `redis`"), "{}", ran.stdout);
    assert!(!project.path("chart/asked.txt").exists(), "Helm was not started");
}

#[test]
fn nothing_of_the_users_configuration_reaches_helm() {
    let project = project();
    let script = script();
    let variables = [
        ("KUBECONFIG", "/secret/kubeconfig"),
        ("HELM_NAMESPACE", "other"),
        ("HELM_KUBETOKEN", "token-of-somebody"),
        ("SOME_SECRET", "hunter2"),
    ];
    let ran = project.run_with(&["verify", "dev", "--rendered", "--chart", "chart", "--helm", &script], &variables);
    assert_eq!(ran.code, 0, "{ran:?}");
    let asked = project.read("chart/asked.txt");
    for (name, value) in variables {
        assert!(!asked.contains(name) && !asked.contains(value), "{asked}");
    }
    let words: Vec<&str> = asked.lines().collect();
    assert_eq!(words[..2], ["template", "shop"], "{asked}");
    for wanted in ["--namespace=shop", "--kube-version=1.33.0", "--skip-tests", "--values"] {
        assert!(words.contains(&wanted), "{asked}");
    }
    assert!(!asked.contains("--dependency-update"), "{asked}");
}

#[test]
fn an_edited_output_and_a_lost_volume_are_named() {
    let project = project();
    edit(&project, COMPOSE, "memory: 128m", "memory: 1g");
    let ran = verify(&project, &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let wanted = "`resources.limits.memory` of `web` is `1Gi` in Compose and `128Mi` in the manifests";
    assert!(ran.stdout.contains(wanted), "{}", ran.stdout);
    assert!(ran.stdout.contains("error[TL1154]") && ran.stdout.contains("changed"), "{}", ran.stdout);
    let project = self::project();
    edit(
        &project,
        MANIFESTS,
        "mountPath: /var/lib/postgresql/data",
        "mountPath: /data\n        - name: gone\n          mountPath: /gone",
    );
    let ran = verify(&project, &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    for wanted in
        ["warning[TL1153]: `gone` is no volume of this pod", "`volume[data]` of `db` is `/var/lib/postgresql/data`"]
    {
        assert!(ran.stdout.contains(wanted), "{wanted}\n{}", ran.stdout);
    }
}

/// The program that a variable names, if it can be run.
fn helm(variable: &str, test: &str) -> Option<PathBuf> {
    let named = std::env::var_os(variable).map(PathBuf::from);
    if named.is_none() {
        skipped(&format!("rendered::{test}"), &format!("{variable} names no Helm"));
    }
    named
}

/// An environment whose charts are all ours.
struct Ours {
    name: String,
    compiled: Compiled,
}

/// Every committed environment and every golden case that is for charts of ours alone.
fn ours() -> &'static [Ours] {
    static OURS: OnceLock<Vec<Ours>> = OnceLock::new();
    OURS.get_or_init(|| {
        let golden = golden::cases().into_iter().map(|case| (case.name, case.environment, case.text));
        let own = environments().into_iter().map(|(name, text)| (name.clone(), name, text));
        let all =
            own.chain(golden).map(|(name, environment, text)| Ours { name, compiled: compile(&environment, &text) });
        let found: Vec<Ours> = all.filter(|it| !failed(&it.compiled) && is_ours(&it.compiled)).collect();
        assert!(found.len() >= 7, "{}", found.len());
        found
    })
}

fn is_ours(compiled: &Compiled) -> bool {
    let Some(env) = &compiled.env else { return false };
    let all = rendered::renderings(env, rendered::plan(env));
    let mut releases = all.iter().flat_map(|rendering| &rendering.releases).peekable();
    releases.peek().is_some() && releases.all(|release| shipped::folder(&release.chart, &release.version).is_some())
}

fn file(compiled: &Compiled, path: &str) -> Option<String> {
    let found = compiled.files.iter().find(|file| file.path == path)?;
    Some(String::from_utf8(found.bytes.clone()).expect("text"))
}

/// What a chart's folder renders to.
fn render(helm: &Path, chart: &Path, compiled: &Compiled, rendering: &Rendering<'_>) -> String {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let values = scratch.path().join("values.yaml");
    let mut text = String::new();
    for release in &rendering.releases {
        let written = file(compiled, &format!("{}/helm/{}", rendering.name, release.file)).expect("values");
        fs::write(&values, written).expect("a file");
        let mut command = Command::new(helm);
        command.arg("template").arg(&*release.name).arg(chart).arg("--values").arg(&values);
        let namespace = format!("--namespace={}", rendering.namespace);
        let output = command.args(["--kube-version=1.33.0", namespace.as_str()]).output().expect("Helm starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        text.push_str(&String::from_utf8(output.stdout).expect("text"));
    }
    text
}

/// Compares rendered text with a Compose file, in place of the one that was compiled where one is given.
fn compare(compiled: &Compiled, rendering: &Rendering<'_>, manifests: &str, compose: Option<&str>) -> Comparison {
    let written = file(compiled, &format!("{}/compose/compose.yaml", rendering.name));
    let values = rendering.releases.iter().filter_map(|release| {
        let text = file(compiled, &format!("{}/helm/{}", rendering.name, release.file))?;
        Some((release.file.to_string(), text))
    });
    let values: BTreeMap<String, String> = values.collect();
    let beside = |path: &str| {
        let path = match path.strip_prefix("../") {
            Some(rest) => format!("{}/{rest}", rendering.name),
            None => format!("{}/compose/{}", rendering.name, path.trim_start_matches("./")),
        };
        compiled.files.iter().find(|file| file.path == path).map(|file| file.bytes.clone())
    };
    let texts = Texts { compose: compose.or(written.as_deref()), files: &beside, values: &values, manifests };
    rendering.compare(&texts).expect("texts that can be read")
}

/// The messages of every deployment of an environment.
fn differences(helm: &Path, chart: &Path, ours: &Ours) -> (usize, Vec<String>) {
    let env = ours.compiled.env.as_ref().expect("an environment");
    let (mut facts, mut found) = (0, Vec::new());
    for rendering in rendered::renderings(env, rendered::plan(env)) {
        let text = render(helm, chart, &ours.compiled, &rendering);
        let comparison = compare(&ours.compiled, &rendering, &text, None);
        facts += comparison.facts;
        found.extend(comparison.differences.into_iter().map(|it| it.message));
        found.extend(comparison.troubles.into_iter().map(|(_, why)| why));
    }
    (facts, found)
}

fn chart() -> PathBuf {
    root().join("stdlib/charts/app")
}

fn all_agree(helm: &Path) {
    let mut facts = 0;
    for ours in ours().iter().chain(&variants()) {
        let (compared, found) = differences(helm, &chart(), ours);
        assert!(found.is_empty(), "{}:\n{}", ours.name, found.join("\n"));
        facts += compared;
    }
    assert!(facts > 1000, "{facts}");
}

#[test]
fn our_chart_says_what_compose_says_with_helm_4() {
    let Some(helm) = helm("TRUELINE_HELM", "our_chart_says_what_compose_says_with_helm_4") else { return };
    all_agree(&helm);
}

#[test]
fn our_chart_says_what_compose_says_with_helm_3() {
    let Some(helm) = helm("TRUELINE_HELM3", "our_chart_says_what_compose_says_with_helm_3") else { return };
    all_agree(&helm);
}

/// Edits of `shop-prod`, each of which switches something on, off or to another value.
const VARIANTS: &[(&str, &str)] = &[
    ("        autoscaling max=12 cpu=70\n", ""),
    ("        liveness http=\"/live\"\n", ""),
    ("start=\"30s\"", "start=\"25s\""),
    ("start=\"30s\"", "start=\"1m\""),
    ("health http=\"/ready\" client=\"python3\" start=\"30s\"", "health exec=\"true\""),
    ("network-policy #true", "network-policy #false"),
    ("user=10001 group=10001 read-only-root=#true { tmpfs \"/tmp\" }", "user=20000"),
    ("health http=\"/\" client=\"wget\"", "health http=\"/index\" client=\"curl\""),
    ("replicas=2 {\n        command \"celery\"", "replicas=5 {\n        command \"celery\""),
    (
        "limits memory=\"1Gi\" }\n    }\n    service \"worker\"",
        "limits memory=\"1500Mi\" cpu=\"1500m\" }\n    }\n    service \"worker\"",
    ),
    ("env API_URL=(link)\"api.url\"", "env API_URL=(link)\"api.url\" API=(link)\"api\" PRICE=\"$5 ${X} $(Y) $$\""),
];

/// The variants that compile; a setting may be called otherwise one day, and then half of them still have to.
fn variants() -> Vec<Ours> {
    let text = read(&root().join("environments/shop-prod.kdl"));
    let mut variants = Vec::new();
    for (from, to) in VARIANTS {
        assert!(text.contains(from), "{from}");
        let compiled = compile("shop-prod", &text.replacen(from, to, 1));
        if failed(&compiled) {
            panic!("{to}\n{}", told(&compiled));
        }
        variants.push(Ours { name: format!("shop-prod with {to}"), compiled });
    }
    variants
}

#[test]
fn the_committed_shops_are_verified_by_the_command() {
    let Some(helm) = helm("TRUELINE_HELM", "the_committed_shops_are_verified_by_the_command") else { return };
    let project = Project::new(&[]);
    for (name, text) in environments().iter().filter(|(name, _)| name.starts_with("shop-")) {
        project.write(&format!("environments/{name}.kdl"), text);
    }
    assert_eq!(project.run(&["compile"]).code, 0);
    let ran = project.run(&["verify", "--rendered", "--helm", &helm.display().to_string()]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.stdout.matches("as Compose has them").count(), 2, "{}", ran.stdout);
}

/// Mistakes in the templates of our chart: file, what stands there, what is written instead, the fact that has to be named.
const TEMPLATES: &[(&str, &str, &str, &str)] = &[
    ("_container.tpl", "{{- with $w.resources }}", "{{- with $w.resource }}", "`resources.limits.memory` of"),
    ("_container.tpl", "containerPort: {{ $it.number }}", "containerPort: {{ add $it.number 1 }}", "`port[http]` of"),
    ("_container.tpl", "value: {{ include \"app.text\" $it.value }}", "value: {{ $it.value }}", "not in quotes"),
    ("_container.tpl", "      key: {{ $it.secret.key | quote }}", "      key: password", "`env[SIGNING_KEY]` of `api`"),
    (
        "_container.tpl",
        "      name: {{ $it.secret.name }}",
        "      name: {{ $it.secret.key }}",
        "`env[SIGNING_KEY]` of `api`",
    ),
    ("_container.tpl", "  {{- else if $it.secret }}", "  {{- else if false }}", "`env[SIGNING_KEY]` of `api`"),
    ("_container.tpl", "$text = printf \"%s$(%s)\"", "$text = printf \"%s$$(%s)\"", "`env[DATABASE_URL]` of"),
    ("_container.tpl", "path: {{ .path | quote }}", "path: /", "`health[readiness].path` of"),
    ("_container.tpl", "\"health\" \"liveness\" nil", "\"health\" \"readiness\" nil", "`health[liveness].path` of"),
    ("_container.tpl", "port: {{ .port }}", "port: 1", "`health[readiness].port` of"),
    (
        "_container.tpl",
        "\nperiodSeconds: {{ include \"app.seconds\" . }}",
        "\nperiodSeconds: 1",
        "`health[readiness].period` of",
    ),
    ("_container.tpl", "failureThreshold: {{ int64 . }}", "failureThreshold: 99", "`health[readiness].failures` of"),
    (
        "_container.tpl",
        "failureThreshold: {{ max 1",
        "failureThreshold: {{ max 30",
        "`health[readiness].start` of `api`",
    ),
    ("_container.tpl", "mountPath: {{ $it.at | quote }}", "mountPath: /elsewhere", "`volume[data]` of"),
    ("_container.tpl", "mountPath: {{ $path | quote }}", "mountPath: /scratch", "`tmpfs[/tmp]` of"),
    (
        "_container.tpl",
        "subPath: {{ include \"app.fileKey\" $path }}",
        "subPath: file",
        "`file[/etc/shop/limits.toml]` of `api`",
    ),
    ("_container.tpl", "{{- with $w.command }}", "{{- with $w.args }}", "`command` of"),
    ("_container.tpl", "{{- with $w.args }}", "{{- with $w.arguments }}", "`args` of"),
    ("_container.tpl", "image: {{ $w.image | quote }}", "image: {{ splitList \":\" $w.image | first }}", "`image` of"),
    ("_container.tpl", "runAsUser: {{ int64 . }}", "runAsUser: 0", "`security.user` of"),
    ("_container.tpl", "runAsGroup: {{ int64 . }}", "runAsGroup: 0", "`security.group` of"),
    ("_container.tpl", "{{ dig \"security\" \"escalation\" false $w }}", "true", "`security.escalation` of"),
    ("_container.tpl", "      drop:\n", "      add:\n", "`security.drop` of"),
    ("_container.tpl", "{{ index $w.security \"read-only-root\" }}", "false", "`security.read-only-root` of"),
    (
        "_container.tpl",
        "protocol: {{ upper (default \"tcp\" $it.protocol) }}",
        "protocol: UDP",
        "`port[http].protocol` of",
    ),
    ("_claim.tpl", "storage: {{ default \"1Gi\" .size }}", "storage: 1Gi", "`volume[data].size` of"),
    ("_claim.tpl", "{{- with .class }}", "{{- with .storageClass }}", "`volume[uploads].class` of"),
    (
        "_pod.tpl",
        "{{- include \"app.container\" (dict \"root\" $root \"name\" . \"main\" false) | nindent 0 }}",
        "",
        "`fetch` runs in",
    ),
    (
        "workloads.yaml",
        "{{- else if eq $role \"job\" }}",
        "{{- else if eq $role \"batch\" }}",
        "`migrate` runs in Compose only",
    ),
    ("workloads.yaml", "replicas: {{ dig \"replicas\" 1 $w }}", "replicas: 7", "`replicas` of"),
    ("workloads.yaml", "schedule: {{ $w.schedule | quote }}", "schedule: \"@daily\"", "`schedule` of"),
    ("services.yaml", "targetPort: {{ $port }}", "targetPort: 1", "`port[http].service` of"),
    ("services.yaml", "port: {{ default $at.number $at.service }}", "port: 80", "`env[API_URL]` of `web`"),
    (
        "services.yaml",
        "  name: {{ include \"app.name\" $it }}",
        "  name: {{ include \"app.name\" $it }}-x",
        "`env[API_URL]` of `web`",
    ),
    (
        "autoscalers.yaml",
        "minReplicas: {{ max 1 (int64 (dig \"replicas\" 1 $w)) }}",
        "minReplicas: 1",
        "`replicas` of `api`",
    ),
    ("ingresses.yaml", "- host: {{ . | quote }}", "- host: example.org", "`route[http].hosts` of"),
    ("ingresses.yaml", "- secretName: {{ .tls }}", "- secretName: tls", "`route[http].tls` of"),
    ("files.yaml", "{{ toJson $text }}", "{{ toJson (upper $text) }}", "`file[/etc/shop/limits.toml]` of `api`"),
];

/// A copy of our chart with one template changed.
fn broken(file: &str, from: &str, to: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir(folder.path().join("templates")).expect("a folder");
    for path in sorted(&chart()).into_iter().filter(|path| path.is_file()) {
        fs::copy(&path, folder.path().join(name_of(&path))).expect("a copy");
    }
    for path in sorted(&chart().join("templates")) {
        let mut text = read(&path);
        if name_of(&path) == file {
            assert!(text.contains(from), "{file}: {from}");
            text = text.replacen(from, to, 1);
        }
        fs::write(folder.path().join("templates").join(name_of(&path)), text).expect("a file");
    }
    folder
}

/// Mistakes in templates, and which of them were told as they should.
#[test]
fn mistakes_in_the_templates_are_found() {
    let Some(helm) = helm("TRUELINE_HELM", "mistakes_in_the_templates_are_found") else { return };
    let examined: Vec<&Ours> = ours()
        .iter()
        .filter(|ours| ["shop-prod", "app-everything", "shop-dev"].contains(&ours.name.as_str()))
        .collect();
    assert_eq!(examined.len(), 3);
    let mut missed = Vec::new();
    let mut made = 0;
    for (file, from, to, wanted) in TEMPLATES {
        let folder = broken(file, from, to);
        let is_found = |ours: &&&Ours| {
            let (_, found) = differences(&helm, folder.path(), ours);
            found.iter().any(|message| message.contains(wanted))
        };
        made += 1;
        if !examined.iter().any(|ours| is_found(&ours)) {
            missed.push(format!("{file}: `{from}` as `{to}`: nothing says {wanted}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    assert!(made >= 20, "{made}");
}

/// Mistakes of the printer of Compose files: what stands there, what is written instead, the fact that has to be named.
const PRINTED: &[(&str, &str, &str)] = &[
    ("image: valkey/valkey:8.1.3", "image: valkey/valkey", "`image` of `cache`"),
    ("image: ghcr.io/acme/shop-web:1.4.2", "image: ghcr.io/acme/shop-web:1.4.3", "`image` of `web`"),
    ("    entrypoint:\n    - celery", "    command:\n    - celery", "`command` of `worker`"),
    ("    - \"805306368\"\n", "    - \"805306369\"\n", "`args` of `cache`"),
    ("    - --appendonly\n", "", "`args` of `cache`"),
    ("\"$$REDISCLI_AUTH\"", "\"$REDISCLI_AUTH\"", "`command` of `cache`"),
    ("REDISCLI_AUTH: ${CACHE", "REDISCLI_AUTH: ${OTHER", "`env[REDISCLI_AUTH]` of `cache`"),
    ("      LOG_LEVEL: info\n", "", "`env[LOG_LEVEL]` of `api`"),
    ("LOG_LEVEL: info", "LOG_LEVEL: yes", "`env[LOG_LEVEL]` of `api`"),
    ("API_URL: http://api:8000", "API_URL: http://api:8001", "`env[API_URL]` of `web`"),
    ("API_URL: http://api:8000", "API_URL: http://shop-api:8000", "`env[API_URL]` of `web`"),
    ("    - \"9090\"\n", "", "`port[metrics]` of `api`"),
    ("target: 8080", "target: 80", "`port[http]` of `web`"),
    ("published: \"8080\"", "published: \"8088\"", "`port[http].publish` of `web`"),
    ("protocol: tcp", "protocol: udp", "`port[http].protocol` of `web`"),
    ("condition: service_completed_successfully", "condition: service_started", "`needs[migrate]` of `api`"),
    ("http://127.0.0.1:8000/ready", "http://127.0.0.1:8000/live", "`health[readiness].exec` of `api`"),
    ("interval: 10s", "interval: 10m", "`health[readiness].period` of `cache`"),
    ("start_period: 30s", "start_period: 3s", "`health[readiness].start` of `api`"),
    ("target: /data", "target: /var/data", "`volume[data]` of `cache`"),
    ("target: /etc/shop/limits.toml", "target: /etc/limits.toml", "`file[/etc/shop/limits.toml]` of `api`"),
    ("    tmpfs:\n    - /tmp\n", "", "`tmpfs[/tmp]` of `cache`"),
    ("user: 999:999", "user: 999:0", "`security.group` of `cache`"),
    ("user: 10001:10001", "user: \"0:10001\"", "`security.user` of `api`"),
    ("read_only: true\n    cap", "read_only: false\n    cap", "`security.read-only-root` of `cache`"),
    ("    cap_drop:\n    - ALL\n", "", "`security.drop` of `cache`"),
    ("    security_opt:\n    - no-new-privileges:true\n", "", "`security.escalation` of `cache`"),
    ("memory: 1g", "memory: 1000m", "`resources.limits.memory` of `cache`"),
    ("cpus: \"0.05\"", "cpus: \"0.5\"", "`resources.requests.cpu` of `cache`"),
    ("      replicas: 1\n", "      replicas: 2\n", "`replicas` of `cache`"),
];

/// Needs no Helm: the Compose file is compared with the plan, whatever a chart makes of it.
#[test]
fn mistakes_in_the_printed_compose_file_are_found() {
    let shop = ours().iter().find(|ours| ours.name == "shop-prod").expect("the shop");
    let env = shop.compiled.env.as_ref().expect("an environment");
    let renderings = rendered::renderings(env, rendered::plan(env));
    let [rendering] = renderings.as_slice() else { panic!("one deployment") };
    let text = file(&shop.compiled, "app/compose/compose.yaml").expect("a Compose file");
    let said = |text: &str| -> Vec<String> {
        let found = compare(&shop.compiled, rendering, "", Some(text)).differences.into_iter();
        found.map(|it| it.message).filter(|message| !message.contains("no manifest makes it")).collect()
    };
    assert_eq!(said(&text), Vec::<String>::new());
    let mut missed = Vec::new();
    for (from, to, wanted) in PRINTED {
        assert!(text.contains(from), "{from}");
        let found = said(&text.replacen(from, to, 1));
        if !found.iter().any(|message| message.contains(wanted)) {
            missed.push(format!("`{from}` as `{to}`: nothing says {wanted}, but\n  {}", found.join("\n  ")));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    assert!(PRINTED.len() >= 20);
}
