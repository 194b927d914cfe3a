/** The JobManager's process as Flink's EnvironmentInfo, whose words are those of a JVM. Pure. */
import type { ProcessFacts } from '../../cluster/rpc/dispatcher-gateway.ts'

export function environmentInfo({ nodeVersion, platform, options }: ProcessFacts): unknown {
  return { jvm: { version: `Node.js ${nodeVersion}`, arch: platform, options }, classpath: [] }
}
