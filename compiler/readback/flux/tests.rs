//! Files for Flux that were changed behind the printer's back.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    compile::{Stdlib, compile},
    diag::Diags,
    lower::lower,
    model::Env,
    readback,
    source::{Source, SourceId},
    targets::{File, emit_all},
};

const STACK: &str = r#"stack "demo" version="1" {
    settings { (image)image default="acme/api:1.4.0"; (secret)token default="demo-api/token" }
    workload "api" { image (ref)"image"; env { TOKEN (ref)"token" } }
    helm "demo" {
        release "demo" chart="demo" version="1.4.2" file="values.yaml" {
            source "oci" url="oci://registry.example/charts"
            values { image (ref)"image.reference"; secret (ref)"token.name"; key (ref)"token.key" }
        }
    }
}"#;

const ENVIRONMENT: &str = r#"environment "dev" stack="demo" {
    flux service-account="deployer" depends-on="data/db" {
        secrets "external-secrets" store="vault"
        kustomization { depends-on "operators" }
    }
}
"#;

fn resolved(stack: &str) -> Env {
    let texts = vec![("stdlib/stacks/demo/stack.kdl".to_owned(), stack.to_owned())];
    let stdlib = Stdlib::with_project(vec![("demo".to_owned(), texts)], Vec::new(), &mut Diags::default());
    let source = Source { id: SourceId(0), name: "environments/dev.kdl".to_owned(), text: ENVIRONMENT.to_owned() };
    compile(Arc::new(source), &stdlib).env.expect("it resolves")
}

/// The codes of what is found in changed files.
fn found(change: impl Fn(&mut Vec<File>)) -> BTreeSet<&'static str> {
    found_of(STACK, change)
}

fn found_of(stack: &str, change: impl Fn(&mut Vec<File>)) -> BTreeSet<&'static str> {
    let env = resolved(stack);
    let mut diags = Diags::default();
    let lowered = lower(&env, &mut diags).plan;
    assert_eq!(diags.as_slice(), []);
    let mut files = emit_all(&lowered);
    change(&mut files);
    readback::check(&env, &lowered, &files, &mut diags);
    diags.as_slice().iter().map(|finding| finding.code.id).collect()
}

fn replaced(files: &mut [File], path: &str, from: &str, to: &str) {
    let file = files.iter_mut().find(|file| file.path == path).unwrap_or_else(|| panic!("no {path}"));
    let text = String::from_utf8(file.bytes.clone()).expect("files are text");
    assert!(text.contains(from), "{text}");
    file.bytes = text.replacen(from, to, 1).into_bytes();
}

#[test]
fn what_was_planned_gives_nothing() {
    assert_eq!(found(|_| {}), BTreeSet::new());
    // another spelling of the same time
    let release = "demo/flux/release-demo.yaml";
    assert_eq!(found(|files| replaced(files, release, "timeout: 10m", "timeout: 600s")), BTreeSet::new());
}

#[test]
fn what_is_said_otherwise_is_found() {
    let (release, source) = ("demo/flux/release-demo.yaml", "demo/flux/source-demo.yaml");
    let (secret, applied) = ("demo/flux/external-secret-demo-api.yaml", "flux-kustomization.yaml");
    let cases = [
        (release, "releaseName: demo", "releaseName: demo2", "TL1120"),
        (release, "targetNamespace: demo", "targetNamespace: dem", "TL1120"),
        (release, "interval: 10m", "interval: 5m", "TL1120"),
        (release, "retries: 3", "retries: 4", "TL1120"),
        (release, "mode: enabled", "mode: warn", "TL1120"),
        (release, "serviceAccountName: deployer", "serviceAccountName: deploy", "TL1120"),
        (release, "  - name: db", "  - name: dc", "TL1120"),
        (release, "name: demo-values", "name: demo-value", "TL1121"),
        (release, "kind: OCIRepository", "kind: HelmRepository", "TL1121"),
        (source, "tag: \"1.4.2\"", "tag: \"1.4.3\"", "TL1120"),
        (source, "charts/demo", "charts/damo", "TL1120"),
        (source, "  name: demo", "  name: dama", "TL1121"),
        (secret, "name: vault", "name: volt", "TL1120"),
        (secret, "refreshInterval: 1h", "refreshInterval: 2h", "TL1120"),
        (secret, "secretKey: token", "secretKey: tokens", "TL1122"),
        (secret, "property: token", "property: tokens", "TL1122"),
        (applied, "path: ./out/dev", "path: ./out/prod", "TL1120"),
        (applied, "prune: true", "prune: false", "TL1120"),
        (applied, "- name: operators", "- name: operator", "TL1120"),
        ("kustomization.yaml", "- demo/flux/namespace.yaml\n", "", "TL1121"),
        ("kustomization.yaml", "flux/namespace.yaml", "flux/namespaces.yaml", "TL1121"),
        ("kustomization.yaml", "demo/helm/values.yaml", "demo/helm/value.yaml", "TL1121"),
        ("kustomization.yaml", "substitute: disabled", "substitute: enabled", "TL1120"),
    ];
    for (path, from, to, code) in cases {
        let found = found(|files| replaced(files, path, from, to));
        assert_eq!(found, BTreeSet::from([code]), "{path}: {from}");
    }
}

#[test]
fn a_chart_of_the_project_comes_with_the_environment() {
    let stack = STACK.replace("\"oci\" url=\"oci://registry.example/charts\"", "\"project\"");
    assert_eq!(
        found_of(&stack, |files| assert!(files.iter().all(|file| !file.path.contains("source-")))),
        BTreeSet::new()
    );
    let cases = [
        ("./out/charts/demo-1.4.2", "./out/charts/demo"),
        ("reconcileStrategy: Revision", "reconcileStrategy: ChartVersion"),
        ("kind: GitRepository", "kind: Bucket"),
        ("name: flux-system", "name: flux"),
        ("namespace: flux-system", "namespace: demo"),
    ];
    for (from, to) in cases {
        let found = found_of(&stack, |files| replaced(files, "demo/flux/release-demo.yaml", from, to));
        assert_eq!(found, BTreeSet::from(["TL1120"]), "{from}");
    }
}

#[test]
fn a_file_that_is_missing_or_there_twice_is_found() {
    for path in ["demo/flux/source-demo.yaml", "flux-kustomization.yaml", "demo/flux/external-secret-demo-api.yaml"] {
        let found = found(|files| files.retain(|file| file.path != path));
        assert_eq!(found, BTreeSet::from(["TL1121"]), "{path}");
    }
    let found = found(|files| {
        let twin = files.iter().find(|file| file.path == "demo/flux/namespace.yaml").cloned();
        files.extend(twin.map(|twin| File { path: "demo/flux/other.yaml".to_owned(), ..twin }));
        replaced(files, "kustomization.yaml", "resources:\n", "resources:\n- demo/flux/other.yaml\n");
    });
    assert_eq!(found, BTreeSet::from(["TL1034"]));
}
