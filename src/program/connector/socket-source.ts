/**
 * Text from a TCP socket, one record a line, read by one subtask. A socket cannot be read again: each line comes at most once, and
 * a job that goes on from a checkpoint connects anew, says that it cannot resume, and has lost what was sent in between.
 */
import type { Socket } from 'node:net'
import { describeThrown } from '../../base/core/describe-thrown.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { PollResult, ReaderOutput, Source, SourceReader, SourceReaderContext } from '../function/source.ts'
import { Availability } from './availability.ts'
import { type QueuedSplit, SplitQueue } from './split-queue.ts'

export interface SocketSplit extends QueuedSplit {
  /** Whether it was connected to: what it then sent is gone. */
  readonly begun: boolean
}

const unitRows = 1_024
/** Lines that are waiting to be read, beyond which the sender is held up. */
const waitingLines = 16_384
const maxLineChars = 1 << 28

/** The text that a server at `host`:`port` sends, cut at `delimiter`; it ends when the server closes the connection. */
export function socketSource(host: string, port: number, delimiter = '\n'): Source<string, SocketSplit, readonly SocketSplit[]> {
  if (typeof host !== 'string' || host === '') throw invalid(`the host is ${JSON.stringify(host)}, not a name or address`)
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw invalid(`the port is ${port}, not a whole number from 1 to 65535`)
  if (typeof delimiter !== 'string' || delimiter === '') throw invalid('the delimiter is no text')
  return {
    name: `socket ${host}:${port}`,
    boundedness: 'unbounded',
    maxParallelism: 1,
    createEnumerator: (ctx, restored) => new SplitQueue(ctx, () => [{ owner: null, begun: false }], restored),
    createReader: (ctx) => new SocketReader(ctx, host, port, delimiter),
  }
}

class SocketReader implements SourceReader<string, SocketSplit> {
  readonly #ctx: SourceReaderContext
  readonly #address: { readonly host: string; readonly port: number }
  readonly #delimiter: string
  readonly #available = new Availability()
  #split: SocketSplit | undefined
  #socket: Socket | undefined
  #lines: string[] = []
  /** Of the line that has not ended. */
  #text = ''
  #atEnd = false
  #noMore = false
  #closed = false

  constructor(ctx: SourceReaderContext, host: string, port: number, delimiter: string) {
    this.#ctx = ctx
    this.#address = { host, port }
    this.#delimiter = delimiter
  }

  start(): void {
    if (this.#split === undefined) this.#ctx.sendSplitRequest()
  }

  pollNext(output: ReaderOutput<string>): PollResult {
    this.#available.check()
    if (this.#split === undefined) return this.#noMore ? 'end' : 'nothing'
    if (!this.#split.begun) {
      this.#split = { ...this.#split, begun: true }
      void this.#connect()
    }
    if (this.#lines.length > 0) {
      output.emit({ kind: 'rows', rows: this.#lines.splice(0, Math.min(unitRows, output.wantedRows)) })
      if (this.#lines.length < waitingLines) this.#socket?.resume()
      return 'more'
    }
    if (!this.#atEnd) return 'nothing'
    this.#split = undefined
    if (!this.#noMore) this.#ctx.sendSplitRequest()
    return 'more'
  }

  async isAvailable(): Promise<void> {
    const ready = this.#split === undefined ? this.#noMore : !this.#split.begun || this.#atEnd || this.#lines.length > 0
    if (!ready) await this.#available.wait()
  }

  addSplits([split]: readonly SocketSplit[]): void {
    if (split === undefined) return
    if (split.begun) {
      const { host, port } = this.#address
      this.#ctx.printLine(
        'stderr',
        `${this.#ctx.operatorName} cannot resume: a socket cannot be read again. It connects to ${host}:${port} anew; what was sent since the last checkpoint is lost.`,
      )
    }
    this.#split = { ...split, begun: false }
    this.#available.open()
  }

  notifyNoMoreSplits(): void {
    this.#noMore = true
    this.#available.open()
  }

  snapshotState(): readonly SocketSplit[] {
    return this.#split === undefined ? [] : [this.#split]
  }

  close(): void {
    this.#closed = true
    this.#socket?.destroy()
  }

  async #connect(): Promise<void> {
    const { connect } = await import('node:net')
    if (this.#closed) return
    const socket = connect(this.#address)
    this.#socket = socket
    socket.setEncoding('utf8')
    socket.on('data', (chunk) => this.#take(String(chunk)))
    socket.on('end', () => this.#end())
    socket.on('error', (error) => this.#fail(error))
  }

  #take(chunk: string): void {
    const delimiter = this.#delimiter
    let from = Math.max(0, this.#text.length - delimiter.length + 1)
    const text = this.#text + chunk
    let start = 0
    for (let end = text.indexOf(delimiter, from); end >= 0; end = text.indexOf(delimiter, from)) {
      this.#lines.push(delimiter === '\n' && text[end - 1] === '\r' && end > start ? text.slice(start, end - 1) : text.slice(start, end))
      start = from = end + delimiter.length
    }
    this.#text = text.slice(start)
    if (this.#text.length > maxLineChars) return this.#fail(new RangeError(`a line has more than ${maxLineChars} characters`))
    if (this.#lines.length >= waitingLines) this.#socket?.pause()
    if (this.#lines.length > 0) this.#available.open()
  }

  #end(): void {
    if (this.#text !== '') this.#lines.push(this.#text)
    this.#text = ''
    this.#atEnd = true
    this.#available.open()
  }

  #fail(error: Error): void {
    if (this.#closed) return
    this.#socket?.destroy()
    const { host, port } = this.#address
    // A name with several addresses fails with the failures of all, and no message of its own.
    const why = error instanceof AggregateError ? error.errors[0] : error
    this.#available.fail(
      new StreamError('IO_FAILED', `cannot read the socket ${host}:${port}: ${describeThrown(why)}`, {
        hint: `Start what listens there first: nc -lk ${port}`,
        cause: error,
      }),
    )
  }
}

const invalid = (what: string) =>
  new StreamError('INVALID_ARGUMENT', `socketTextStream(): ${what}`, { hint: "Write env.socketTextStream('localhost', 9999)." })
