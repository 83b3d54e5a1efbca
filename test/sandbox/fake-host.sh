# Runs a command on a "host" of its own: `unshare --net --mount --propagation private sh fake-host.sh NODE COMMAND...`. Its uplink leads to an
# "internet" with a public address and with addresses that no container may reach, each of which answers on port 8080 with the caller's address.
# HIDDEN names a program that this host is not to have.
set -e
node=$1; shift
mount -t tmpfs tmpfs /dev/net && mknod /dev/net/tun c 10 200 && chmod 666 /dev/net/tun
mkdir -p /run/netns
mount -t tmpfs tmpfs /run/netns
[ -z "$HIDDEN" ] || mount --bind /dev/null "$HIDDEN"
ip link set lo up
ip netns add internet
ip link add uplink type veth peer name internet netns internet
ip addr add 203.0.113.2/24 dev uplink
ip link set uplink up
ip route add default via 203.0.113.1
ip -n internet addr add 203.0.113.1/24 dev internet
ip -n internet link set internet up
ip -n internet link set lo up
for address in 198.51.100.7 10.99.0.1 169.254.169.254 192.168.77.1 172.16.9.9; do ip -n internet addr add $address/32 dev lo; done
ip netns exec internet "$node" -e 'require("net").createServer((c) => c.end(c.remoteAddress)).listen(8080, "0.0.0.0")' &
server=$!
status=0
"$@" || status=$?
kill $server
exit $status
