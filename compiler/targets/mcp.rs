//! MCP servers, as their clients want them told; the table of clients is [`CLIENTS`].
//!
//! In: the servers of a deployment and the clients that are asked for. Out: `mcp/FILE` in JSON, one per client.
//! Never: where a client looks for its file; that is the user's choice.
//! Invariant: a secret stands in no file, only the client's own reference to it.

use std::cell::RefCell;

use indexmap::IndexMap;
use smol_str::SmolStr;

use super::{
    Addresses, File,
    node::{Entries, Node},
    words::Speaker,
};
use crate::{
    emit::Output,
    plan::{Deployment, Format, Leaf, Mcp, Plan, Server},
    value::{Link, SecretRef, secret_variable},
};

/// A row of the table of clients.
pub struct Client {
    /// Its name, as a stack asks for it.
    pub name: &'static str,
    /// Its file below `mcp/`.
    pub file: &'static str,
    /// Which programs read it.
    pub about: &'static str,
    /// Whether it gets a file where no client is named.
    usual: bool,
    write: for<'p> fn(&'p Mcp, &Addresses) -> Node<'p>,
}

/// All clients, by name.
pub static CLIENTS: &[Client] = &[
    Client {
        name: "mcp-servers",
        file: "mcp.json",
        about: "Claude Code and Desktop, Cursor, MCP Inspector: `mcpServers`",
        usual: true,
        write: mcp_servers,
    },
    Client { name: "opencode", file: "opencode.json", about: "OpenCode: `mcp`", usual: true, write: opencode },
    Client {
        name: "opencode-legacy",
        file: "opencode-legacy.json",
        about: "what reads the first shape of OpenCode's file: `mcpServers` with `transport`",
        usual: false,
        write: opencode_legacy,
    },
    Client {
        name: "opencode-v2",
        file: "opencode-v2.json",
        about: "OpenCode 2: `mcp.servers`",
        usual: false,
        write: opencode_v2,
    },
    Client { name: "vscode", file: "vscode.json", about: "Visual Studio Code: `servers`", usual: true, write: vscode },
];

/// One file per client that is asked for.
pub(super) fn emit(_: &Plan, deployment: &Deployment, _: &[File]) -> Vec<File> {
    let Some(mcp) = &deployment.mcp else { return Vec::new() };
    let addresses = Addresses::of_compose(deployment);
    let is_asked = |client: &&Client| match mcp.clients.as_slice() {
        [] => client.usual,
        names => names.iter().any(|name| **name == *client.name),
    };
    let asked = CLIENTS.iter().filter(is_asked);
    let file = |client: &Client| {
        let path = format!("{}/mcp/{}", deployment.name, client.file);
        File::of(path, Format::Json, (client.write)(mcp, &addresses), "")
    };
    asked.map(file).collect()
}

fn opencode<'p>(mcp: &'p Mcp, addresses: &Addresses) -> Node<'p> {
    opencode_file(opencode_servers(mcp, addresses))
}

fn opencode_v2<'p>(mcp: &'p Mcp, addresses: &Addresses) -> Node<'p> {
    let mut inner = Entries::default();
    inner.put("servers", opencode_servers(mcp, addresses));
    opencode_file(inner)
}

fn opencode_file(servers: Entries<'_>) -> Node<'_> {
    let mut root = Entries::default();
    root.put("$schema", Node::word("https://opencode.ai/config.json"));
    root.put("mcp", servers);
    root.into()
}

fn opencode_servers<'p>(mcp: &'p Mcp, addresses: &Addresses) -> Entries<'p> {
    let words = of_opencode(addresses);
    let mut servers = Entries::default();
    for (name, server) in &mcp.servers {
        let mut entry = Entries::default();
        entry.put("type", Node::word(if server.url.is_some() { "remote" } else { "local" }));
        match &server.url {
            Some(url) => remote(&mut entry, url, server, &words),
            None => {
                entry.put("command", Node::texts(&server.command, &words));
                entry.unless_empty("environment", texts(&server.environment, &words));
            }
        }
        entry.put("enabled", Node::Fixed(Output::Bool(true)));
        servers.put(name, entry);
    }
    servers
}

fn opencode_legacy<'p>(mcp: &'p Mcp, addresses: &Addresses) -> Node<'p> {
    let words = of_opencode(addresses);
    let mut servers = Entries::default();
    for (name, server) in &mcp.servers {
        let mut transport = Entries::default();
        transport.put("type", Node::word(if server.url.is_some() { "http" } else { "stdio" }));
        match &server.url {
            Some(url) => remote(&mut transport, url, server, &words),
            None => local(&mut transport, server, &words),
        }
        let mut entry = Entries::default();
        entry.put("transport", transport);
        servers.put(name, entry);
    }
    let mut root = Entries::default();
    root.put("mcpServers", servers);
    root.into()
}

fn of_opencode(addresses: &Addresses) -> Words<'_> {
    Words::new(addresses, |secret| format!("{{env:{}}}", secret_variable(secret)))
}

fn mcp_servers<'p>(mcp: &'p Mcp, addresses: &Addresses) -> Node<'p> {
    let words = Words::new(addresses, |secret| format!("${{{}}}", secret_variable(secret)));
    let mut servers = Entries::default();
    for (name, server) in &mcp.servers {
        let mut entry = Entries::default();
        match &server.url {
            Some(url) => {
                entry.put("type", Node::word("http"));
                remote(&mut entry, url, server, &words);
            }
            None => local(&mut entry, server, &words),
        }
        servers.put(name, entry);
    }
    let mut root = Entries::default();
    root.put("mcpServers", servers);
    root.into()
}

fn vscode<'p>(mcp: &'p Mcp, addresses: &Addresses) -> Node<'p> {
    let words = Words::new(addresses, |secret| format!("${{input:{}}}", secret_variable(secret)));
    let mut servers = Entries::default();
    for (name, server) in &mcp.servers {
        let mut entry = Entries::default();
        entry.put("type", Node::word(if server.url.is_some() { "http" } else { "stdio" }));
        match &server.url {
            Some(url) => remote(&mut entry, url, server, &words),
            None => local(&mut entry, server, &words),
        }
        servers.put(name, entry);
    }
    let mut root = Entries::default();
    root.unless_empty("inputs", Node::List(words.secrets.into_inner().iter().map(input).collect()));
    root.put("servers", servers);
    root.into()
}

/// What Visual Studio Code asks for once, and keeps.
fn input(secret: &SecretRef) -> Node<'static> {
    let about = format!("key {} of secret {}", secret.key, secret.name);
    Node::Fixed(Output::map([
        ("type", Output::string("promptString")),
        ("id", Output::string(secret_variable(secret))),
        ("description", Output::string(about)),
        ("password", Output::Bool(true)),
    ]))
}

fn remote<'p>(entry: &mut Entries<'p>, url: &'p Leaf, server: &'p Server, words: &Words) {
    entry.put("url", Node::text(url, words));
    entry.unless_empty("headers", texts(&server.headers, words));
}

fn local<'p>(entry: &mut Entries<'p>, server: &'p Server, words: &Words) {
    if let Some((program, arguments)) = server.command.split_first() {
        entry.put("command", Node::text(program, words));
        entry.put("args", Node::texts(arguments, words));
    }
    entry.unless_empty("env", texts(&server.environment, words));
}

fn texts<'p>(leaves: &'p IndexMap<SmolStr, Leaf>, words: &Words) -> Entries<'p> {
    let mut entries = Entries::default();
    for (key, leaf) in leaves {
        entries.add(key, Node::text(leaf, words));
    }
    entries
}

/// One client's references. Its plain texts stand as they are, `lower` refuses those that it would interpret.
struct Words<'a> {
    addresses: &'a Addresses,
    reference: fn(&SecretRef) -> String,
    secrets: RefCell<indexmap::IndexSet<SecretRef>>,
}

impl<'a> Words<'a> {
    fn new(addresses: &'a Addresses, reference: fn(&SecretRef) -> String) -> Words<'a> {
        Words { addresses, reference, secrets: RefCell::default() }
    }
}

impl Speaker for Words<'_> {
    fn literal(&self, text: &str) -> String {
        text.to_owned()
    }

    fn link(&self, link: &Link) -> String {
        self.addresses.text(link)
    }

    fn secret(&self, secret: &SecretRef) -> String {
        self.secrets.borrow_mut().insert(secret.clone());
        (self.reference)(secret)
    }
}
