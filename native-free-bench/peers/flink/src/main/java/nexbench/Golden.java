package nexbench;

import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeMap;
import java.util.zip.GZIPOutputStream;
import org.apache.flink.table.api.Table;
import org.apache.flink.table.catalog.Column;
import org.apache.flink.types.Row;

/**
 * Runs queries at parallelism 1 over the first n events and writes what is left of each changelog:
 * Golden n=100000 q=q0,q1 out=golden/100k.json [rows=golden/100k-rows] [api=datastream].
 */
public final class Golden {
    public static void main(String[] args) throws Exception {
        Job first = new Job(args);
        StringBuilder json = new StringBuilder();
        json.append("{\n\"events\":").append(first.get("n")).append(",\"rate\":").append(first.get("rate"))
                .append(",\"baseTime\":").append(Gen.BASE_TIME).append(",\"flink\":\"2.3.0\",\"queries\":{");
        String comma = "";
        for (String q : first.queries()) {
            // Flink 2.3.0 loses q9's retractions unless mini-batch is on (FLINK-40368).
            boolean batched = q.equals("q9") && !args[0].equals("raw=true");
            Job job = new Job(batched ? append(args, "minibatch=on") : args);
            Rows.SEEN.clear();
            Rows.changes = 0;
            long t = System.nanoTime();
            StringBuilder columns = new StringBuilder();
            try {
                if (job.options.getOrDefault("api", "sql").equals("datastream")) {
                    Streams.query(job, q).sinkTo(new Rows.Collect()).setParallelism(1);
                } else {
                    job.tables(q.equals("q12"));
                    Table table = job.table(q);
                    for (Column c : table.getResolvedSchema().getColumns()) {
                        columns.append(columns.isEmpty() ? "" : ",").append("{\"name\":\"").append(c.getName())
                                .append("\",\"type\":\"").append(type(c)).append("\"}");
                    }
                    job.tables.toChangelogStream(table).sinkTo(new Rows.Collect()).setParallelism(1);
                }
                job.env.execute(q);
            } catch (Exception e) {
                Throwable root = e;
                while (root.getCause() != null) {
                    root = root.getCause();
                }
                System.err.println(q + " FAILED: " + root);
                json.append(comma).append("\n\"").append(q).append("\":{\"unsupported\":");
                Event.quote(json, String.valueOf(root.getMessage()).replaceAll("[^\\x20-\\x7e]", " "));
                json.append('}');
                comma = ",";
                continue;
            }
            if (q.equals("q12")) {
                q12();
                columns = new StringBuilder("{\"name\":\"bidder\",\"type\":\"BIGINT\"},{\"name\":\"sum_bid_count\",\"type\":\"BIGINT\"}");
            }
            List<String> rows = Rows.sorted();
            String digest = Rows.digest(rows);
            System.err.printf("%s n=%s rows=%d changes=%d %s %.1fs%n", q, job.get("n"), rows.size(), Rows.changes, digest, (System.nanoTime() - t) / 1e9);
            json.append(comma).append("\n\"").append(q).append("\":{\"rows\":").append(rows.size())
                    .append(",\"changes\":").append(Rows.changes).append(",\"sha256\":\"").append(digest)
                    .append("\",\"columns\":[").append(columns).append("],\"first5\":[")
                    .append(String.join(",", rows.subList(0, Math.min(5, rows.size())))).append("]}");
            comma = ",";
            if (job.get("rows") != null) {
                Path p = Path.of(job.get("rows"), q + ".jsonl.gz");
                Files.createDirectories(p.getParent());
                try (OutputStream o = new GZIPOutputStream(Files.newOutputStream(p))) {
                    for (String r : rows) {
                        o.write((r + "\n").getBytes(StandardCharsets.US_ASCII));
                    }
                }
            }
        }
        json.append("\n}}\n");
        if (first.get("out") != null) {
            Files.writeString(Path.of(first.get("out")), json);
        }
    }

    private static String[] append(String[] args, String last) {
        String[] out = java.util.Arrays.copyOf(args, args.length + 1);
        out[args.length] = last;
        return out;
    }

    private static String type(Column c) {
        return c.getDataType().getLogicalType().asSummaryString().replace(" NOT NULL", "").replace(" *ROWTIME*", "").replace("VARCHAR(2147483647)", "STRING");
    }

    /** Processing-time windows depend on the clock: keep bidder and the sum of its counts. */
    private static void q12() {
        TreeMap<Long, Long> sums = new TreeMap<>();
        Rows.SEEN.forEach((row, count) -> {
            String[] f = row.substring(1, row.length() - 1).split(",");
            sums.merge(Long.parseLong(f[0]), Long.parseLong(f[1]) * count, Long::sum);
        });
        Rows.SEEN.clear();
        sums.forEach((k, v) -> Rows.SEEN.put(Rows.canonical(Row.of(k, v)), 1));
    }
}
