/**
 * Hands records to the client that started the job, in chunks: full ones at once, others after a tenth of a second.
 */
import type { TimerHandle } from '../../base/core/clock.ts'
import type { RuntimeContext } from '../function/runtime-context.ts'
import type { Sink, SinkWriter } from '../function/sink.ts'

const chunkRows = 1_024
const delayMs = 100

/**
 * The sink behind `stream.executeAndCollect()`; `id` names the stream of rows for the client.
 *
 * ```ts
 * import { collection, getEnvironment } from 'headrace'
 *
 * const env = getEnvironment()
 * const doubled = env.fromSource(collection([1, 2, 3]), { name: 'numbers' }).map((n) => n * 2)
 * for await (const n of doubled.executeAndCollect()) console.log(n)
 * ```
 */
export function collectSink<T = unknown>(id: string): Sink<T> {
  return { name: `collect ${id}`, collectId: id, createWriter: (ctx) => new CollectWriter<T>(id, ctx) }
}

class CollectWriter<T> implements SinkWriter<T> {
  readonly #id: string
  readonly #ctx: RuntimeContext
  #rows: T[] = []
  #timer: TimerHandle | undefined

  constructor(id: string, ctx: RuntimeContext) {
    this.#id = id
    this.#ctx = ctx
  }

  write(element: T): void {
    this.#rows.push(element)
    if (this.#rows.length >= chunkRows) this.#send()
    else this.#timer ??= this.#ctx.clock.setTimer(delayMs, () => this.#send())
  }

  flush(): void {
    this.#send()
  }

  close(): void {
    this.#timer?.cancel()
  }

  #send(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    if (this.#rows.length === 0) return
    const rows = this.#rows
    this.#rows = []
    this.#ctx.sendToClient(this.#id, rows)
  }
}
