#!/usr/bin/env bash
# Nexmark on real Flink, in one JVM (MiniCluster); builds on demand.
#   ./nexmark.sh q=q5 n=10000000 parallelism=2 [warm=2500000] [api=datastream] [rate=10000] [minibatch=on]
#                [state=rocksdb checkpoint-s=10]
#   MAIN=Golden ./nexmark.sh n=100000 q=q0,q1 out=golden.json [rows=DIR] [api=datastream]
#   MAIN=Dump ./nexmark.sh 100000 [RATE]      the events as canonical JSON lines
# q=source is the generator and watermarks alone, every event dropped by a filter. Any Flink option may be given as
# key=value (a key with a dot). Without api=datastream it runs sql/qN.sql.
# env: HEAP=4g JAVA_OPTS=...
set -euo pipefail
cd "$(dirname "$0")"
[ $# -ge 1 ] || { sed -n 2,10p "$0"; exit 2; }
if [ ! -f target/flink-bench.jar ] || [ -n "$(find src pom.xml -newer target/flink-bench.jar -print -quit)" ]; then
  mvn -q -B package >&2
fi
OPENS=()
for p in java.lang java.util java.util.concurrent java.net java.nio java.time sun.net.util; do
  OPENS+=("--add-opens=java.base/$p=ALL-UNNAMED")
done
main=${MAIN:-Bench}
args=("$@")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
[ "$main" = Dump ] || args=("tmp=$tmp" "$@")
# shellcheck disable=SC2086
java "${OPENS[@]}" -Xms"${HEAP:-4g}" -Xmx"${HEAP:-4g}" -XX:+UseG1GC ${JAVA_OPTS:-} \
  -cp "target/flink-bench.jar:target/lib/*" "nexbench.$main" "${args[@]}"
