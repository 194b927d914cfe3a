#!/usr/bin/env python3
"""Standalone session cluster: start-up, submission, idle memory, recovery after kill -9 of a TaskManager.

  ./cluster.py startup [REPEATS]        both JVMs started together; ms to REST with slots; RSS; job submission
  ./cluster.py recovery [default|tuned] [KILLS]
  FLINK_LIB=DIR uses the jars of a real distribution's lib folder instead of target/lib.
Needs ./run.sh one (or mvn package) first. Everything is bound to 127.0.0.1; files go to target/cluster/.
"""
import json, os, shutil, signal, statistics, subprocess, sys, time, urllib.error, urllib.request, uuid

HERE = os.path.dirname(os.path.abspath(__file__))
RUN = os.path.join(HERE, "target", "cluster")
PORT = 18081
BASE = f"http://127.0.0.1:{PORT}"
JAR = os.path.join(HERE, "target", "flink-bench.jar")
OPENS = [f"--add-opens=java.base/{p}=ALL-UNNAMED" for p in
         ("java.lang java.util java.util.concurrent java.net java.io java.nio java.lang.reflect java.text "
          "java.time java.util.concurrent.atomic java.util.concurrent.locks").split()] + \
        ["--add-exports=java.base/sun.net.util=ALL-UNNAMED",
         "--add-exports=java.rmi/sun.rmi.registry=ALL-UNNAMED",
         "--add-exports=java.security.jgss/sun.security.krb5=ALL-UNNAMED"]
MB = 1024 * 1024
# exactly what the distribution's scripts compute from the default config (JM 1600m, TM 1728m, 1 slot)
JM_JVM = ["-Xmx1073741824", "-Xms1073741824", "-XX:MaxMetaspaceSize=268435456"]
TM_JVM = ["-XX:+UseG1GC", "-Xmx536870902", "-Xms536870902", "-XX:MaxDirectMemorySize=268435458",
          "-XX:MaxMetaspaceSize=268435456"]
JM_D = {"jobmanager.memory.off-heap.size": "134217728b", "jobmanager.memory.jvm-overhead.min": "201326592b",
        "jobmanager.memory.jvm-metaspace.size": "268435456b", "jobmanager.memory.heap.size": "1073741824b",
        "jobmanager.memory.jvm-overhead.max": "201326592b"}
TM_D = {"taskmanager.memory.network.min": "134217730b", "taskmanager.cpu.cores": "1.0",
        "taskmanager.memory.task.off-heap.size": "0b", "taskmanager.memory.jvm-metaspace.size": "268435456b",
        "external-resources": "none", "taskmanager.memory.jvm-overhead.min": "201326592b",
        "taskmanager.memory.framework.off-heap.size": "134217728b",
        "taskmanager.memory.network.max": "134217730b", "taskmanager.memory.framework.heap.size": "134217728b",
        "taskmanager.memory.managed.size": "536870920b", "taskmanager.memory.task.heap.size": "402653174b",
        "taskmanager.numberOfTaskSlots": "1", "taskmanager.memory.jvm-overhead.max": "201326592b"}
procs = []


def classpath():
    lib = os.environ.get("FLINK_LIB") or os.path.join(HERE, "target", "lib")
    return os.path.join(lib, "*")


def conf(extra=None):
    d = os.path.join(RUN, "conf")
    shutil.rmtree(RUN, ignore_errors=True)
    os.makedirs(d)
    c = {"jobmanager.rpc.address": "127.0.0.1", "jobmanager.rpc.port": "16123", "jobmanager.bind-host": "127.0.0.1",
         "rest.address": "127.0.0.1", "rest.bind-address": "127.0.0.1", "rest.port": str(PORT),
         "taskmanager.host": "127.0.0.1", "taskmanager.bind-host": "127.0.0.1",
         "parallelism.default": "1", "web.refresh-interval": "20 ms",
         "io.tmp.dirs": os.path.join(RUN, "tmp")}
    c.update(extra or {})
    with open(os.path.join(d, "config.yaml"), "w") as f:
        f.write("".join(f'{k}: "{v}"\n' for k, v in c.items()))
    with open(os.path.join(d, "log4j.properties"), "w") as f:
        f.write("rootLogger.level=INFO\nrootLogger.appenderRef.f.ref=F\nappender.f.name=F\nappender.f.type=FILE\n"
                "appender.f.fileName=${sys:log.file}\nappender.f.layout.type=PatternLayout\n"
                "appender.f.layout.pattern=%d{ISO8601} %-5p %c{1} %x - %m%n\n")
    os.makedirs(os.path.join(RUN, "tmp"))
    return d


def java(name, jvm, main, args, wait=False):
    d = os.path.join(RUN, "conf")
    cmd = ["java", *jvm, f"-Dlog.file={RUN}/{name}.log", f"-Dlog4j.configurationFile=file:{d}/log4j.properties",
           *OPENS, "-cp", classpath(), main, *args]
    env = dict(os.environ, FLINK_CONF_DIR=d)
    out = open(os.path.join(RUN, name + ".out"), "wb")
    p = subprocess.Popen(cmd, stdout=out, stderr=out, env=env, cwd=RUN, close_fds=True)
    if wait:
        p.wait()
        return p.returncode
    procs.append(p)
    return p


def dyn(d):
    r = []
    for k, v in d.items():
        r += ["-D", f"{k}={v}"]
    return r


def start_jm():
    return java("jm", JM_JVM, "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint",
                ["--configDir", os.path.join(RUN, "conf"), "--executionMode", "cluster", *dyn(JM_D)])


def start_tm(n, slots=1, heap=None):
    d, jvm = dict(TM_D, **{"taskmanager.numberOfTaskSlots": str(slots), "taskmanager.cpu.cores": f"{slots}.0"}), list(TM_JVM)
    d["taskmanager.resource-id"] = f"tm{n}"
    if heap:
        d["taskmanager.memory.task.heap.size"] = f"{heap - 128 * MB}b"
        jvm = [f"-Xmx{heap}" if a.startswith("-Xmx") else f"-Xms{heap}" if a.startswith("-Xms") else a for a in jvm]
    return java(f"tm{n}", jvm, "org.apache.flink.runtime.taskexecutor.TaskManagerRunner",
                ["--configDir", os.path.join(RUN, "conf"), *dyn(d)])


def get(path, timeout=30):
    with urllib.request.urlopen(BASE + path, timeout=timeout) as r:
        return json.load(r)


def post(path, body, ctype="application/json"):
    try:
        return post0(path, body, ctype)
    except urllib.error.HTTPError as e:
        raise SystemExit(f"{path}: {e.code} {e.read().decode()[:600]}")


def post0(path, body, ctype):
    q = urllib.request.Request(BASE + path, data=body, headers={"Content-Type": ctype}, method="POST")
    with urllib.request.urlopen(q, timeout=60) as r:
        return json.load(r)


def wait_slots(n, t0, limit=float(os.environ.get("SLOT_LIMIT_S", "90"))):
    rest = None
    while time.time() - t0 < limit:
        try:
            o = get("/overview", 1)
            rest = rest or (time.time() - t0) * 1e3
            if o["slots-available"] >= n:
                return rest, (time.time() - t0) * 1e3
        except OSError:
            pass
        time.sleep(0.005)
    raise SystemExit("no slots within the limit; see target/cluster/*.log")


def upload():
    b = uuid.uuid4().hex
    data = open(JAR, "rb").read()
    body = (f'--{b}\r\nContent-Disposition: form-data; name="jarfile"; filename="flink-bench.jar"\r\n'
            "Content-Type: application/x-java-archive\r\n\r\n").encode() + data + f"\r\n--{b}--\r\n".encode()
    return os.path.basename(post("/jars/upload", body, f"multipart/form-data; boundary={b}")["filename"])


def run_jar(jar, args):
    return post(f"/jars/{jar}/run", json.dumps({"entryClass": "bench.ClusterJobs", "programArgsList": args}).encode())["jobid"]


def rss(p):
    for line in open(f"/proc/{p.pid}/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024


def stop_all():
    for p in procs:
        if p.poll() is None:
            p.send_signal(signal.SIGKILL)
            p.wait()
    procs.clear()


def med(v):
    return f"min {min(v):.0f} med {statistics.median(v):.0f} max {max(v):.0f} ms (n={len(v)})"


def startup(n):
    a, b = [], []
    for k in range(n):
        conf()
        t0 = time.time()
        jm, tm = start_jm(), start_tm(1)
        r, s = wait_slots(1, t0)
        a.append(r)
        b.append(s)
        if k < n - 1:
            stop_all()
            time.sleep(1)
    print(f"RESULT startup lib={'dist' if os.environ.get('FLINK_LIB') else 'maven'} | REST answers {med(a)} | slot available {med(b)}")
    time.sleep(8)
    print(f"RESULT idle RSS after 8 s | JM {rss(jm):.0f} MiB | TM {rss(tm):.0f} MiB")
    jar = upload()
    first, later, dur = None, [], []
    for k in range(12):
        t0 = time.time()
        j = run_jar(jar, ["job=tiny"])
        ret = time.time()
        while True:
            x = get(f"/jobs/{j}")
            if x["state"] == "FINISHED":
                break
            if x["state"] == "FAILED":
                raise SystemExit("tiny job failed")
            time.sleep(0.003)
        ms = (time.time() - t0) * 1e3
        if first is None:
            first = ms
            fd = x["duration"]
        else:
            later.append(ms)
            dur.append(x["duration"])
    print(f"RESULT tiny job by REST jar run to FINISHED | first {first:.0f} ms (job's own duration {fd}) | later {med(later)} | job's own duration {med(dur)}")
    cli = []
    for k in range(4):
        t0 = time.time()
        rc = java(f"cli{k}", ["-Xmx256m"], "org.apache.flink.client.cli.CliFrontend",
                  ["run", "-c", "bench.ClusterJobs", JAR, "job=tiny"], wait=True)
        cli.append((time.time() - t0) * 1e3)
        if rc:
            raise SystemExit("CLI failed, see target/cluster/cli*.out")
    print(f"RESULT tiny job by CliFrontend run, process start to exit | {med(cli)}")
    print(f"RESULT RSS after 16 tiny jobs | JM {rss(jm):.0f} MiB | TM {rss(tm):.0f} MiB")


def tasks(job):
    x = get(f"/jobs/{job}", 5)
    run = all(v["tasks"]["RUNNING"] == v["parallelism"] for v in x["vertices"])
    return x["state"], run


def recovery(mode, kills):
    extra = {"taskmanager.load-balance.mode": "SLOTS", "restart-strategy.type": "fixed-delay",
             "restart-strategy.fixed-delay.delay": "0 s", "restart-strategy.fixed-delay.attempts": "2147483647",
             "state.backend.type": "hashmap", "execution.checkpointing.storage": "filesystem",
             "execution.checkpointing.dir": "file://" + os.path.join(RUN, "ckpt"),
             "parallelism.default": "2", "web.exception-history-size": "10000"}
    if mode == "tuned":
        extra.update({"heartbeat.interval": "500 ms", "heartbeat.timeout": "3 s"})
    conf(extra)
    t0 = time.time()
    start_jm()
    tm = {f"tm{n}": start_tm(n, 2, 1024 * MB) for n in (1, 2)}
    wait_slots(4, t0)
    job = run_jar(upload(), ["job=state", "keys=1000000", "rate=300000", "ckpt=2000", "p=2"])
    res = []
    for k in range(kills):
        t1 = time.time()
        while True:
            time.sleep(0.5)
            c = get(f"/jobs/{job}/checkpoints")["latest"]["completed"]
            if c and c["state_size"] > 36.5e6 and time.time() - t1 > 12:
                break
            if time.time() - t1 > float(os.environ.get("STATE_LIMIT_S", "90")):
                raise SystemExit(f"state not built: {c and c['state_size']}")
        print(f"# last checkpoint: {c['state_size'] / 1e6:.1f} MB, {c['end_to_end_duration']} ms, age {time.time() - c['latest_ack_timestamp'] / 1e3:.2f} s")
        x = get(f"/jobs/{job}")
        used = set()
        for v in x["vertices"]:
            for st in get(f"/jobs/{job}/vertices/{v['id']}")["subtasks"]:
                used.add(st.get("taskmanager-id"))
        victim = sorted(used & set(tm))[-1]
        print(f"# tasks on {sorted(used)}, killing {victim}")
        cp0 = c["id"]
        p = tm.pop(victim)
        tk = time.time()
        p.send_signal(signal.SIGKILL)
        p.wait()
        was, first_bad, last_up, ups = True, None, None, 0
        while time.time() - tk < (75 if mode == "default" else 20):
            try:
                st, ok = tasks(job)
                ok = ok and st == "RUNNING"
            except OSError:
                continue
            now = (time.time() - tk) * 1e3
            if was and not ok and first_bad is None:
                first_bad = now
            if not was and ok:
                last_up, ups = now, ups + 1
            was = ok
            time.sleep(0.01)
        ex = get(f"/jobs/{job}/exceptions?maxExceptions=10000")["exceptionHistory"]["entries"]
        cs = get(f"/jobs/{job}/checkpoints")
        after = [h for h in cs["history"] if h["status"] == "COMPLETED" and h["latest_ack_timestamp"] / 1e3 > tk]
        nxt = min((h["latest_ack_timestamp"] / 1e3 - tk for h in after), default=float("nan"))
        restores = cs["counts"]["restored"]
        names = {}
        for e in ex:
            if e["timestamp"] / 1e3 >= tk - 0.1:
                nm = (e["exceptionName"] or "?").rsplit(".", 1)[-1]
                names[nm] = names.get(nm, 0) + 1
        print(f"RESULT recovery {mode} kill {k + 1} | failure seen after {first_bad and round(first_bad)} ms | all RUNNING again (last time) after {last_up and round(last_up)} ms | "
              f"times up {ups} | failures after the kill {names} | restored checkpoints so far {restores} | still running {was}")
        first = [(round(e["timestamp"] - tk * 1e3), (e["exceptionName"] or "?").rsplit(".", 1)[-1], (e["stacktrace"] or "").split("\n")[0][-160:]) for e in ex if e["timestamp"] / 1e3 >= tk - 0.1]
        first.sort()
        for f in first[:2] + first[-2:]:
            print("#  ", f)
        res.append(last_up)
        if k < kills - 1:
            n = 10 + k
            tm[f"tm{n}"] = start_tm(n, 2, 1024 * MB)
            time.sleep(8)
            # spread over two TMs again: stop the job and submit a new one, which builds its state anew
            post(f"/jobs/{job}/stop", b'{"drain": false, "targetDirectory": "file://%s"}' % os.path.join(RUN, "sp").encode())
            time.sleep(6)
            job = run_jar(get("/jars")["files"][0]["id"], ["job=state", "keys=1000000", "rate=300000", "ckpt=2000", "p=2"])
    print(f"RESULT recovery {mode} | {med([r for r in res if r])}")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *a: sys.exit(143))
    try:
        if len(sys.argv) > 1 and sys.argv[1] == "startup":
            startup(int(sys.argv[2]) if len(sys.argv) > 2 else 5)
        elif len(sys.argv) > 1 and sys.argv[1] == "recovery":
            recovery(sys.argv[2] if len(sys.argv) > 2 else "default", int(sys.argv[3]) if len(sys.argv) > 3 else 1)
        else:
            print(__doc__)
            sys.exit(2)
    finally:
        stop_all()
