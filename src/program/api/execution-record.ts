/**
 * What one execute() came to, kept so that a task thread that plans a later job of the same program finds main in the
 * same place: its result or error, the rows it collected, up to a number that is no burden to keep and to send, and what main
 * saw of it while it ran.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import type { CollectedRows } from './collected-rows.ts'
import type { JobClient, RecordedExecution } from './executor.ts'
import { ClientRecorder } from './recorded-client.ts'

const mostRowsKept = 100_000

export class ExecutionRecord {
  readonly #sinks: ReadonlyMap<string, CollectedRows<unknown>>
  readonly #rows: Record<string, unknown[]> = {}
  #rowCount = 0
  #outcome: RecordedExecution['outcome']
  #recorder: ClientRecorder | undefined

  constructor(sinks: ReadonlyMap<string, CollectedRows<unknown>>) {
    this.#sinks = sinks
  }

  /** Answers the client that main gets. */
  begin(client: JobClient, onEnd: () => void): JobClient {
    const recorder = new ClientRecorder(client)
    this.#recorder = recorder
    for (const sink of this.#sinks.values()) sink.attach(client)
    client.result.then(
      (result) => {
        this.#outcome = { result }
        this.#finish({})
        onEnd()
      },
      (error) => {
        this.fail(error)
        onEnd()
      },
    )
    return recorder.client
  }

  fail(error: unknown): void {
    this.#outcome = { error: StreamError.from(error).toWire() }
    this.#finish({ error })
  }

  collected(id: string, rows: readonly unknown[]): void {
    this.#sinks.get(id)?.push(rows)
    this.#rowCount += rows.length
    if (this.#rowCount > mostRowsKept) {
      for (const kept of Object.keys(this.#rows)) delete this.#rows[kept]
      return
    }
    const kept = (this.#rows[id] ??= [])
    for (const row of rows) kept.push(row)
  }

  toPlain(): RecordedExecution {
    if (this.#rowCount > mostRowsKept) {
      throw new StreamError(
        'UNSUPPORTED',
        `An earlier job of this program collected ${this.#rowCount} rows; a program with a later job may collect ${mostRowsKept}`,
        {
          hint: 'Task threads run main again and need these rows to plan the later job: collect fewer, or split the program in two.',
        },
      )
    }
    return {
      ...(this.#outcome !== undefined && { outcome: this.#outcome }),
      collected: { ...this.#rows },
      ...(this.#recorder !== undefined && { client: this.#recorder.toPlain() }),
    }
  }

  #finish(end: { readonly error?: unknown }): void {
    for (const sink of this.#sinks.values()) sink.finish(end)
  }
}
