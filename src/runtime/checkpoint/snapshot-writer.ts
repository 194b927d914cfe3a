/**
 * Writes what the operators of one subtask held when their snapshot was taken, in the task's thread, in slices of about a
 * millisecond, as long as the tasks' own turns, between which the event loop gets its turn. Every StateSnapshot is released exactly
 * once, however it ends; a write that fails or is aborted leaves no file.
 */

import { type ColumnType, columnSources, joinChunks, widenColumnType } from '../../base/columnar/chunk-columns.ts'
import { type ColumnFormat, loadColumnFormat } from '../../base/columnar/column-file-writer.ts'
import type { Schema } from '../../base/columnar/data-type.ts'
import type { Clock } from '../../base/core/clock.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { FileSystem } from '../../base/filesystem/file-system.ts'
import type { StateChunk, StateDescription, StateSnapshot } from '../state/snapshot.ts'
import type { OperatorSnapshot, StateFile, StateTable } from './checkpoint-metadata.ts'
import { StateFileWriter } from './state-file-writer.ts'

export interface SnapshotWriterOptions {
  readonly fileSystem: FileSystem
  /** The checkpoint's own folder. */
  readonly directory: string
  readonly subtask: number
  /** Calls back when the event loop has had its turn. */
  readonly yieldTo: (callback: () => void) => void
  readonly clock: Clock
}

export interface OperatorStates {
  readonly operatorId: string
  readonly watermark: number | null
  readonly states: readonly StateSnapshot[]
  readonly schemas?: readonly (Schema | null)[]
}

export interface WrittenSnapshot {
  readonly operators: readonly OperatorSnapshot[]
  readonly sizeBytes: number
}

interface WrittenState {
  readonly files: Promise<StateFile>[]
  readonly key: Pick<StateTable, 'key'>
}

const sliceMs = 1
/** So long small chunks are put together for one batch: encoding them takes longer than making them. */
const joinMs = sliceMs / 4
/** Rows of a record batch; the last of those that are put together may make it nearly twice as many. */
const batchRows = 8192
/** Types of a state that widened this often become opaque where they do not fit. */
const maxFilesOfTypes = 16
/** Files of which the end may be on its way to the disk. */
const maxUnfinished = 8

export class SnapshotWriter {
  readonly #options: SnapshotWriterOptions
  readonly #released = new Set<StateSnapshot>()
  readonly #paths: string[] = []
  #aborted = false
  #work: Promise<unknown> | undefined
  #sliceStartMs = 0
  #sizeBytes = 0
  #open: StateFileWriter | undefined
  #unfinished: Promise<StateFile>[] = []

  constructor(options: SnapshotWriterOptions) {
    this.#options = options
  }

  /** Called once. The files are on disk when the promise resolves. Rejects with what failed, or CANCELLED after an abort. */
  write(operators: readonly OperatorStates[]): Promise<WrittenSnapshot> {
    const work = this.#write(operators)
    this.#work = work
    return work
  }

  /** Stops, releases, removes what was written, even if all was; the write's promise rejects with CANCELLED if it had not ended. */
  async abort(): Promise<void> {
    this.#aborted = true
    // How the write ended is told by its own promise.
    await this.#work?.catch(() => {})
    await this.#removeFiles()
  }

  async #write(operators: readonly OperatorStates[]): Promise<WrittenSnapshot> {
    try {
      const format = operators.some(({ states }) => states.length > 0) ? await loadColumnFormat() : undefined
      this.#sliceStartMs = this.#options.clock.elapsed()
      const written: { operator: OperatorStates; states: Promise<StateTable>[] }[] = []
      for (const operator of operators) {
        const states: Promise<StateTable>[] = []
        for (const state of operator.states) {
          const description = describe(state)
          const { files, key } = await this.#writeState(format!, operator.operatorId, state)
          const table = Promise.all(files).then((done): StateTable => ({ ...description, ...key, files: done }))
          table.catch(() => {}) // Met below, unless something else failed first.
          states.push(table)
        }
        written.push({ operator, states })
      }
      const snapshots: OperatorSnapshot[] = []
      for (const { operator, states } of written) {
        const { operatorId, watermark, schemas } = operator
        snapshots.push({ operatorId, watermark, states: await Promise.all(states), ...(schemas !== undefined && { schemas }) })
      }
      this.#checkAborted()
      return { operators: snapshots, sizeBytes: this.#sizeBytes }
    } catch (error) {
      await this.#giveUp(operators)
      throw error
    } finally {
      for (const { states } of operators) for (const state of states) this.#release(state)
    }
  }

  /** All chunks of one state. The ends of its files are still on their way when it resolves. */
  async #writeState(format: ColumnFormat, operatorId: string, state: StateSnapshot): Promise<WrittenState> {
    const files: Promise<StateFile>[] = []
    const where = (column: string) => `column '${column}' of state '${state.name}' of operator ${operatorId}`
    const chunks = state.chunks()
    let types: readonly ColumnType[] = []
    for (;;) {
      await this.#turn()
      const chunk = this.#nextChunk(chunks)
      if (chunk === 'end') break
      if (chunk === 'later') continue
      const wider = chunk.columns.map((column, c) => {
        const type = widenColumnType(column, chunk.rowCount, types[c] ?? declaredType(state, column.name))
        return type === types[c] || files.length < maxFilesOfTypes ? type : opaqueUnlessKey(column.name, type)
      })
      if (this.#open === undefined || wider.some((type, c) => type !== types[c])) {
        types = wider
        if (this.#open !== undefined) files.push(this.#finishFile())
        const fields = chunk.columns.map(({ name }, c) => ({ name, type: wider[c]!.type, nullable: wider[c]!.nullable }))
        this.#open = this.#openFile(format, operatorId, state.name, fields)
      }
      const open: StateFileWriter = this.#open
      for (let from = 0; from < chunk.rowCount; ) {
        const left = chunk.rowCount - from
        const count = left < 2 * batchRows ? left : batchRows
        open.append(columnSources(chunk, from, count, open.fields, format.cbor, where), count)
        from += count
      }
      chunk.recycle?.()
      const isBehind = open.flush()
      if (isBehind !== undefined) await isBehind
      if (this.#unfinished.length > maxUnfinished) await this.#unfinished.shift()
    }
    if (this.#open !== undefined) files.push(this.#finishFile())
    this.#release(state)
    return { files, key: keyType(state, types) }
  }

  /**
   * Rows for one batch: small chunks are put together, for a part of a slice. Until they are encoded nothing else may run, as
   * what they hold may be the operator's own.
   */
  #nextChunk(chunks: IterableIterator<StateChunk>): StateChunk | 'end' | 'later' {
    const found: StateChunk[] = []
    const fromMs = this.#options.clock.elapsed()
    for (let rows = 0; rows < batchRows; ) {
      const next = chunks.next()
      if (next.done === true) return found.length === 0 ? 'end' : joined(found)
      if (next.value.rowCount > 0) found.push(next.value)
      rows += next.value.rowCount
      if (this.#options.clock.elapsed() - fromMs > joinMs) break
    }
    return found.length === 0 ? 'later' : joined(found)
  }

  #openFile(format: ColumnFormat, operatorId: string, state: string, fields: StateFileWriter['fields']): StateFileWriter {
    const { fileSystem, directory, subtask } = this.#options
    const name = `${operatorId.slice(0, 8)}-${subtask}-${fileNameOf(state)}-${this.#paths.length}.arrow`
    const path = `${directory}/${name}`
    this.#paths.push(path)
    const file = fileSystem.create(path)
    file.catch(() => {}) // Met by the first flush or by the end.
    return new StateFileWriter(format, fields, name, file)
  }

  /** The end of a file is not waited for: there is one sync for each, and several can be under way together. */
  #finishFile(): Promise<StateFile> {
    const finished = this.#open!.finish().then((done) => {
      this.#sizeBytes += done.sizeBytes
      return done
    })
    this.#open = undefined
    finished.catch(() => {}) // Met by whoever awaits the table, unless something else failed first.
    this.#unfinished.push(finished)
    return finished
  }

  /** Ends the slice if it is over. */
  async #turn(): Promise<void> {
    this.#checkAborted()
    const { clock, yieldTo } = this.#options
    if (clock.elapsed() - this.#sliceStartMs < sliceMs) return
    await new Promise<void>((resolve) => yieldTo(resolve))
    this.#sliceStartMs = clock.elapsed()
    this.#checkAborted()
  }

  #checkAborted(): void {
    if (this.#aborted) throw new StreamError('CANCELLED', `the checkpoint in ${this.#options.directory} was aborted`)
  }

  #release(state: StateSnapshot): void {
    if (this.#released.has(state)) return
    this.#released.add(state)
    state.release()
  }

  /**
   * After a failure: nothing is left open and no file stays. What fails here changes nothing about what failed first; a file that could
   * not be removed goes with the checkpoint's folder, which the JobMaster removes and tries again.
   */
  async #giveUp(operators: readonly OperatorStates[]): Promise<void> {
    for (const { states } of operators) for (const state of states) this.#release(state)
    await Promise.allSettled([this.#open?.close(), ...this.#unfinished])
    await this.#removeFiles().catch(() => {})
  }

  async #removeFiles(): Promise<void> {
    const paths = this.#paths.splice(0)
    await Promise.all(paths.map((path) => this.#options.fileSystem.remove(path)))
  }
}

/** As one, in memory of its own where they are several. */
function joined(chunks: readonly StateChunk[]): StateChunk {
  if (chunks.length === 1) return chunks[0]!
  const whole = joinChunks(chunks)
  for (const chunk of chunks) chunk.recycle?.()
  return whole
}

const declaredType = ({ declared }: StateDescription, column: string): ColumnType | undefined =>
  declared !== undefined && Object.hasOwn(declared, column) ? { ...declared[column]!, declared: true } : undefined

/** The first column behind the key group. */
const keyType = ({ scope }: StateDescription, [, key]: readonly ColumnType[]): WrittenState['key'] =>
  scope === 'keyed' && key !== undefined ? { key: { type: key.type, nullable: key.nullable } } : {}

const opaqueUnlessKey = (name: string, type: ColumnType): ColumnType =>
  name === 'keyGroup' ? type : { type: { kind: 'any' }, nullable: true, declared: false }

/** What metadata keeps of it. */
function describe({ name, scope, form, declared, meta }: StateDescription): StateDescription {
  return { name, scope, form, ...(declared !== undefined && { declared }), ...(meta !== undefined && { meta }) }
}

/** A state's name is the user's: what is no letter, digit, _ or - becomes _. Files are told apart by their number. */
const fileNameOf = (state: string): string => state.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 64)
