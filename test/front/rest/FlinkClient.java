// Flink's own command line and Flink's own classes against a server: run by flink-client.test.ts with Flink's jars.
//   FlinkClient PORT CLASSES COMMAND...   a command is Flink's, its words joined by commas; CLASSES is a file of lines "path class"
import java.io.*;
import java.net.URI;
import java.net.http.*;
import java.nio.file.*;
import java.util.*;
import org.apache.flink.client.cli.*;
import org.apache.flink.configuration.*;
import org.apache.flink.runtime.rest.util.RestMapperUtils;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

public class FlinkClient {
  public static void main(String[] args) throws Exception {
    int port = Integer.parseInt(args[0]);
    PrintStream out = System.out;
    var http = HttpClient.newHttpClient();
    var mapper = RestMapperUtils.getStrictObjectMapper();
    for (String line : Files.readAllLines(Path.of(args[1]))) {
      String[] parts = line.split(" ");
      var request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + parts[0])).build();
      String body = http.send(request, HttpResponse.BodyHandlers.ofString()).body();
      String read;
      try {
        mapper.writeValueAsString(mapper.readValue(body, Class.forName(parts[1])));
        read = "ok";
      } catch (Exception e) {
        read = e.toString().split("\n")[0];
      }
      out.println("READ " + parts[0] + " " + read);
    }
    Configuration config = new Configuration();
    config.set(RestOptions.ADDRESS, "127.0.0.1");
    config.set(RestOptions.PORT, port);
    config.set(JobManagerOptions.ADDRESS, "127.0.0.1");
    config.set(DeploymentOptions.TARGET, "remote");
    for (int i = 2; i < args.length; i++) {
      var said = new ByteArrayOutputStream();
      System.setOut(new PrintStream(said));
      System.setErr(new PrintStream(said));
      int code = new CliFrontend(config, List.of(new GenericCLI(config, "."), new DefaultCLI())).parseAndRun(args[i].split(","));
      out.println("RAN " + args[i] + " -> " + code + "\n" + said);
    }
    try {
      var env = StreamExecutionEnvironment.createRemoteEnvironment("127.0.0.1", port);
      env.fromSequence(1, 3).print();
      env.execute("java");
      out.println("SUBMITTED");
    } catch (Exception e) {
      var trace = new StringWriter();
      e.printStackTrace(new PrintWriter(trace));
      out.println("REFUSED " + trace);
    }
    out.println("DONE");
    System.exit(0);
  }
}
