/**
 * The setters that every operator has after it was made, mixed into streams and sinks.
 */
import type { DraftNode } from '../graph/stream-graph-builder.ts'
import { applyOptions, type OperatorOptions } from './operator-options.ts'
import type { Operator } from './streams.ts'

type Made = abstract new (...args: any[]) => { readonly draft: DraftNode }

export function withSetters<B extends Made>(Base: B) {
  abstract class WithSetters extends Base implements Operator {
    name(name: string): this {
      return this.#set({ name })
    }

    uid(uid: string): this {
      return this.#set({ uid })
    }

    setDescription(description: string): this {
      return this.#set({ description })
    }

    setParallelism(parallelism: number): this {
      return this.#set({ parallelism })
    }

    setMaxParallelism(maxParallelism: number): this {
      return this.#set({ maxParallelism })
    }

    slotSharingGroup(slotSharingGroup: string): this {
      return this.#set({ slotSharingGroup })
    }

    startNewChain(): this {
      return this.#set({ chaining: 'head' })
    }

    disableChaining(): this {
      return this.#set({ chaining: 'never' })
    }

    #set(options: OperatorOptions): this {
      applyOptions(this.draft.settings, options)
      return this
    }
  }
  return WithSetters
}
