//! The words that an environment may write below `flux`; the table is [`WORDS`].
//!
//! Data only. The names are those of Flux' own fields, in the spelling of settings.
//! Never: what an environment says; that is `model`.
//! Invariant: each word stands behind the one that it stands below.

use crate::value::{self, Attributes, Raw, Value};

/// A row of the table of words below `flux`.
#[derive(Debug)]
pub struct Word {
    /// Its path below `flux`, such as `kustomization.interval`.
    pub path: &'static str,
    /// What is written there.
    pub of: WordKind,
    /// The words of the choice above it with which it may be written; none is always.
    pub with: &'static [&'static str],
    /// Whether it has to be written wherever it may be.
    pub required: bool,
    /// What it is where it is not written: a value of its type, or empty if it is computed or nothing.
    pub default: &'static str,
    /// What it is, in one sentence.
    pub about: &'static str,
}

/// What is written under a word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WordKind {
    /// Further words.
    Group,
    /// A value of this scalar type.
    Scalar(&'static str),
    /// One of these.
    Enum(&'static [&'static str]),
    /// Values of this scalar type.
    List(&'static str),
    /// One of these, with further words.
    Choice(&'static [&'static str]),
}

use WordKind::{Choice, Enum, Group, List, Scalar};

const fn word(path: &'static str, of: WordKind, default: &'static str, about: &'static str) -> Word {
    Word { path, of, with: &[], required: false, default, about }
}

const fn with(path: &'static str, of: WordKind, with: &'static [&'static str], about: &'static str) -> Word {
    Word { path, of, with, required: false, default: "", about }
}

/// The providers of secrets.
pub const PROVIDERS: &[&str] = &["existing", "sops", "external-secrets"];

/// Where a chart may lie.
pub const SOURCES: &[&str] = &["oci", "helm", "git"];

const EXTERNAL: &[&str] = &["external-secrets"];

/// All words, each behind the one that it stands below.
pub static WORDS: &[Word] = &[
    word(
        "namespace",
        Scalar("name"),
        "",
        "namespace of the release and of what stands beside it; the deployment's name",
    ),
    word(
        "interval",
        Scalar("duration"),
        "10m",
        "how often Flux compares the release, and looks at where its chart lies",
    ),
    word("timeout", Scalar("duration"), "10m", "how long an installation or an upgrade may take"),
    word(
        "retries",
        Scalar("int"),
        "3",
        "how often a failed installation or upgrade is tried again; an upgrade that fails for good is rolled back",
    ),
    word(
        "drift-detection",
        Enum(&["enabled", "warn", "disabled"]),
        "enabled",
        "what Flux does about objects of the release that somebody changed in the cluster",
    ),
    word(
        "service-account",
        Scalar("subdomain"),
        "",
        "account in the namespace that installs the release, instead of Flux' own",
    ),
    word(
        "kube-config",
        Scalar("secret"),
        "",
        "secret with the address of another cluster, into which the release is installed",
    ),
    word(
        "depends-on",
        List("string"),
        "",
        "what has to be ready before: deployments of this environment, or other releases as `NAMESPACE/NAME`",
    ),
    word(
        "source",
        Choice(SOURCES),
        "",
        "where the charts lie, if elsewhere than the stack says: a registry, a repository of charts, a Git repository",
    ),
    Word {
        required: true,
        ..with(
            "source.url",
            Scalar("url"),
            SOURCES,
            "its address; the chart's name follows behind it, in Git behind `path`",
        )
    },
    with("source.path", Scalar("string"), &["git"], "folder that the charts' folders lie in"),
    with("source.tag", Scalar("string"), &["git"], "the tag that is taken"),
    with("source.commit", Scalar("string"), &["git"], "the commit that is taken"),
    with("source.secret", Scalar("subdomain"), SOURCES, "secret in the namespace with the credentials for it"),
    word(
        "secrets",
        Choice(PROVIDERS),
        "existing",
        "who brings the secrets that are referred to: nobody here, files encrypted with SOPS, the External Secrets operator",
    ),
    Word {
        required: true,
        ..with("secrets.store", Scalar("subdomain"), EXTERNAL, "name of the store that the secrets are fetched from")
    },
    Word {
        default: "ClusterSecretStore",
        ..with("secrets.kind", Enum(&["ClusterSecretStore", "SecretStore"]), EXTERNAL, "kind of the store")
    },
    Word {
        default: "1h",
        ..with("secrets.refresh-interval", Scalar("duration"), EXTERNAL, "how often the secrets are fetched again")
    },
    with("secrets.prefix", Scalar("string"), EXTERNAL, "what stands in the store before the name of a secret"),
    Word {
        default: "property",
        ..with(
            "secrets.layout",
            Enum(&["property", "key"]),
            EXTERNAL,
            "how the store keeps `NAME/KEY`: as property `KEY` of the entry `NAME`, or as an entry `NAME-KEY`",
        )
    },
    with("secrets.also", List("secret"), EXTERNAL, "further secrets to fetch, which no setting refers to"),
    Word {
        default: "sops-age",
        ..with(
            "secrets.key",
            Scalar("subdomain"),
            &["sops"],
            "secret beside the Flux `Kustomization` that holds the key for decrypting",
        )
    },
    with(
        "secrets.files",
        Scalar("string"),
        &["sops"],
        "folder in the project with the encrypted files, a kustomize component; `secrets/ENV`",
    ),
    word("kustomization", Group, "", "the Flux `Kustomization` that applies the environment"),
    word("kustomization.name", Scalar("name"), "", "its name; that of the environment"),
    word("kustomization.namespace", Scalar("name"), "flux-system", "its namespace"),
    word("kustomization.interval", Scalar("duration"), "10m", "how often Flux applies the environment"),
    word("kustomization.retry-interval", Scalar("duration"), "2m", "when Flux tries again after a failure"),
    word(
        "kustomization.timeout",
        Scalar("duration"),
        "",
        "how long everything may take to become ready; as long as the releases one after another",
    ),
    word("kustomization.path", Scalar("string"), "", "folder of the output in the repository; `./out/ENV`"),
    word("kustomization.prune", Scalar("bool"), "true", "whether Flux deletes what is no longer in the environment"),
    word("kustomization.wait", Scalar("bool"), "true", "whether it is ready only when everything in it is"),
    word(
        "kustomization.depends-on",
        List("string"),
        "",
        "other `Kustomization`s that have to be ready before, such as that of the operators",
    ),
    word(
        "kustomization.service-account",
        Scalar("subdomain"),
        "",
        "account that applies the environment, instead of Flux' own",
    ),
    word(
        "kustomization.source",
        Choice(&["git", "oci", "bucket"]),
        "git",
        "what brings this repository into the cluster",
    ),
    Word {
        default: "flux-system",
        ..with("kustomization.source.name", Scalar("name"), &["git", "oci", "bucket"], "its name")
    },
    with(
        "kustomization.source.namespace",
        Scalar("name"),
        &["git", "oci", "bucket"],
        "its namespace, if another than that of the `Kustomization`",
    ),
];

impl Word {
    /// The row of this path.
    #[must_use]
    pub fn named(path: &str) -> Option<&'static Word> {
        WORDS.iter().find(|word| word.path == path)
    }

    /// Its last word.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.path.rsplit('.').next().unwrap_or(self.path)
    }

    /// The path of the word that it stands below; empty for none.
    #[must_use]
    pub fn parent(&self) -> &'static str {
        self.path.rsplit_once('.').map_or("", |(parent, _)| parent)
    }

    /// Its value where nobody writes one.
    #[must_use]
    pub fn default_value(&self) -> Option<Value> {
        if self.default.is_empty() {
            return None;
        }
        let (scalar, words): (&str, &[&str]) = match self.of {
            Scalar(name) => (name, &[]),
            Enum(words) | Choice(words) => ("enum", words),
            Group | List(_) => return None,
        };
        let raw = match scalar {
            "bool" => Raw::Bool(self.default == "true"),
            "int" => Raw::Integer(self.default.parse().ok()?),
            _ => Raw::String(self.default),
        };
        let attributes =
            Attributes { words: words.iter().map(|word| (*word).into()).collect(), ..Attributes::default() };
        value::parse(value::scalar(scalar)?, &raw, &attributes).ok()
    }
}
