package bench;

import bench.Types2.Acc;
import bench.Types2.Ev;
import bench.Types2.KV;
import bench.Types2.UserEv;
import java.io.File;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.functions.FilterFunction;
import org.apache.flink.api.common.functions.FlatMapFunction;
import org.apache.flink.api.common.functions.JoinFunction;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.ReduceFunction;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeHint;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.api.java.tuple.Tuple3;
import org.apache.flink.api.java.tuple.Tuple4;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.connector.datagen.source.GeneratorFunction;
import org.apache.flink.runtime.checkpoint.AbstractCheckpointStats;
import org.apache.flink.runtime.checkpoint.CompletedCheckpointStats;
import org.apache.flink.runtime.checkpoint.CheckpointStatsSnapshot;
import org.apache.flink.runtime.checkpoint.SubtaskStateStats;
import org.apache.flink.runtime.checkpoint.TaskStateStats;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.streaming.api.datastream.AsyncDataStream;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.functions.async.AsyncFunction;
import org.apache.flink.streaming.api.functions.async.ResultFuture;
import org.apache.flink.streaming.api.functions.co.ProcessJoinFunction;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.streaming.api.windowing.assigners.EventTimeSessionWindows;
import org.apache.flink.streaming.api.windowing.assigners.SlidingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.assigners.WindowAssigner;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;

/** See README.md for the exact definition of every workload. */
public final class Bench {
    static final com.sun.management.OperatingSystemMXBean OS =
            (com.sun.management.OperatingSystemMXBean)
                    ManagementFactory.getOperatingSystemMXBean();

    static long cpuNanos() {
        return OS.getProcessCpuTime();
    }

    // ---- deterministic record content (easy to repeat in JavaScript with Math.imul) ----
    static int mix(int h) {
        h ^= h >>> 16;
        h *= 0x85ebca6b;
        h ^= h >>> 13;
        h *= 0xc2b2ae35;
        h ^= h >>> 16;
        return h;
    }

    static int key(long i, int keys) {
        return (int) (((mix((int) i) & 0xffffffffL) * keys) >>> 32);
    }

    static double val(long i) {
        return (i & 1023) * 0.5;
    }

    // ---- arguments ----
    static final Map<String, String> A = new HashMap<>();

    static int i(String k, int d) {
        return A.containsKey(k) ? Integer.parseInt(A.get(k).replace("_", "")) : d;
    }

    static String s(String k, String d) {
        return A.getOrDefault(k, d);
    }

    static boolean b(String k, boolean d) {
        return A.containsKey(k) ? Boolean.parseBoolean(A.get(k)) : d;
    }

    public static void main(String[] args) throws Exception {
        for (int x = 1; x < args.length; x++) {
            String[] kv = args[x].split("=", 2);
            A.put(kv[0], kv[1]);
        }
        String w = args[0];
        if (w.equals("one")) {
            one();
            return;
        }
        if (w.equals("cluster-job")) {
            ClusterJobs.main(args);
            return;
        }
        Locale.setDefault(Locale.ROOT);
        int p = i("p", 1);
        double secs = Double.parseDouble(s("secs", "10"));
        int runs = i("runs", 3);
        double warmSecs = Double.parseDouble(s("warm", String.valueOf(Math.max(5, secs * 0.6))));

        Configuration conf = new Configuration();
        conf.setString("rest.bind-port", "0");
        conf.setString("taskmanager.memory.network.min", s("net", "256m"));
        conf.setString("taskmanager.memory.network.max", s("net", "256m"));
        conf.setString("taskmanager.memory.managed.size", s("managed", "1g"));
        conf.setString("web.checkpoints.history", "1000");
        try (MiniCluster mc =
                new MiniCluster(
                        new MiniClusterConfiguration.Builder()
                                .setConfiguration(conf)
                                .setNumTaskManagers(1)
                                .setNumSlotsPerTaskManager(p)
                                .build())) {
            mc.start();
            if (w.equals("latency")) {
                Latency.run(mc, p);
                return;
            }
            Result warm = execute(mc, w, p, Long.MAX_VALUE, warmSecs);
            System.out.printf(
                    "# warm-up %.1f s: %.3f M rec/s in its last 40 %%%n", warm.wall, warmRate / 1e6);
            long n = (long) (warmRate * secs);
            if (A.containsKey("n")) {
                n = Long.parseLong(s("n", "").replace("_", ""));
            }
            List<Result> rs = new ArrayList<>();
            for (int r = 0; r < runs; r++) {
                Result x = execute(mc, w, p, n, 0);
                rs.add(x);
                System.out.printf(
                        "# run %d: N=%d steady %.2f s, %.3f M rec/s, %.2f cores, %.3f M rec/core-s, GC %d ms, %s%n",
                        r + 1, n, x.steady, x.rate / 1e6, x.cores, x.rate / x.cores / 1e6, x.gcMs,
                        x.ckpt);
            }
            double[] v = rs.stream().mapToDouble(x -> x.rate).sorted().toArray();
            double[] c = rs.stream().mapToDouble(x -> x.rate / x.cores).sorted().toArray();
            double[] co = rs.stream().mapToDouble(x -> x.cores).sorted().toArray();
            StringBuilder a = new StringBuilder();
            for (int x = 1; x < args.length; x++) {
                a.append(' ').append(args[x]);
            }
            System.out.printf(
                    "RESULT %s%s | min %.3f | med %.3f | max %.3f M rec/s | med %.3f M rec/core-s | %.2f cores%s%n",
                    w, a, v[0] / 1e6, v[v.length / 2] / 1e6, v[v.length - 1] / 1e6,
                    c[c.length / 2] / 1e6, co[co.length / 2],
                    w.equals("wordcount")
                            ? String.format(
                                    " | med %.3f M words/s (%.3f words a line)",
                                    v[v.length / 2] / 1e6 * avgWords, avgWords)
                            : "");
            for (Result x : rs) {
                if (!x.ckpt.isEmpty()) {
                    System.out.println("CKPT " + x.ckpt);
                }
            }
        }
    }

    static final class Result {
        double wall;
        double steady;
        long emitted;
        double rate;
        double cores;
        long gcMs;
        String ckpt = "";
    }

    static long gc() {
        long t = 0;
        for (GarbageCollectorMXBean g : ManagementFactory.getGarbageCollectorMXBeans()) {
            t += g.getCollectionTime();
        }
        return t;
    }

    /** Emission rate in the last 40 % of the warm-up run. */
    static volatile double warmRate;

    /** One job. n records, or (limitSecs above 0) until the time is over. Steady = last 90 %. */
    static Result execute(MiniCluster mc, String w, int p, long n, double limitSecs)
            throws Exception {
        StreamExecutionEnvironment env = env(p);
        build(env, w, p, n);
        JobGraph jg = env.getStreamGraph().getJobGraph();
        GenSource.EMITTED.set(0);
        JOINED.n = 0;
        GenSource.stop = false;
        GenSource.mark = n == Long.MAX_VALUE ? Long.MAX_VALUE : n / 10;
        GenSource.markNanos = 0;
        if (limitSecs > 0) {
            Thread t =
                    new Thread(
                            () -> {
                                try {
                                    while (GenSource.EMITTED.get() == 0) {
                                        Thread.sleep(10);
                                    }
                                    Thread.sleep((long) (limitSecs * 600));
                                    long e0 = GenSource.EMITTED.get();
                                    long a0 = System.nanoTime();
                                    Thread.sleep((long) (limitSecs * 400));
                                    warmRate =
                                            (GenSource.EMITTED.get() - e0)
                                                    / ((System.nanoTime() - a0) / 1e9);
                                } catch (InterruptedException e) {
                                    return;
                                }
                                GenSource.stop = true;
                            });
            t.setDaemon(true);
            t.start();
        }
        System.gc();
        long g0 = gc();
        long t0 = System.nanoTime();
        JobExecutionResult jr = mc.executeJobBlocking(jg);
        long t1 = System.nanoTime();
        long cpu1 = cpuNanos();
        Result r = new Result();
        r.wall = (t1 - t0) / 1e9;
        r.emitted = GenSource.EMITTED.get();
        r.gcMs = gc() - g0;
        if (limitSecs > 0) {
            r.wall = Math.max(0.1, limitSecs);
            return r;
        }
        if (GenSource.markNanos == 0) { // built-in source: whole run
            r.steady = r.wall;
            r.rate = n / r.wall;
            r.cores = Double.NaN;
        } else {
            r.steady = (t1 - GenSource.markNanos) / 1e9;
            r.rate = (n - n / 10) / r.steady;
            r.cores = (cpu1 - GenSource.markCpu) / 1e9 / r.steady;
        }
        if (w.endsWith("join") && p == 1) {
            System.out.printf("# %.3f join results a source record%n", (double) JOINED.n / n);
        }
        if (A.containsKey("ckpt")) {
            r.ckpt = ckptStats(mc.getExecutionGraph(jr.getJobID()).get().getCheckpointStatsSnapshot());
        }
        return r;
    }

    static String q(long[] v, String unit) {
        Arrays.sort(v);
        if (v.length == 0) {
            return "none";
        }
        return String.format(
                "min %d p50 %d p99 %d max %d %s",
                v[0], v[v.length / 2], v[Math.min(v.length - 1, (int) (v.length * 0.99))],
                v[v.length - 1], unit);
    }

    static String ckptStats(CheckpointStatsSnapshot snap) {
        List<Long> e2e = new ArrayList<>();
        List<Long> sync = new ArrayList<>();
        List<Long> async = new ArrayList<>();
        List<Long> start = new ArrayList<>();
        long size = 0;
        int failed = 0;
        for (AbstractCheckpointStats c : snap.getHistory().getCheckpoints()) {
            if (!(c instanceof CompletedCheckpointStats)) {
                failed++;
                continue;
            }
            e2e.add(c.getEndToEndDuration());
            size = Math.max(size, c.getStateSize());
            long ms = 0;
            long ma = 0;
            long md = 0;
            for (TaskStateStats t : c.getAllTaskStateStats()) {
                for (SubtaskStateStats st : t.getSubtaskStats()) {
                    if (st == null) {
                        continue;
                    }
                    ms = Math.max(ms, st.getSyncCheckpointDuration());
                    ma = Math.max(ma, st.getAsyncCheckpointDuration());
                    md = Math.max(md, st.getCheckpointStartDelay());
                }
            }
            sync.add(ms);
            async.add(ma);
            start.add(md);
        }
        return String.format(
                "%d completed, %d not; end-to-end %s; sync %s; async %s; start delay %s; max size %.1f MB",
                e2e.size(), failed,
                q(e2e.stream().mapToLong(x -> x).toArray(), "ms"),
                q(sync.stream().mapToLong(x -> x).toArray(), "ms"),
                q(async.stream().mapToLong(x -> x).toArray(), "ms"),
                q(start.stream().mapToLong(x -> x).toArray(), "ms"),
                size / 1e6);
    }

    static StreamExecutionEnvironment env(int p) {
        Configuration c = new Configuration();
        c.setString("pipeline.generic-types", "false");
        c.setString("pipeline.object-reuse", s("reuse", "true"));
        c.setString("execution.buffer-timeout.interval", s("bt", "100 ms"));
        c.setString("state.backend.type", s("backend", "hashmap"));
        if (A.containsKey("ckpt")) {
            c.setString("execution.checkpointing.interval", s("ckpt", "1000") + " ms");
            c.setString("execution.checkpointing.mode", "EXACTLY_ONCE");
            c.setString("execution.checkpointing.storage", "filesystem");
            c.setString("execution.checkpointing.incremental", s("incremental", "false"));
            c.setString(
                    "execution.checkpointing.dir",
                    new File(s("dir", "target/checkpoints")).getAbsoluteFile().toURI().toString());
        }
        if (A.containsKey("rocksopts")) {
            c.setString("state.backend.rocksdb.predefined-options", s("rocksopts", ""));
        }
        StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(p, c);
        return env;
    }

    static void one() throws Exception {
        Configuration c = new Configuration();
        StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(1, c);
        env.fromSource(
                        new NumberSequenceSource(1, 1),
                        WatermarkStrategy.noWatermarks(),
                        "one")
                .map(x -> x + 1)
                .sinkTo(new DiscardingSink<>());
        env.execute("one");
    }

    // ---- sources ----
    static <T> DataStream<T> src(
            StreamExecutionEnvironment env, GenSource.Gen<T> g, long n, TypeInformation<T> t) {
        return env.fromSource(new GenSource<>(g, n), WatermarkStrategy.noWatermarks(), "src", t);
    }

    static WatermarkStrategy<Tuple3<Long, Integer, Double>> wmT3() {
        return WatermarkStrategy.<Tuple3<Long, Integer, Double>>forMonotonousTimestamps()
                .withTimestampAssigner((e, t) -> e.f0);
    }

    static final TypeInformation<Tuple2<Integer, Double>> T2 =
            Types.TUPLE(Types.INT, Types.DOUBLE);
    static final TypeInformation<Tuple3<Long, Integer, Double>> T3 =
            Types.TUPLE(Types.LONG, Types.INT, Types.DOUBLE);

    static DataStream<Tuple3<Long, Integer, Double>> t3(
            StreamExecutionEnvironment env, int keys, long n, int perMs, int salt) {
        return env.fromSource(
                new GenSource<>(
                        (GenSource.Gen<Tuple3<Long, Integer, Double>>)
                                x -> Tuple3.of(x / perMs, key(x ^ salt, keys), val(x)),
                        n),
                wmT3(),
                "src",
                T3);
    }

    static DataStream<Ev> evs(StreamExecutionEnvironment env, int keys, long n, int perMs) {
        return env.fromSource(
                new GenSource<>(
                        (GenSource.Gen<Ev>) x -> new Ev(x / perMs, key(x, keys), val(x)), n),
                WatermarkStrategy.<Ev>forMonotonousTimestamps()
                        .withTimestampAssigner((e, t) -> e.ts),
                "src",
                TypeInformation.of(Ev.class));
    }

    static WindowAssigner<Object, TimeWindow> assigner() {
        switch (s("win", "tumbling")) {
            case "sliding":
                return (WindowAssigner) SlidingEventTimeWindows.of(
                        Duration.ofSeconds(10), Duration.ofSeconds(1));
            case "session":
                return (WindowAssigner) EventTimeSessionWindows.withGap(
                        Duration.ofMillis(i("gap", 20)));
            default:
                return (WindowAssigner) TumblingEventTimeWindows.of(Duration.ofSeconds(1));
        }
    }

    public static final class AggT3
            implements AggregateFunction<Tuple3<Long, Integer, Double>, Acc, Acc> {
        @Override
        public Acc createAccumulator() {
            return new Acc();
        }

        @Override
        public Acc add(Tuple3<Long, Integer, Double> v, Acc a) {
            a.sum += v.f2;
            a.count++;
            return a;
        }

        @Override
        public Acc getResult(Acc a) {
            return a;
        }

        @Override
        public Acc merge(Acc a, Acc b) {
            a.sum += b.sum;
            a.count += b.count;
            return a;
        }
    }

    public static final class AggEv implements AggregateFunction<Ev, Acc, Acc> {
        @Override
        public Acc createAccumulator() {
            return new Acc();
        }

        @Override
        public Acc add(Ev v, Acc a) {
            a.sum += v.value;
            a.count++;
            return a;
        }

        @Override
        public Acc getResult(Acc a) {
            return a;
        }

        @Override
        public Acc merge(Acc a, Acc b) {
            a.sum += b.sum;
            a.count += b.count;
            return a;
        }
    }

    public static final class AggUser implements AggregateFunction<UserEv, Acc, Acc> {
        @Override
        public Acc createAccumulator() {
            return new Acc();
        }

        @Override
        public Acc add(UserEv v, Acc a) {
            a.sum += v.value;
            a.count++;
            return a;
        }

        @Override
        public Acc getResult(Acc a) {
            return a;
        }

        @Override
        public Acc merge(Acc a, Acc b) {
            a.sum += b.sum;
            a.count += b.count;
            return a;
        }
    }

    static double avgWords;

    static String[] lines() {
        int vocab = 10_000;
        int count = 20_000;
        Random r = new Random(42);
        String[] words = new String[vocab];
        for (int k = 0; k < vocab; k++) {
            int len = 3 + r.nextInt(8);
            StringBuilder sb = new StringBuilder();
            for (int x = 0; x < len; x++) {
                sb.append((char) ('a' + r.nextInt(26)));
            }
            words[k] = sb.toString();
        }
        double[] cum = new double[vocab];
        double sum = 0;
        for (int k = 0; k < vocab; k++) {
            sum += 1.0 / (k + 1);
            cum[k] = sum;
        }
        String[] out = new String[count];
        long total = 0;
        for (int l = 0; l < count; l++) {
            int len = 8 + r.nextInt(5);
            total += len;
            StringBuilder sb = new StringBuilder();
            for (int x = 0; x < len; x++) {
                int pos = Arrays.binarySearch(cum, r.nextDouble() * sum);
                sb.append(x == 0 ? "" : " ").append(words[Math.min(vocab - 1, pos < 0 ? -pos - 1 : pos)]);
            }
            out[l] = sb.toString();
        }
        avgWords = (double) total / count;
        return out;
    }

    static String[] LINES;
    static String[] USERS;
    static String[] PAGES;

    public static final class SumState
            extends KeyedProcessFunction<Integer, Tuple3<Long, Integer, Double>, Tuple2<Integer, Double>> {
        private transient ValueState<Double> st;

        @Override
        public void open(OpenContext c) {
            st = getRuntimeContext().getState(new ValueStateDescriptor<>("sum", Types.DOUBLE));
        }

        @Override
        public void processElement(
                Tuple3<Long, Integer, Double> v, Context ctx, Collector<Tuple2<Integer, Double>> out)
                throws Exception {
            Double s = st.value();
            st.update(s == null ? v.f2 : s + v.f2);
            ctx.timerService().registerEventTimeTimer(v.f0 / 1000 * 1000 + 1000);
        }

        @Override
        public void onTimer(long ts, OnTimerContext ctx, Collector<Tuple2<Integer, Double>> out)
                throws Exception {
            out.collect(Tuple2.of(ctx.getCurrentKey(), st.value()));
        }
    }

    public static final class State32
            extends KeyedProcessFunction<Integer, Tuple2<Integer, Double>, Tuple2<Integer, Double>> {
        private transient ValueState<Tuple4<Long, Long, Long, Long>> st;

        @Override
        public void open(OpenContext c) {
            st =
                    getRuntimeContext()
                            .getState(
                                    new ValueStateDescriptor<>(
                                            "s32",
                                            Types.TUPLE(
                                                    Types.LONG, Types.LONG, Types.LONG, Types.LONG)));
        }

        @Override
        public void processElement(
                Tuple2<Integer, Double> v, Context ctx, Collector<Tuple2<Integer, Double>> out)
                throws Exception {
            Tuple4<Long, Long, Long, Long> s = st.value();
            if (s == null) {
                s = Tuple4.of(1L, (long) v.f0, 0L, 0L);
            } else {
                s.f0 = s.f0 + 1;
                s.f2 = s.f2 + v.f1.longValue();
            }
            st.update(s);
            out.collect(v);
        }
    }

    public static final class Immediate
            implements AsyncFunction<Tuple2<Integer, Double>, Tuple2<Integer, Double>> {
        @Override
        public void asyncInvoke(
                Tuple2<Integer, Double> v, ResultFuture<Tuple2<Integer, Double>> f) {
            f.complete(Collections.singletonList(v));
        }
    }

    static void build(StreamExecutionEnvironment env, String w, int p, long n) {
        int keys = i("keys", 10_000);
        String type = s("type", "tuple");
        switch (w) {
            case "map-chain":
                {
                    DataStream<KV> in;
                    TypeInformation<KV> ti = TypeInformation.of(KV.class);
                    switch (s("gen", "custom")) {
                        case "datagen":
                            in =
                                    env.fromSource(
                                            new DataGeneratorSource<>(
                                                    (GeneratorFunction<Long, KV>)
                                                            x -> new KV(key(x, keys), val(x)),
                                                    n == Long.MAX_VALUE ? i("wn", 20_000_000) : n,
                                                    ti),
                                            WatermarkStrategy.noWatermarks(),
                                            "src");
                            break;
                        case "seq":
                            in =
                                    env.fromSource(
                                                    new NumberSequenceSource(
                                                            0,
                                                            (n == Long.MAX_VALUE
                                                                            ? i("wn", 20_000_000)
                                                                            : n)
                                                                    - 1),
                                                    WatermarkStrategy.noWatermarks(),
                                                    "src")
                                            .map(x -> new KV(key(x, keys), val(x)))
                                            .returns(ti);
                            break;
                        default:
                            in = src(env, x -> new KV(key(x, keys), val(x)), n, ti);
                    }
                    in.map((MapFunction<KV, KV>) x -> { x.value = x.value * 2; return x; })
                            .returns(ti)
                            .filter((FilterFunction<KV>) x -> (x.key & 1) == 0)
                            .map((MapFunction<KV, KV>) x -> { x.value = x.value + 1; return x; })
                            .returns(ti)
                            .sinkTo(new DiscardingSink<>());
                    return;
                }
            case "rebalance":
                {
                    if (type.equals("pojo")) {
                        TypeInformation<KV> ti = TypeInformation.of(KV.class);
                        src(env, x -> new KV(key(x, keys), val(x)), n, ti)
                                .rebalance()
                                .map((MapFunction<KV, KV>) x -> { x.value = x.value + 1; return x; })
                                .returns(ti)
                                .sinkTo(new DiscardingSink<>());
                        return;
                    }
                    src(env, x -> Tuple2.of(key(x, keys), val(x)), n, T2)
                            .rebalance()
                            .map(
                                    (MapFunction<Tuple2<Integer, Double>, Tuple2<Integer, Double>>)
                                            x -> {
                                                x.f1 = x.f1 + 1;
                                                return x;
                                            })
                            .returns(T2)
                            .sinkTo(new DiscardingSink<>());
                    return;
                }
            case "keyed-sum":
                {
                    if (type.equals("pojo")) {
                        src(env, x -> new KV(key(x, keys), val(x)), n, TypeInformation.of(KV.class))
                                .keyBy((KeySelector<KV, Integer>) x -> x.key, Types.INT)
                                .reduce(
                                        (ReduceFunction<KV>)
                                                (a, c) -> {
                                                    a.value += c.value;
                                                    return a;
                                                })
                                .sinkTo(new DiscardingSink<>());
                        return;
                    }
                    src(env, x -> Tuple2.of(key(x, keys), val(x)), n, T2)
                            .keyBy((KeySelector<Tuple2<Integer, Double>, Integer>) x -> x.f0, Types.INT)
                            .reduce(
                                    (ReduceFunction<Tuple2<Integer, Double>>)
                                            (a, c) -> {
                                                a.f1 += c.f1;
                                                return a;
                                            })
                            .sinkTo(new DiscardingSink<>());
                    return;
                }
            case "window":
                {
                    if (type.equals("pojo")) {
                        evs(env, keys, n, 1000)
                                .keyBy((KeySelector<Ev, Integer>) x -> x.key, Types.INT)
                                .window(assigner())
                                .aggregate(new AggEv())
                                .sinkTo(new DiscardingSink<>());
                        return;
                    }
                    t3(env, keys, n, i("perms", 1000), 0)
                            .keyBy(
                                    (KeySelector<Tuple3<Long, Integer, Double>, Integer>) x -> x.f1,
                                    Types.INT)
                            .window(assigner())
                            .aggregate(new AggT3())
                            .sinkTo(new DiscardingSink<>());
                    return;
                }
            case "window-pojo-strings":
                {
                    if (USERS == null) {
                        String[] u = new String[keys];
                        for (int k = 0; k < keys; k++) {
                            u[k] = "user-" + k;
                        }
                        PAGES = new String[1000];
                        for (int k = 0; k < 1000; k++) {
                            PAGES[k] = "/shop/page/" + k;
                        }
                        USERS = u;
                    }
                    env.fromSource(
                                    new GenSource<>(
                                            (GenSource.Gen<UserEv>)
                                                    x -> {
                                                        int k = key(x, keys);
                                                        return new UserEv(
                                                                USERS[k],
                                                                PAGES[(int) (x % 1000)],
                                                                x / 1000,
                                                                x >>> 4,
                                                                val(x),
                                                                (int) (x & 7));
                                                    },
                                            n),
                                    WatermarkStrategy.<UserEv>forMonotonousTimestamps()
                                            .withTimestampAssigner((e, t) -> e.ts),
                                    "src",
                                    TypeInformation.of(UserEv.class))
                            .keyBy((KeySelector<UserEv, String>) x -> x.user, Types.STRING)
                            .window(assigner())
                            .aggregate(new AggUser())
                            .sinkTo(new DiscardingSink<>());
                    return;
                }
            case "wordcount":
                {
                    if (LINES == null) {
                        LINES = lines();
                    }
                    TypeInformation<Tuple2<String, Integer>> ti = Types.TUPLE(Types.STRING, Types.INT);
                    int mod = LINES.length;
                    src(env, x -> LINES[(int) (x % mod)], n, Types.STRING)
                            .flatMap(
                                    (FlatMapFunction<String, Tuple2<String, Integer>>)
                                            (line, out) -> {
                                                for (String word : line.split(" ")) {
                                                    out.collect(Tuple2.of(word, 1));
                                                }
                                            })
                            .returns(ti)
                            .keyBy((KeySelector<Tuple2<String, Integer>, String>) x -> x.f0, Types.STRING)
                            .reduce(
                                    (ReduceFunction<Tuple2<String, Integer>>)
                                            (a, c) -> {
                                                a.f1 += c.f1;
                                                return a;
                                            })
                            .sinkTo(new DiscardingSink<>());
                    return;
                }
            case "interval-join":
                {
                    long half = n == Long.MAX_VALUE ? n : n / 2;
                    KeySelector<Tuple3<Long, Integer, Double>, Integer> ks = x -> x.f1;
                    t3(env, keys, half, 500, 0)
                            .keyBy(ks, Types.INT)
                            .intervalJoin(t3(env, keys, half, 500, 0x5bd1e995).keyBy(ks, Types.INT))
                            .between(Duration.ofMillis(-20), Duration.ofMillis(20))
                            .process(
                                    new ProcessJoinFunction<
                                            Tuple3<Long, Integer, Double>,
                                            Tuple3<Long, Integer, Double>,
                                            Tuple2<Integer, Double>>() {
                                        @Override
                                        public void processElement(
                                                Tuple3<Long, Integer, Double> a,
                                                Tuple3<Long, Integer, Double> c,
                                                Context ctx,
                                                Collector<Tuple2<Integer, Double>> out) {
                                            JOINED.inc(ctx);
                                            out.collect(Tuple2.of(a.f1, a.f2 + c.f2));
                                        }
                                    })
                            .returns(T2)
                            .sinkTo(new DiscardingSink<>());
                    return;
                }
            case "window-join":
                {
                    long half = n == Long.MAX_VALUE ? n : n / 2;
                    KeySelector<Tuple3<Long, Integer, Double>, Integer> ks = x -> x.f1;
                    t3(env, keys, half, 500, 0)
                            .join(t3(env, keys, half, 500, 0x5bd1e995))
                            .where(ks, Types.INT)
                            .equalTo(ks, Types.INT)
                            .window((WindowAssigner) TumblingEventTimeWindows.of(Duration.ofMillis(50)))
                            .apply(
                                    (JoinFunction<
                                                    Tuple3<Long, Integer, Double>,
                                                    Tuple3<Long, Integer, Double>,
                                                    Tuple2<Integer, Double>>)
                                            (a, c) -> {
                                                JOINED.inc(null);
                                                return Tuple2.of(a.f1, a.f2 + c.f2);
                                            },
                                    T2)
                            .sinkTo(new DiscardingSink<>());
                    return;
                }
            case "process-state":
                t3(env, keys, n, 1000, 0)
                        .keyBy((KeySelector<Tuple3<Long, Integer, Double>, Integer>) x -> x.f1, Types.INT)
                        .process(new SumState())
                        .sinkTo(new DiscardingSink<>());
                return;
            case "async":
                {
                    DataStream<Tuple2<Integer, Double>> in =
                            src(env, x -> Tuple2.of(key(x, keys), val(x)), n, T2);
                    AsyncDataStream.unorderedWait(in, new Immediate(), 1, TimeUnit.SECONDS, 100)
                            .returns(T2)
                            .sinkTo(new DiscardingSink<>());
                    return;
                }
            case "state32":
                src(env, x -> Tuple2.of(key(x, keys), val(x)), n, T2)
                        .keyBy((KeySelector<Tuple2<Integer, Double>, Integer>) x -> x.f0, Types.INT)
                        .process(new State32())
                        .sinkTo(new DiscardingSink<>());
                return;
            default:
                throw new IllegalArgumentException("unknown workload " + w);
        }
    }

    /** Counts join results cheaply (one plain add a result; only a rough figure at p above 1). */
    static final class JOINED {
        static long n;

        static void inc(Object o) {
            n++;
        }
    }
}
