# What the proofs need, installed below $cache, each in a folder that says its version. Sourced by `run`, and by `.ci/run`,
# whose tests use some of the same programs.
#
# Every function is quick where the thing is there, and fails, saying why, where it cannot be had.

helm4_version=4.2.4
helm3_version=3.21.4
kustomize_version=5.8.1

helm3="$cache/helm-$helm3_version/helm"
helm4="$cache/helm-$helm4_version/helm"
kustomize="$cache/kustomize-$kustomize_version/kustomize"

missing() {
    echo "MISSING $1: $2"
    return 1
}

# A copy of a list that is only there once its installation is complete.
current() { cmp -s "$1" "$2"; }

install_python() {
    local stamp="$cache/consumers-python/installed.txt"
    current "$here/requirements.txt" "$stamp" && return 0
    command -v python3 >/dev/null || { missing Python "python3 is not installed"; return 1; }
    rm -rf "$cache/consumers-python"
    python3 -m venv "$cache/consumers-python" || { missing Python "no virtual environment can be made"; return 1; }
    "$python" -m pip install --quiet --disable-pip-version-check --requirement "$here/requirements.txt" &&
        cp "$here/requirements.txt" "$stamp" || missing Python "its packages cannot be installed"
}

install_node() {
    local stamp="$CONSUMERS_NODE/installed.json"
    current "$here/package.json" "$stamp" && return 0
    command -v npm >/dev/null || { missing Node "npm is not installed"; return 1; }
    rm -rf "$CONSUMERS_NODE" && mkdir -p "$CONSUMERS_NODE" && cp "$here/package.json" "$CONSUMERS_NODE/"
    # Without a lock file: that would record where the packages came from.
    npm install --prefix "$CONSUMERS_NODE" --no-package-lock --no-fund --no-audit --loglevel=error &&
        cp "$here/package.json" "$stamp" || missing Node "its packages cannot be installed"
}

# The small programs beside this file. Go itself sees whether they are current.
install_go_programs() {
    command -v go >/dev/null || { missing Go "go is not installed"; return 1; }
    mkdir -p "$cache/consumers-go"
    (cd "$here" && GOFLAGS=-mod=readonly CGO_ENABLED=0 go build -o "$cache/consumers-go/" ./yaml ./shop) ||
        missing "Go programs" "they cannot be built"
}

# go_install PROGRAM PACKAGE: `go install` where the program is not there.
go_install() {
    [ -x "$1" ] && return 0
    command -v go >/dev/null || { missing Go "go is not installed, and $2 needs it"; return 1; }
    GOBIN="$(dirname "$1")" GOFLAGS=-mod=mod go install "$2" || missing "$(basename "$1")" "$2 cannot be installed"
}

install_helm() {
    go_install "$helm4" "helm.sh/helm/v4/cmd/helm@v$helm4_version" &&
        go_install "$helm3" "helm.sh/helm/v3/cmd/helm@v$helm3_version"
}

install_kustomize() { go_install "$kustomize" "sigs.k8s.io/kustomize/kustomize/v5@v$kustomize_version"; }

# debian_apt COMMAND…: apt with lists and a state of its own, and the mirror of this machine. What the machine has
# installed plays no part, and is not changed.
debian_apt() {
    local own="$cache/apt-$debian" mirror
    if [ ! -e "$own/updated" ]; then
        mirror="$(apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(CODENAME)' 'Created-By: Packages' |
            awk '$2 == "Debian" && $3 !~ /-/ { print $1; exit }')"
        [ -n "$mirror" ] || { missing Debian "apt has no mirror of Debian"; return 1; }
        rm -rf "$own" && mkdir -p "$own/lists/partial" "$own/archives/partial" && : >"$own/status"
        echo "deb $mirror $debian main" >"$own/sources.list"
    fi
    apt-get -qq -o "Dir::Etc::sourcelist=$own/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$own/lists" \
        -o "Dir::State::status=$own/status" -o "Dir::Cache=$own" -o APT::Install-Recommends=0 \
        -o "APT::Sandbox::User=$(id -un)" -o Debug::NoLocking=1 "$@"
}

# debian_download FOLDER PACKAGE…: the packages as files in a folder.
debian_download() {
    local folder="$1"
    shift
    command -v apt-get >/dev/null || { missing "$*" "there is no apt-get"; return 1; }
    [ -e "$cache/apt-$debian/updated" ] || debian_apt update || return 1
    : >"$cache/apt-$debian/updated"
    mkdir -p "$folder"
    (cd "$folder" && debian_apt download "$@")
}

# debian_closure PACKAGE…: the names of the packages and of all that they depend on.
debian_closure() { debian_apt --simulate install "$@" | awk '/^Inst / { print $2 }'; }

install_compose() {
    [ -x "$compose" ] && return 0
    local folder="$scratch/compose"
    debian_download "$folder" "docker-compose=$compose_version-*" &&
        dpkg -x "$folder"/docker-compose_*.deb "$folder/unpacked" && mkdir -p "$(dirname "$compose")" &&
        cp "$folder/unpacked/usr/libexec/docker/cli-plugins/docker-compose" "$compose" ||
        missing "Docker Compose" "Debian's package cannot be unpacked"
}

install_clients() {
    [ -e "$clients/complete" ] && return 0
    command -v npm >/dev/null || { missing Node "npm is not installed"; return 1; }
    mkdir -p "$clients"
    npm install --prefix "$clients" --no-package-lock --no-fund --no-audit --loglevel=error \
        "opencode-ai@$opencode_version" "@modelcontextprotocol/inspector@$inspector_version" &&
        : >"$clients/complete" || missing "OpenCode and the MCP inspector" "they cannot be installed"
}
