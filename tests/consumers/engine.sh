# An engine and images for `run --engine`: Debian's engine, unpacked and started with its data in the scratch folder, or, for who
# is not root, the one that answers; and images made of Debian's packages and of the program in `shop/`. Sourced by `run`.

engine_folder="$cache/engine"
# With `iptables`, which the engine calls within each container, so that names of services are answered there.
engine_packages=(docker.io containerd runc tini iptables libip4tc2 libip6tc2 libnfnetlink0 libnetfilter-conntrack3 libnftnl11
    libxtables12 libmnl0)
# The PostgreSQL and the cache of the images; of the release that $debian names.
database_packages=(postgresql-17 valkey-server valkey-tools dash coreutils)
# What those packages pull in and do not need to run: compilers of queries, and scripts around the programs.
unneeded='^(perl|libperl|libllvm|libz3|systemd|ssl-cert|ucf|debconf|cpp|gcc-[0-9]+-base|adduser|passwd)'

# The engine of the release that this machine runs, because it is linked against that one's libraries.
install_engine() {
    [ -e "$engine_folder/complete" ] && return 0
    local release package libraries name
    release="$(. /etc/os-release && echo "${VERSION_CODENAME:-}")"
    [ -n "$release" ] || { missing engine "the release of Debian is not known"; return 1; }
    debian="$release" debian_download "$scratch/engine" "${engine_packages[@]}" || { missing engine "no packages"; return 1; }
    rm -rf "$engine_folder" && mkdir -p "$engine_folder"
    for package in "$scratch"/engine/*.deb; do dpkg -x "$package" "$engine_folder" || return 1; done
    libraries="$(dirname "$(find "$engine_folder" -name 'libxtables.so.*' | head -n 1)")"
    mkdir -p "$engine_folder/bin"
    # The folders that Debian's own links would lead to are not where these files are.
    for name in iptables ip6tables; do
        printf '#!/bin/sh\nLD_LIBRARY_PATH=%s XTABLES_LIBDIR=%s/xtables exec %s %s "$@"\n' "$libraries" "$libraries" \
            "$engine_folder/usr/sbin/xtables-nft-multi" "$name" >"$engine_folder/bin/$name"
        chmod +x "$engine_folder/bin/$name"
    done
    : >"$engine_folder/complete"
}

engine_pid=""
made=()
# Starts an engine that nobody else uses; the machine's packet filter and its bridge are left alone.
start_engine() {
    export PATH="$PATH:$engine_folder/usr/sbin:$engine_folder/usr/bin:$engine_folder/bin"
    if [ "$(id -u)" -ne 0 ]; then
        docker info >/dev/null 2>&1 || { echo "no engine answers, and starting one takes root"; return 1; }
        return 0
    fi
    local own="$scratch/dockerd" driver
    mkdir -p "$own"
    export DOCKER_HOST="unix://$own/docker.sock"
    for driver in overlay2 vfs; do
        dockerd --host "$DOCKER_HOST" --data-root "$own/data" --exec-root "$own/exec" --pidfile "$own/pid" \
            --storage-driver "$driver" --bridge=none --iptables=false --ip6tables=false --ip-masq=false >"$own/log-$driver" 2>&1 &
        engine_pid=$!
        for _ in $(seq 60); do
            docker info >/dev/null 2>&1 && return 0
            kill -0 "$engine_pid" 2>/dev/null || break
            sleep 0.5
        done
        stop_engine
        tail -n 5 "$own/log-$driver"
    done
    echo "the engine does not start"
    return 1
}

# Ends the engine that was started; from another one, takes the images that were made.
stop_engine() {
    if [ -z "$engine_pid" ]; then
        [ "${#made[@]}" -eq 0 ] || docker rmi "${made[@]}" >/dev/null
        return 0
    fi
    kill "$engine_pid" 2>/dev/null
    wait "$engine_pid" 2>/dev/null
    engine_pid=""
}

# The files of an image with PostgreSQL and Valkey, unpacked and not installed: nothing in it runs before its programs do.
install_database_root() {
    local root="$cache/database-root" folder="$scratch/database" name
    [ -e "$root.complete" ] && return 0
    rm -rf "$root" && mkdir -p "$root"/usr/{bin,sbin,lib,lib64} "$root"/{tmp,etc,data,var/lib/postgresql/data,run}
    for name in bin sbin lib lib64; do ln -s "usr/$name" "$root/$name"; done
    ln -s ../run "$root/var/run"
    debian_download "$folder" $(debian_closure "${database_packages[@]}" | grep -vE "$unneeded") || return 1
    for name in "$folder"/*.deb; do dpkg --fsys-tarfile "$name" | tar -x -C "$root" --keep-directory-symlink || return 1; done
    rm -rf "$root"/usr/share/{doc,man,locale,lintian}
    ln -sf dash "$root/usr/bin/sh"
    printf 'root:x:0:0::/:/bin/sh\nstore:x:999:999::/data:/bin/sh\n' >"$root/etc/passwd"
    printf 'root:x:0:\nstore:x:999:\n' >"$root/etc/group"
    chmod 1777 "$root/tmp"
    : >"$root.complete"
}

# import_image NAME ROOT CHANGE…: a folder as an image, where there is none of this name.
import_image() {
    local name="$1" root="$2" change changes=()
    shift 2
    docker image inspect "$name" >/dev/null 2>&1 && return 0
    made+=("$name")
    for change in "$@"; do changes+=(--change "$change"); done
    tar -C "$root" --numeric-owner -c . | docker import "${changes[@]}" - "$name" >/dev/null
}

# Images under the names that the Compose file has.
make_images() {
    local own="$scratch/shop-root" name
    mkdir -p "$own/bin" "$own/etc/shop" "$own/tmp"
    cp "$cache/consumers-go/shop" "$own/bin/api"
    for name in web celery alembic python3 wget; do ln -s api "$own/bin/$name"; done
    import_image ghcr.io/acme/shop-api:1.4.2 "$own" 'ENV PATH=/bin' 'ENTRYPOINT ["api"]' &&
        import_image ghcr.io/acme/shop-web:1.4.2 "$own" 'ENV PATH=/bin' 'ENTRYPOINT ["web"]' || return 1
    cp "$cache/consumers-go/shop" "$cache/database-root/usr/bin/database"
    chown -R 999:999 "$cache/database-root/data" "$cache/database-root/var/lib/postgresql"
    import_image postgres:17.6-bookworm "$cache/database-root" \
        'ENV PATH=/usr/lib/postgresql/17/bin:/usr/bin' 'ENTRYPOINT ["database"]' &&
        import_image valkey/valkey:8.1.3 "$cache/database-root" 'ENV PATH=/usr/bin' 'WORKDIR /data'
}
