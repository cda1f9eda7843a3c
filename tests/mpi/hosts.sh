# Hosts on this machine, to be sourced: network namespaces with a link of 1 Gb/s each, and what Open MPI has to be told
# to start ranks there (Open MPI 4). It takes root. Sets `hosts`, `folder` and `mpirun`; everything goes at the end of the shell.
# shellcheck shell=bash

export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
readonly address=10.213.77 bridge=rncl$$
hosts=()
folder=$(mktemp -d /tmp/rncl-hosts-XXXXXX)

# Why there can be none, if so.
missing_for_hosts() {
    local tool
    [[ $(id -u) -eq 0 ]] || { echo "it takes root"; return; }
    for tool in ip tc unshare mpirun; do
        command -v "$tool" >/dev/null || { echo "there is no $tool"; return; }
    done
    mpirun --version 2>/dev/null | grep -q "(Open MPI) 4" || { echo "only Open MPI 4 is told how to reach the hosts"; return; }
    { ip netns add "$bridge" && ip netns exec "$bridge" true; } 2>/dev/null || echo "there are no network namespaces"
    ip netns del "$bridge" 2>/dev/null
}

members() {
    local host
    for host in "${hosts[@]}"; do
        ip netns pids "$host" 2>/dev/null
    done
}

remove_hosts() {
    local host pids
    mapfile -t pids < <(members)
    [[ ${#pids[@]} -eq 0 ]] || kill -KILL "${pids[@]}" 2>/dev/null
    for host in "${hosts[@]}" "$bridge"; do
        ip netns del "$host" 2>/dev/null
    done
    rm -rf "$folder"
}

# make_hosts COUNT RANKS-EACH: a namespace each, and one more for the switch between them.
make_hosts() {
    local i host list=
    ip netns add "$bridge" && ip -n "$bridge" link add switch type bridge &&
        ip -n "$bridge" link set switch up || return
    for ((i = 1; i <= $1; i++)); do
        host=rncl$$-$i
        hosts+=("$host")
        ip netns add "$host" && ip link add wire netns "$host" type veth peer name "port$i" netns "$bridge" &&
            ip -n "$bridge" link set "port$i" master switch up && ip -n "$host" link set lo up &&
            ip -n "$host" addr add "$address.$i/24" dev wire && ip -n "$host" link set wire up &&
            tc -n "$host" qdisc add dev wire root tbf rate 1gbit burst 256k latency 50ms || return
        list+=${list:+,}$address.$i:$2
    done
    # What mpirun starts on another host: AGENT ADDRESS COMMAND...
    cat >"$folder/agent" <<EOF
#!/bin/bash
host=rncl$$-\${1##*.}
shift
exec ip netns exec \$host unshare --uts bash -c "hostname \$host; \$*"
EOF
    chmod +x "$folder/agent"
    mpirun=("$folder/agent" "$address.1" exec mpirun --host "$list" --bind-to none --mca plm_rsh_agent "$folder/agent"
        --mca btl_tcp_if_include wire --mca oob_tcp_if_include wire)
}

trap remove_hosts EXIT
