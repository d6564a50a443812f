//! What a chart's `Chart.yaml` says: its name, its version, the charts that it needs.

use crate::read::{Node, foreign};

/// A chart's `Chart.yaml`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chart {
    /// The chart's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The names of the charts that have to lie in its folder `charts/`, in the order written.
    pub needs: Vec<String>,
}

impl Chart {
    /// Reads the text of a `Chart.yaml`.
    ///
    /// # Errors
    /// It is no YAML, or has no name or version.
    pub fn read(text: &str) -> Result<Chart, String> {
        let documents = foreign::documents(text).map_err(|error| format!("line {}: {}", error.line, error.message))?;
        let first = documents.first();
        let of = |node: Option<&Node<'_>>, key: &str| {
            let found = node.and_then(|node| node.get(key)).and_then(Node::as_str);
            found.map(str::to_owned).ok_or_else(|| format!("it has no `{key}` that is text"))
        };
        let needs = first.and_then(|first| first.get("dependencies")).map_or(&[][..], Node::items);
        let needs = needs.iter().filter_map(|node| of(Some(node), "name").ok());
        Ok(Chart { name: of(first, "name")?, version: of(first, "version")?, needs: needs.collect() })
    }

    /// The first chart that it needs and that is not among these names of files and folders in `charts/`: a folder of
    /// its name, or an archive `NAME-VERSION.tgz`.
    #[must_use]
    pub fn missing<'c>(&'c self, present: &[String]) -> Option<&'c str> {
        let is_there = |name: &str| {
            present.iter().any(|file| {
                let archived = file.strip_suffix(".tgz").and_then(|file| file.strip_prefix(name));
                file == name || archived.is_some_and(|rest| rest.starts_with('-'))
            })
        };
        self.needs.iter().find(|name| !is_there(name)).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_says_its_name_and_what_it_needs() {
        let text = "apiVersion: v2\nname: a\nversion: 1.2.3\ndependencies:\n- name: db\n  version: 1\n- name: cache\n";
        let chart = Chart::read(text).expect("a chart");
        assert_eq!((chart.name.as_str(), chart.version.as_str()), ("a", "1.2.3"));
        let missing = |present: &[&str]| {
            let present: Vec<String> = present.iter().map(|name| (*name).to_owned()).collect();
            chart.missing(&present).map(str::to_owned)
        };
        assert_eq!(missing(&["db", "cache-1.0.0.tgz"]), None);
        assert_eq!(missing(&["db"]).as_deref(), Some("cache"));
        assert_eq!(missing(&["database", "db.tgz", "cache"]).as_deref(), Some("db"));
    }

    #[test]
    fn what_is_no_chart_is_said() {
        assert!(Chart::read("name: [").is_err());
        assert_eq!(Chart::read("name: a\n"), Err("it has no `version` that is text".to_owned()));
        assert!(Chart::read("").is_err());
    }
}
