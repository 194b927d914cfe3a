#!/usr/bin/env bash
# Run one Flink workload (builds on demand). See README.md for the definitions.
#   ./run.sh WORKLOAD [key=value ...]
# WORKLOAD: map-chain rebalance keyed-sum window window-pojo-strings wordcount interval-join
#           window-join process-state async state32 latency one
# keys:     p=1 keys=10000 reuse=true secs=10 runs=3 warm=6 n=(records, else secs x warm-up rate)
#           type=tuple|pojo win=tumbling|sliding|session gap=20 gen=custom|datagen|seq
#           bt="100 ms" ckpt=1000 backend=hashmap|rocksdb incremental=false dir=target/checkpoints
#           latency only: rate=100000 lsecs=25 lwarm=8 idle=spin|park
# env:      HEAP=4g JAVA_OPTS=... LOCK=/path (flock it for the whole run)
set -euo pipefail
cd "$(dirname "$0")"
[ $# -ge 1 ] || { sed -n 2,10p "$0"; exit 2; }
# rebuild when a source is newer than the jar
if [ ! -f target/flink-bench.jar ] || [ -n "$(find src pom.xml -newer target/flink-bench.jar -print -quit)" ]; then
  mvn -q -B package >&2
fi
OPENS=(--add-opens=java.base/java.lang=ALL-UNNAMED --add-opens=java.base/java.util=ALL-UNNAMED
  --add-opens=java.base/java.util.concurrent=ALL-UNNAMED --add-opens=java.base/java.net=ALL-UNNAMED
  --add-opens=java.base/java.io=ALL-UNNAMED --add-opens=java.base/java.nio=ALL-UNNAMED
  --add-opens=java.base/java.lang.reflect=ALL-UNNAMED --add-opens=java.base/java.text=ALL-UNNAMED
  --add-opens=java.base/java.time=ALL-UNNAMED --add-opens=java.base/java.util.concurrent.atomic=ALL-UNNAMED
  --add-opens=java.base/java.util.concurrent.locks=ALL-UNNAMED --add-exports=java.base/sun.net.util=ALL-UNNAMED)
# shellcheck disable=SC2086
exec ${LOCK:+flock "$LOCK"} java -Xms"${HEAP:-4g}" -Xmx"${HEAP:-4g}" -XX:+UseG1GC ${JAVA_OPTS:-} "${OPENS[@]}" \
  -cp "target/flink-bench.jar:target/lib/*" bench.Bench "$@"
