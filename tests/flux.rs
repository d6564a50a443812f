//! What is written for Flux fits the types that Flux and the External Secrets operator publish, and `kustomize` makes
//! of it what was meant: objects that name each other, and the values of each release byte for byte.
//!
//! Tried on the committed environments and on the golden cases. `TRUELINE_KUSTOMIZE` names the program; without it the
//! one on the path is taken.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use k8s_openapi::api::{core::v1::Namespace, networking::v1::NetworkPolicy};
use kcr_external_secrets_io::v1::externalsecrets::ExternalSecret;
use kcr_helm_toolkit_fluxcd_io::v2::helmreleases::HelmRelease;
use kcr_kustomize_toolkit_fluxcd_io::v1::kustomizations::Kustomization;
use kcr_source_toolkit_fluxcd_io::v1::{
    gitrepositories::GitRepository, helmrepositories::HelmRepository, ocirepositories::OciRepository,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use trueline::{compile::Compiled, diag::Diags, diff, history};

use super::{
    golden,
    support::{compile, environments, failed, skipped},
};

/// Everything that compiles and is for Flux, by name.
fn compiled() -> Vec<(String, Compiled)> {
    let golden = golden::cases().into_iter().map(|case| (case.name, case.environment, case.text));
    let own = environments().into_iter().map(|(name, text)| (name.clone(), name, text));
    let all = own.chain(golden).map(|(name, environment, text)| (name, compile(&environment, &text)));
    let is_for_flux = |compiled: &Compiled| compiled.files.iter().any(|file| file.path == "kustomization.yaml");
    let found: Vec<_> = all.filter(|(_, compiled)| !failed(compiled) && is_for_flux(compiled)).collect();
    assert!(found.len() >= 4, "{}", found.len());
    found
}

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The paths of everything in `said` that is not in `kept`, or is otherwise there.
fn lost(said: &Value, kept: &Value, path: &str, found: &mut Vec<String>) {
    match (said, kept) {
        (Value::Object(said), Value::Object(kept)) => {
            for (key, value) in said {
                match kept.get(key) {
                    Some(other) => lost(value, other, &format!("{path}.{key}"), found),
                    None => found.push(format!("{path}.{key}")),
                }
            }
        }
        (Value::Array(said), Value::Array(kept)) if said.len() == kept.len() => {
            for (index, (value, other)) in said.iter().zip(kept).enumerate() {
                lost(value, other, &format!("{path}[{index}]"), found);
            }
        }
        _ if said == kept => {}
        _ => found.push(path.to_owned()),
    }
}

/// What a type makes of an object: the fields that it does not know.
fn through<T: DeserializeOwned + Serialize>(object: &Value) -> Result<Vec<String>, String> {
    let typed: T = serde_json::from_value(object.clone()).map_err(|error| error.to_string())?;
    let kept = serde_json::to_value(typed).map_err(|error| error.to_string())?;
    let mut found = Vec::new();
    lost(object, &kept, "", &mut found);
    Ok(found)
}

type Through = fn(&Value) -> Result<Vec<String>, String>;

/// The types, by version and kind.
const TYPES: &[(&str, &str, Through)] = &[
    ("external-secrets.io/v1", "ExternalSecret", through::<ExternalSecret>),
    ("helm.toolkit.fluxcd.io/v2", "HelmRelease", through::<HelmRelease>),
    ("kustomize.toolkit.fluxcd.io/v1", "Kustomization", through::<Kustomization>),
    ("networking.k8s.io/v1", "NetworkPolicy", through::<NetworkPolicy>),
    ("source.toolkit.fluxcd.io/v1", "GitRepository", through::<GitRepository>),
    ("source.toolkit.fluxcd.io/v1", "HelmRepository", through::<HelmRepository>),
    ("source.toolkit.fluxcd.io/v1", "OCIRepository", through::<OciRepository>),
    ("v1", "Namespace", through::<Namespace>),
];

fn check(object: &Value) -> Result<Vec<String>, String> {
    let is = |row: &&(&str, &str, Through)| object["apiVersion"] == row.0 && object["kind"] == row.1;
    let (_, _, through) = TYPES.iter().find(is).ok_or_else(|| format!("no type for {}", object["kind"]))?;
    through(object)
}

#[test]
fn objects_have_the_types_that_are_published() {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (name, compiled) in compiled() {
        for file in &compiled.files {
            let of_flux = file.path.split('/').nth(1) == Some("flux") || file.path == "flux-kustomization.yaml";
            if !of_flux {
                continue;
            }
            let object = yaml(std::str::from_utf8(&file.bytes).expect("files are UTF-8"));
            assert_eq!(check(&object), Ok(Vec::new()), "{name}/{}", file.path);
            *seen.entry(object["kind"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
        }
    }
    let kinds: Vec<&str> = TYPES.iter().map(|(_, kind, _)| *kind).collect();
    assert!(kinds.iter().all(|kind| seen.contains_key(*kind)), "some kind is in no case: {seen:?}");
}

#[test]
fn a_field_that_a_type_does_not_know_is_seen() {
    let release = |spec: Value| json!({ "apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "metadata": { "name": "a" }, "spec": spec });
    assert_eq!(check(&release(json!({ "interval": "1m" }))), Ok(vec![]));
    let wrong = release(json!({ "interval": "1m", "valuesFrm": [], "install": { "remediation": { "retry": 3 } } }));
    assert_eq!(check(&wrong), Ok(vec![".spec.valuesFrm".to_owned(), ".spec.install.remediation.retry".to_owned()]));
    assert!(check(&release(json!({ "interval": 1 }))).is_err());
    assert!(check(&json!({ "apiVersion": "v1", "kind": "Pod" })).is_err());
}

/// The program; none where it does not run.
fn kustomize() -> Option<String> {
    let program = std::env::var("TRUELINE_KUSTOMIZE").unwrap_or_else(|_| "kustomize".to_owned());
    let tried = Command::new(&program).arg("version").output();
    tried.is_ok_and(|output| output.status.success()).then_some(program)
}

/// The objects that are built of a folder.
fn build(program: &str, folder: &Path) -> Vec<Value> {
    let output = Command::new(program).arg("build").arg(folder).output().expect("kustomize runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", folder.display());
    let text = String::from_utf8(output.stdout).expect("what is built is UTF-8");
    text.split("\n---\n").map(|document| yaml(&format!("{}\n", document.trim_end_matches('\n')))).collect()
}

fn write(folder: &Path, files: impl IntoIterator<Item = (String, Vec<u8>)>) {
    for (path, bytes) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("the folder can be made");
        fs::write(path, bytes).expect("the file can be written");
    }
}

fn files(compiled: &Compiled) -> Vec<(String, Vec<u8>)> {
    compiled.files.iter().map(|file| (format!("out/env/{}", file.path), file.bytes.clone())).collect()
}

fn text<'v>(object: &'v Value, path: &str) -> &'v str {
    object.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

/// The values of a release in the cluster are the file, and the release names the map that they are in.
fn released(name: &str, release: &Value, objects: &[Value], compiled: &Compiled) {
    let from = release["spec"]["valuesFrom"].as_array().expect("a list");
    assert_eq!(from.len(), 1, "{name}");
    let map = objects.iter().find(|object| {
        object["kind"] == "ConfigMap"
            && text(object, "/metadata/name") == text(&from[0], "/name")
            && text(object, "/metadata/namespace") == text(release, "/metadata/namespace")
    });
    let map = map.unwrap_or_else(|| panic!("{name}: {} is not built", from[0]));
    assert_eq!(map["metadata"]["annotations"]["kustomize.toolkit.fluxcd.io/substitute"], "disabled", "{name}");
    let data = map["data"].as_object().expect("a map");
    assert_eq!(data.keys().collect::<Vec<_>>(), ["values.yaml"], "{name}");
    let values = data["values.yaml"].as_str().expect("a text").as_bytes();
    let path = values_of(text(release, "/spec/releaseName"), text(release, "/metadata/namespace"), compiled);
    let file = compiled.files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("{name}: no {path}"));
    assert!(file.bytes == values, "{name}: the values in the cluster are {path}, byte for byte");
}

/// The file of the values of a release: beside the folder of the one that says its name.
fn values_of(release: &str, namespace: &str, compiled: &Compiled) -> String {
    let is_it = |object: &Value| {
        object["kind"] == "HelmRelease"
            && text(object, "/spec/releaseName") == release
            && text(object, "/metadata/namespace") == namespace
    };
    let file = compiled.files.iter().find(|file| {
        file.path.contains("/flux/release-") && is_it(&yaml(std::str::from_utf8(&file.bytes).unwrap_or_default()))
    });
    let path = &file.expect("the release is in a file").path;
    let (deployment, name) = path.split_once("/flux/release-").expect("its name");
    // The main release is called as the stack, and has no other name for its file.
    let own = format!("{deployment}/helm/{}-values.yaml", name.trim_end_matches(".yaml"));
    let is_own = compiled.files.iter().any(|file| file.path == own);
    if is_own { own } else { format!("{deployment}/helm/values.yaml") }
}

#[test]
fn kustomize_builds_every_environment() {
    let Some(program) = kustomize() else {
        return skipped("flux::kustomize_builds_every_environment", "there is no `kustomize`");
    };
    for (name, compiled) in compiled() {
        let scratch = tempfile::tempdir().expect("a scratch folder");
        write(scratch.path(), files(&compiled));
        let objects = build(&program, &scratch.path().join("out/env"));
        let releases: Vec<&Value> = objects.iter().filter(|object| object["kind"] == "HelmRelease").collect();
        let written = compiled.files.iter().filter(|file| file.path.split('/').nth(1) == Some("flux")).count();
        assert_eq!(objects.len(), written + releases.len(), "{name}: all files, and a map for each release");
        assert!(!releases.is_empty(), "{name}");
        for release in releases {
            released(&name, release, &objects, &compiled);
        }
    }
}

#[test]
fn the_chart_of_the_stores_is_ready_before_the_one_that_connects_to_them() {
    let compiled = compiled();
    let (_, compiled) = compiled.iter().find(|(name, _)| name == "aeterna-chart-0-8").expect("it is for Flux");
    let object = |path: &str| {
        let file = compiled.files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("no {path}"));
        yaml(std::str::from_utf8(&file.bytes).expect("files are UTF-8"))
    };
    let stores = object("aeterna/flux/release-prereqs.yaml");
    let server = object("aeterna/flux/release-aeterna.yaml");
    assert_eq!(server["spec"]["dependsOn"], json!([{ "name": stores["metadata"]["name"] }]));
    assert_eq!(stores["spec"]["dependsOn"], Value::Null);
    for (release, chart) in [(&stores, "./charts/aeterna-prereqs"), (&server, "./charts/aeterna")] {
        assert_eq!(release["spec"]["chart"]["spec"]["chart"], chart);
    }
    // the operator makes this secret when it makes the database
    assert!(compiled.files.iter().all(|file| !file.path.contains("cnpg-app")), "it is not fetched");
    let commit = |source: &str| object(source)["spec"]["ref"]["commit"].clone();
    let (one, other) = (commit("aeterna/flux/source-prereqs.yaml"), commit("aeterna/flux/source-aeterna.yaml"));
    assert!(one.is_string() && one == other, "{one} {other}");
}

#[test]
fn what_is_said_of_flux_can_be_asked_for_and_compared() {
    let text = "environment \"env\" stack=\"aeterna\" { flux interval=\"5m\" { secrets \"external-secrets\" store=\"vault\" } }\n";
    let before = compile("env", text);
    let settings = &before.settings()["deployments"]["aeterna"]["settings"];
    let said = |word: &str| settings[format!("flux.{word}")].clone();
    let words = ["interval", "namespace", "secrets", "secrets.kind", "secrets.key", "kustomization.path"];
    let values = ["5m", "aeterna", "external-secrets", "ClusterSecretStore", "", "./out/env"];
    for (word, value) in words.into_iter().zip(values) {
        assert_eq!(said(word), if value.is_empty() { Value::Null } else { json!(value) }, "{word}");
    }
    let explained = before.explanations();
    let of = |path: &str| explained.iter().find(|found| found.path == path).expect("it is explained").clone();
    assert_eq!(
        (of("flux.interval").set_by.as_str(), of("flux.timeout").set_by.as_str()),
        ("environments/env.kdl", "default")
    );
    // another namespace begins with empty volumes
    let judged = |text: &str| {
        let (after, mut diags) = (compile("env", text), Diags::default());
        history::judge(&before.settings(), &after, &[], &mut diags);
        let paths = diff::settings(&before.settings(), &after.settings()).into_iter().map(|change| change.path);
        (paths.collect::<Vec<_>>(), diags.sorted().iter().map(|finding| finding.code.id).collect::<Vec<_>>())
    };
    assert_eq!(judged(&text.replace("5m", "7m")), (vec!["flux.interval".to_owned()], vec![]));
    let moved = text.replace("interval=", "namespace=\"memory\" interval=");
    assert_eq!(judged(&moved), (vec!["flux.namespace".to_owned()], vec!["TL0507"]));
}

#[test]
fn encrypted_files_are_built_with_the_environment() {
    let Some(program) = kustomize() else {
        return skipped("flux::encrypted_files_are_built_with_the_environment", "there is no `kustomize`");
    };
    let compiled = compile("env", "environment \"env\" stack=\"aeterna\" { flux { secrets \"sops\" } }\n");
    let find = |path: &str| {
        let file = compiled.files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("no {path}"));
        String::from_utf8(file.bytes.clone()).expect("files are UTF-8")
    };
    let applied = yaml(&find("flux-kustomization.yaml"));
    assert_eq!(applied["spec"]["decryption"], json!({ "provider": "sops", "secretRef": { "name": "sops-age" } }));
    let components = applied["spec"]["components"].as_array().expect("a list");
    let scratch = tempfile::tempdir().expect("a scratch folder");
    write(scratch.path(), files(&compiled));
    // what a person keeps beside `out/`
    let component = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [mail.yaml]\n";
    let secret =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: mail, namespace: aeterna}\nstringData: {password: x}\n";
    write(
        scratch.path(),
        [("secrets/env/kustomization.yaml", component), ("secrets/env/mail.yaml", secret)]
            .map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())),
    );
    // what Flux does with `spec.components`
    let folder = scratch.path().join("out/env");
    let alone = build(&program, &folder).len();
    let whole = format!("{}components: {}\n", find("kustomization.yaml"), Value::Array(components.clone()));
    fs::write(folder.join("kustomization.yaml"), whole).expect("the file can be written");
    let objects = build(&program, &folder);
    assert_eq!(objects.len(), alone + 1);
    assert!(objects.iter().any(|object| object["kind"] == "Secret" && object["metadata"]["name"] == "mail"));
}
