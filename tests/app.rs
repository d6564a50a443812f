//! The stack for any application and its chart: what an environment costs, what the chart reads of it, and that a version
//! of a chart is one set of bytes.

use std::{collections::BTreeSet, fs};

use serde_json::Value;
use trueline::{diag::Diags, lock, lower, readback, shipped, targets};

use crate::{
    cli::{Project, Ran},
    golden::{self, Case},
    support::{compile, failed, read, root, told},
};

/// The golden cases of the stack that compile.
fn cases() -> Vec<Case> {
    golden::cases().into_iter().filter(|case| case.name.starts_with("app-")).collect()
}

fn schema() -> Value {
    serde_json::from_str(&read(&root().join("stdlib/charts/app/values.schema.json"))).expect("a schema is JSON")
}

#[test]
fn a_system_of_three_services_takes_less_than_forty_lines() {
    let text = read(&root().join("environments/shop-dev.kdl"));
    let compiled = compile("shop-dev", &text);
    assert!(!failed(&compiled), "{}", told(&compiled));
    assert!(text.lines().count() < 40, "{} lines", text.lines().count());
    let compose = compiled.files.iter().find(|file| file.path.ends_with("compose.yaml")).expect("a Compose file");
    let text = String::from_utf8_lossy(&compose.bytes);
    for service in ["api", "worker", "web", "migrate", "db", "cache"] {
        assert!(text.contains(&format!("\n  {service}:\n    image:")), "{service}");
    }
}

#[test]
fn the_example_of_the_page_compiles() {
    let page = read(&root().join("docs/app.md"));
    let block = page.split("```kdl\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let compiled = compile("dev", block);
    assert!(!failed(&compiled), "{}", told(&compiled));
}

#[test]
fn the_chart_reads_every_key_that_the_stack_writes_and_its_schema_allows_them() {
    let project = Project::new(&[]);
    let cases = cases();
    assert!(cases.len() >= 4, "{} cases", cases.len());
    for case in &cases {
        let compiled = case.compile();
        let values = compiled.files.iter().find(|file| file.path.ends_with("helm/values.yaml"));
        let values = values.unwrap_or_else(|| panic!("{}: {}", case.name, told(&compiled)));
        project.write("values.yaml", &values.bytes);
        let chart = root().join("stdlib/charts/app");
        let ran: Ran = project.run(&["chart", "check", &chart.to_string_lossy(), "values.yaml"]);
        assert_eq!((ran.code, ran.stdout.contains("every key is read")), (0, true), "{}: {ran:?}", case.name);
    }
}

/// What read-back says once the values of a case are changed behind the printer's back.
fn changed(case: &Case, from: &str, to: &str) -> Vec<String> {
    let compiled = case.compile();
    let env = compiled.env.as_ref().expect("it resolves");
    let plan = lower::lower(env, &mut Diags::default()).plan;
    let mut files = targets::emit_all(&plan);
    let values = files.iter_mut().find(|file| file.path.ends_with("helm/values.yaml")).expect("values");
    let text = String::from_utf8(values.bytes.clone()).expect("text");
    assert!(text.contains(from), "`{from}` stands nowhere in\n{text}");
    values.bytes = text.replacen(from, to, 1).into_bytes();
    let mut diags = Diags::default();
    readback::check(env, &plan, &files, &mut diags);
    diags.as_slice().iter().map(|finding| format!("{} {}", finding.code.id, finding.message)).collect()
}

#[test]
fn values_that_say_another_fact_are_found_each_of_them() {
    let all = cases();
    let case = all.iter().find(|case| case.name == "app-everything").expect("the case");
    assert_eq!(changed(case, "name: all", "name: all"), Vec::<String>::new());
    for (from, to, fact) in [
        ("replicas: 1", "replicas: 2", "replicas"),
        ("max-replicas: 4", "max-replicas: 5", "replicas.max"),
        ("number: 9090", "number: 9091", "port[metrics]"),
        ("protocol: udp", "protocol: tcp", "port[stats].protocol"),
        ("service: 80\n", "service: 81\n", "port[http].service"),
        ("period: 15s", "period: 16s", "health[readiness].period"),
        ("- /bin/live", "- /bin/love", "health[liveness].exec"),
        ("size: 20Gi", "size: 21Gi", "volume[uploads].size"),
        ("class: fast", "class: slow", "volume[uploads].class"),
        ("at: /var/uploads", "at: /var/downloads", "volume[uploads]"),
        ("name: api\n          key: token", "name: api\n          key: tokens", "env[TOKEN]"),
        ("value: debug", "value: info", "env[LOG_LEVEL]"),
        ("- \"8000\"", "- \"8001\"", "args"),
        ("- /bin/api", "- /bin/other", "command"),
        ("hello $USER", "hullo $USER", "file[/etc/api/banner]"),
        ("user: 1000", "user: 1001", "security.user"),
        ("read-only-root: true", "read-only-root: false", "security.read-only-root"),
        ("- /run", "- /ran", "tmpfs[/run]"),
        ("schedule: \"*/15 * * * *\"", "schedule: \"*/16 * * * *\"", "schedule"),
        ("- a.example.com", "- c.example.com", "route[http].hosts"),
        ("tls: wildcard", "tls: other", "route[http].tls"),
        ("image: nginx:1.27.5", "image: nginx:1.27.6", "image"),
        ("pull: Always", "pull: Never", "image.pull"),
        ("role: cron", "role: job", "role"),
        ("memory: 256Mi", "memory: 257Mi", "resources.limits.memory"),
    ] {
        let found = changed(case, from, to);
        let told = found.iter().any(|line| line.starts_with("TL11") && line.contains(&format!(" {fact}`")));
        assert!(told, "{from}: {found:?}");
    }
    let more = changed(case, "        value: debug", "        value: debug\n      MORE:\n        value: x");
    assert!(more.iter().any(|line| line.starts_with("TL1109 ") && line.contains("env[MORE]")), "{more:?}");
}

#[test]
fn the_schema_refuses_what_no_template_reads() {
    let project = Project::new(&[]);
    let chart = root().join("stdlib/charts/app");
    for (values, wanted) in [
        ("name: a\nworkloads: {x: {image: 'a:1', replica: 2}}\n", "replica"),
        ("name: a\ncluster: {x: {minavailable: 2}}\n", "minavailable"),
        ("name: a\nworkloads: {x: {replicas: 2}}\n", "image"),
        ("name: a\nworkloads: {x: {image: 'a:1', replicas: '2'}}\n", "replicas"),
        ("name: a\nworkloads: {x: {image: 'a:1', role: cron}}\n", "x"),
        ("name: A\n", "name"),
    ] {
        project.write("values.yaml", values);
        let ran = project.run(&["chart", "check", &chart.to_string_lossy(), "values.yaml"]);
        assert_eq!((ran.code, ran.stdout.contains(wanted)), (1, true), "{values}{ran:?}");
    }
}

#[test]
fn the_schema_is_closed_everywhere() {
    let mut groups = 0;
    closed(&schema(), "", &mut groups);
    assert!(groups > 15, "{groups} groups of keys");
}

/// Every group of named keys allows no others.
fn closed(node: &Value, path: &str, groups: &mut usize) {
    let Value::Object(map) = node else {
        node.as_array().into_iter().flatten().for_each(|item| closed(item, path, groups));
        return;
    };
    // The condition of an `if` allows everything else on purpose.
    if map.get("properties").is_some_and(Value::is_object) && !path.ends_with("/if") {
        *groups += 1;
        assert_eq!(map.get("additionalProperties"), Some(&Value::Bool(false)), "{path}");
    }
    map.iter().for_each(|(key, inner)| closed(inner, &format!("{path}/{key}"), groups));
}

#[test]
fn a_version_of_a_chart_is_one_set_of_bytes() {
    let recorded = read(&root().join("stdlib/charts/digests.txt"));
    let recorded: BTreeSet<&str> = recorded.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(!shipped::all().is_empty());
    for chart in shipped::all() {
        let version = chart.folder();
        let files = shipped::files(&BTreeSet::from([version.clone()]));
        let all: Vec<u8> = files
            .iter()
            .flat_map(|file| [file.path.as_bytes(), b"\0", file.bytes.as_slice(), b"\0"].concat())
            .collect();
        let line = format!("{version} {}", lock::digest(&all));
        assert!(
            recorded.contains(line.as_str()),
            "the chart `{}` has other bytes than its version {} had: give it another version in `Chart.yaml`, in the stack \
             and in its surface, and add the line `{line}` to stdlib/charts/digests.txt",
            chart.name,
            chart.version
        );
    }
}

#[test]
fn what_is_embedded_is_what_lies_in_the_folder() {
    for chart in shipped::all() {
        for file in shipped::files(&BTreeSet::from([chart.folder()])) {
            let below = file.path.split_once('/').expect("a folder").1;
            let path = root().join("stdlib/charts").join(chart.name).join(below);
            assert_eq!(fs::read(&path).expect("the file is there"), file.bytes, "{}", path.display());
        }
    }
}

const SMALL: &str = "environment \"ENV\" stack=\"app\" {\n    service \"api\" image=\"a:1\"\n}\n";
const CHART: &str = "out/charts/app-1.0.0/Chart.yaml";

/// A project with two environments of the stack, compiled.
fn placed() -> Project {
    let project = Project::new(&[
        ("environments/dev.kdl", &SMALL.replace("ENV", "dev")),
        ("environments/prod.kdl", &SMALL.replace("ENV", "prod")),
    ]);
    let ran = project.run(&["compile"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("charts: ") && ran.stdout.contains(" written"), "{ran:?}");
    project
}

fn exists(project: &Project, path: &str) -> bool {
    project.path(path).exists()
}

#[test]
fn a_compile_places_one_copy_of_the_chart() {
    let project = placed();
    let charts = project.tree("out/charts");
    assert_eq!(project.read(CHART), read(&root().join("stdlib/charts/app/Chart.yaml")));
    assert!(charts.keys().any(|path| path.ends_with("values.schema.json")));
    let again = project.run(&["compile"]);
    assert!(again.code == 0 && !again.stdout.contains("charts"), "{again:?}");
    assert_eq!(project.tree("out/charts"), charts);
    assert_eq!(project.run(&["compile", "--check"]).code, 0);
    let verified = project.run(&["verify"]);
    assert!(verified.code == 0 && verified.stdout.contains("charts: "), "{verified:?}");
    assert!(verified.stderr.contains("2 environments"), "{verified:?}");
}

#[test]
fn a_chart_that_was_edited_is_told_and_not_overwritten() {
    let project = placed();
    project.write(CHART, "name: mine\n");
    for arguments in [&["verify"][..], &["compile", "--check"], &["compile"], &["compile", "dev"]] {
        let ran = project.run(arguments);
        assert!(ran.code == 1 && ran.stdout.contains(CHART), "{arguments:?}: {ran:?}");
    }
    assert_eq!(project.read(CHART), "name: mine\n");
    let ran = project.run(&["compile", "--overwrite"]);
    assert!(ran.code == 0 && project.read(CHART).contains("name: app"), "{ran:?}");
}

#[test]
fn a_chart_goes_when_no_environment_uses_it_and_not_before() {
    let project = placed();
    fs::remove_file(project.path("environments/prod.kdl")).expect("the environment can be removed");
    project.run(&["compile", "--prune", "prod"]);
    project.write("environments/dev.kdl", "environment \"dev\" stack=\"app\" {\n    service \"api\"\n}\n");
    assert_eq!(project.run(&["compile"]).code, 1, "an image is missing");
    assert!(exists(&project, CHART), "who has an error may use it again");
    project.write("environments/dev.kdl", "environment \"dev\" stack=\"aeterna\" {\n}\n");
    let one = project.run(&["compile", "dev", "--accept", "compose.project"]);
    assert_eq!(one.code, 0, "{one:?}");
    assert!(exists(&project, CHART), "others are not known");
    let all = project.run(&["compile"]);
    assert!(all.code == 0 && all.stdout.contains("removed"), "{all:?}");
    assert!(!exists(&project, "out/charts/trueline.lock") && !exists(&project, CHART));
    assert_eq!(project.run(&["verify"]).code, 0);
}

#[test]
fn an_older_version_stays_while_an_environment_may_use_it() {
    let project = placed();
    // As an older compiler left it: another version, which this one does not ship.
    let old = shipped::plain("app-0.9.0/Chart.yaml".to_owned(), b"name: app\nversion: 0.9.0\n".to_vec());
    let versions: BTreeSet<_> = shipped::all().iter().map(shipped::Chart::folder).collect();
    let files = shipped::files(&versions).into_iter().chain([old]).collect();
    for file in shipped::seal(files) {
        project.write(&format!("out/charts/{}", file.path), &file.bytes);
    }
    let ran = project.run(&["compile", "dev"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(exists(&project, "out/charts/app-0.9.0/Chart.yaml"));
    assert_eq!(project.run(&["verify"]).code, 0);
    let ran = project.run(&["compile"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(!exists(&project, "out/charts/app-0.9.0/Chart.yaml") && exists(&project, CHART));
    assert_eq!(project.run(&["verify"]).code, 0);
}

#[test]
fn what_runs_beside_a_service_is_read_back_from_both_files() {
    let all = cases();
    let case = all.iter().find(|case| case.name == "app-sidecars").expect("the case");
    assert_eq!(changed(case, "name: shop", "name: shop"), Vec::<String>::new());
    for (from, to, fact) in [
        ("beside: api", "beside: web", "beside"),
        ("of: api", "of: web", "volume[logs].of"),
        ("at: /logs", "at: /log", "volume[logs]"),
        ("number: 9187", "number: 9188", "port[exporter]"),
        ("size: 2Gi", "size: 3Gi", "volume[state].size"),
        ("port: exporter\n        period", "port: http\n        period", "health[readiness].port"),
    ] {
        let found = changed(case, from, to);
        let told = found.iter().any(|line| line.starts_with("TL11") && line.contains(&format!(" {fact}`")));
        assert!(told, "{from}: {found:?}");
    }
    for (from, to, fact) in [
        ("network_mode: service:api", "network_mode: service:web", "api-exporter beside"),
        (
            "source: api-logs\n      target: /logs",
            "source: api-shipper-logs\n      target: /logs",
            "api-shipper volume[logs].of",
        ),
        ("target: 9187", "target: 9188", "api-exporter port[exporter]"),
        ("published: \"9187\"", "published: \"9188\"", "api-exporter port[exporter].publish"),
        ("- 8125/udp", "- 8126/udp", "api-shipper port[statsd]"),
    ] {
        let found = printed_otherwise(case, from, to);
        let told = found.iter().any(|line| line.starts_with("TL1102 ") && line.contains(&format!("`{fact}`")));
        assert!(told, "{from}: {found:?}");
    }
}

/// What read-back says once the Compose file of a case is changed behind the printer's back.
fn printed_otherwise(case: &Case, from: &str, to: &str) -> Vec<String> {
    let compiled = case.compile();
    let env = compiled.env.as_ref().expect("it resolves");
    let plan = lower::lower(env, &mut Diags::default()).plan;
    let mut files = targets::emit_all(&plan);
    let compose = files.iter_mut().find(|file| file.path.ends_with("compose.yaml")).expect("a Compose file");
    let text = String::from_utf8(compose.bytes.clone()).expect("text");
    assert!(text.contains(from), "`{from}` stands nowhere in\n{text}");
    compose.bytes = text.replacen(from, to, 1).into_bytes();
    let mut diags = Diags::default();
    readback::check(env, &plan, &files, &mut diags);
    diags.as_slice().iter().map(|finding| format!("{} {}", finding.code.id, finding.message)).collect()
}

#[test]
fn rendered_manifests_say_the_same_of_sidecars_as_the_compose_file() {
    let Some(helm) = std::env::var_os("TRUELINE_HELM") else {
        crate::support::skipped(
            "app::rendered_manifests_say_the_same_of_sidecars_as_the_compose_file",
            "TRUELINE_HELM is not set",
        );
        return;
    };
    let all = cases();
    let case = all.iter().find(|case| case.name == "app-sidecars").expect("the case");
    let compiled = case.compile();
    let file = |end: &str| {
        let found = compiled.files.iter().find(|file| file.path.ends_with(end)).expect("the file");
        String::from_utf8(found.bytes.clone()).expect("text")
    };
    let project = Project::new(&[("values.yaml", &file("helm/values.yaml"))]);
    let output = std::process::Command::new(helm)
        .args(["template", "x", "--kube-version", "1.33.0", "-f"])
        .arg(project.path("values.yaml"))
        .arg(root().join("stdlib/charts/app"))
        .output()
        .expect("helm starts");
    let manifests = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let documents = trueline::read::foreign::documents(&manifests).expect("YAML");
    let called = ["api", "web"].map(|name| (format!("shop-{name}").into(), name.into())).into_iter().collect();
    let (rendered, troubles) = trueline::facts::of_manifests(&documents, &called);
    assert!(troubles.is_empty(), "{troubles:?}");
    let said = |path: &str| {
        let found = rendered.iter().find(|(known, _)| known.to_string() == path);
        trueline::value::spell(
            &found.unwrap_or_else(|| panic!("{path}: {:?}", rendered.keys().collect::<Vec<_>>())).1.value,
        )
    };
    for (path, value) in [
        ("api-exporter role", "service"),
        ("api-exporter beside", "api"),
        ("api-exporter image", "ghcr.io/acme/exporter:2.1.0"),
        ("api-exporter port[exporter]", "9187"),
        ("api-exporter port[exporter].service", "9187"),
        ("api-exporter health[readiness].port", "exporter"),
        ("api-exporter health[liveness].tcp", "exporter"),
        ("api-shipper beside", "api"),
        ("api-shipper volume[state]", "/state"),
        ("api-shipper volume[logs]", "/logs"),
        ("api-shipper volume[logs].of", "api"),
        ("api-shipper port[statsd].protocol", "udp"),
        ("api-shipper security.user", "1000"),
        ("api volume[logs]", "/var/log/api"),
    ] {
        assert_eq!(said(path), value, "{path}");
    }
    assert!(rendered.keys().all(|path| ["api", "web", "api-exporter", "api-shipper"].contains(&&*path.workload)));
}

#[test]
fn every_store_is_bundled_and_external() {
    let pinned =
        |image: &str| image.split_once(':').is_some_and(|(_, tag)| tag.chars().filter(|c| *c == '.').count() >= 1);
    for (store, field, secrets) in [
        ("postgres", "db.url", 1),
        ("valkey", "db.url", 1),
        ("qdrant", "db.api-key", 1),
        ("rabbitmq", "db.url", 1),
        ("s3", "db.secret-key", 2),
    ] {
        let text = |rest: &str| {
            format!(
                "environment \"dev\" stack=\"app\" {{\n    {store} \"db\"{rest}\n    service \"a\" image=\"x:1.0\" {{ env URL=(link)\"{field}\" HOST=(link)\"db.host\" PORT=(link)\"db.port\"; needs \"db\" }}\n}}\n"
            )
        };
        let file = |text: &str, end: &str| {
            let compiled = compile("dev", text);
            assert!(!failed(&compiled), "{store}: {}", told(&compiled));
            let found = compiled.files.iter().find(|file| file.path.ends_with(end)).expect("the file");
            String::from_utf8(found.bytes.clone()).expect("text")
        };
        let bundled = file(&text(""), "compose.yaml");
        let service = bundled.split("\n  db:\n").nth(1).expect("the store runs");
        let image = service.lines().find_map(|line| line.trim().strip_prefix("image: ")).expect("an image");
        assert!(pinned(image), "{store}: {image}");
        for part in ["healthcheck:", "type: volume", "\n    restart: unless-stopped"] {
            assert!(service.contains(part), "{store}: {part}\n{service}");
        }
        let referred = bundled.matches("credentials").count();
        assert!(referred >= secrets, "{store}: {bundled}");
        assert!(bundled.contains("condition: service_healthy"), "{store}");
        for end in ["compose.yaml", "values.yaml"] {
            let external = file(&text(" external=\"db.internal\" port=7000"), end);
            assert!(external.contains("db.internal") && external.contains("7000"), "{store}: {external}");
            assert!(!external.contains("\n  db:\n") && !external.contains("- workload: db"), "{store}: {external}");
        }
    }
}

#[test]
fn the_header_for_flux_says_what_the_cluster_must_have() {
    let header = |services: &str| {
        let text = format!(
            "environment \"dev\" stack=\"app\" {{\n{services}\n    flux {{ source \"oci\" url=\"oci://registry.example.com/charts\" }}\n}}\n"
        );
        let compiled = compile("dev", &text);
        assert!(!failed(&compiled), "{}", told(&compiled));
        let file = compiled.files.iter().find(|file| file.path.ends_with("flux-kustomization.yaml")).expect("the file");
        let text = String::from_utf8(file.bytes.clone()).expect("text");
        text.lines().take_while(|line| line.starts_with('#')).map(|line| format!("{line}\n")).collect::<String>()
    };
    let plain = header("    service \"a\" image=\"x:1.0\" port=80 { ingress hosts=\"a.example.com\" { tls } }");
    for (services, wanted) in [
        (
            "    service \"a\" image=\"x:1.0\" port=80 { ingress hosts=\"a.example.com\" { tls issuer=\"le\" } }",
            "cert-manager",
        ),
        ("    service \"a\" image=\"x:1.0\" port=80 { metrics }", "Prometheus operator"),
        ("    service \"a\" image=\"x:1.0\" port=80 { autoscaling max=3 }", "Metrics Server"),
    ] {
        assert!(header(services).contains(wanted) && !plain.contains(wanted), "{wanted}: {}", header(services));
    }
}
