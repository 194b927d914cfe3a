/**
 * The end of bounded input for a sink's writer that a test drives by hand: what SinkOperator does in a job without checkpoints.
 */
import type { RuntimeContext } from '../../src/program/function/runtime-context.ts'
import type { Sink, SinkWriter } from '../../src/program/function/sink.ts'

export async function publish(sink: Sink<any>, ctx: RuntimeContext, writer: SinkWriter<any>): Promise<void> {
  await writer.flush(true)
  const committables = (await writer.prepareCommit?.(1)) ?? []
  const committer = await sink.createCommitter!(ctx)
  const undecided = () => {
    throw new Error('nothing is to be said of a first commit')
  }
  const signals = { retryLater: undecided, updateAndRetryLater: undecided, signalAlreadyCommitted: undecided }
  const failed = (error: unknown) => {
    throw error
  }
  const failures = { signalFailedWithKnownReason: failed, signalFailedWithUnknownReason: failed }
  await committer.commit(committables.map((committable) => ({ committable, numberOfRetries: 0, ...signals, ...failures })))
}
