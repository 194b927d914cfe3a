/**
 * Where a program begins: sources and settings go in, execute() hands the plan to an executor. It knows executors by
 * their interface only; who runs the program (index.ts, the command line, a task thread that plans) gives it one.
 */

import type { Type } from '../../base/columnar/data-type.ts'
import { type Config, type ConfigInput, checkConfig, configValue } from '../../base/core/config-options.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import { collectSink } from '../connector/collect-sink.ts'
import { collection } from '../connector/collection.ts'
import { sequence } from '../connector/sequence.ts'
import { socketSource } from '../connector/socket-source.ts'
import type { Source } from '../function/source.ts'
import type { WatermarkStrategy } from '../function/watermark.ts'
import { createJobGraph } from '../graph/create-job-graph.ts'
import { StreamGraphBuilder } from '../graph/stream-graph-builder.ts'
import { type CheckpointOptions, checkpointConfig } from './checkpoint-options.ts'
import { CollectedRows } from './collected-rows.ts'
import { PlannedConnection } from './connected-streams.ts'
import type { Duration } from './durations.ts'
import { ExecutionRecord } from './execution-record.ts'
import type { Executor, JobClient, JobExecutionResult } from './executor.ts'
import { PlannedKeyedStream } from './keyed-stream.ts'
import { checkBufferTimeout, checkParallelism, type OperatorOptions } from './operator-options.ts'
import { PlannedOutput } from './planned-stream.ts'
import { addOperator, type Internals, limitOf, type Planner } from './planner.ts'
import type { SingleOutput } from './streams.ts'

export interface SourceOptions<T> extends OperatorOptions {
  /** Where timestamps are and how late rows may be. Absent: the source's own timestamps, and no watermarks but its own. */
  readonly watermarks?: WatermarkStrategy<T>
}

export interface DataOptions<T> extends SourceOptions<T> {
  /** Declares the type of the rows, which is inferred otherwise. */
  readonly type?: Type<T>
}

/** Who runs the program, as the environment needs to know him. */
export interface EnvironmentHost {
  /** What the program's own settings go over. */
  readonly config?: Config
  /** Called at the first execute(). */
  executor(config: Config): Promise<Executor>
  /** A job begins, or has ended, so that main does or does not stand alone in the process. */
  jobStarts?(): void
  jobEnds?(): void
}

const streams: Planner['streams'] = {
  output: (planner, draft) => new PlannedOutput(planner, draft),
  keyed: (own) => new PlannedKeyedStream(own),
  connected: (first, second) => new PlannedConnection(first, second),
}

/**
 * ```ts
 * import { getEnvironment } from 'headrace'
 *
 * const env = getEnvironment().setParallelism(2)
 * env.fromSequence(1, 100).filter((n) => n % 7 === 0).print()
 * await env.execute('sevens')
 * ```
 */
export class Environment {
  readonly #host: EnvironmentHost
  readonly #planner: Planner
  readonly #builder = new StreamGraphBuilder()
  readonly #executions: ExecutionRecord[] = []
  #config: Config
  #collects = new Map<string, CollectedRows<unknown>>()
  #collectCount = 0
  #executor: Promise<Executor> | undefined

  /** For who runs programs; a program calls getEnvironment(). */
  constructor(host: EnvironmentHost) {
    this.#host = host
    this.#config = this.#checked(host.config ?? {})
    const env = this
    this.#planner = {
      builder: this.#builder,
      streams,
      get parallelism() {
        return env.parallelism
      },
      collect: (stream) => this.#collect(stream),
    }
  }

  /** Sets configuration by Flink's keys; an unknown key is an error. `env.configure({ 'execution.codegen': false })` */
  configure(config: ConfigInput): this {
    this.#config = { ...this.#config, ...this.#checked(config) }
    return this
  }

  /** The configuration as it stands, durations in ms and sizes in bytes. `env.config['parallelism.default']` */
  get config(): Config {
    return this.#config
  }

  /** `env.parallelism` */
  get parallelism(): number {
    return configValue(this.#config, 'parallelism.default')
  }

  /** Of operators made from now on that set none. `env.setParallelism(4)` */
  setParallelism(parallelism: number): this {
    return this.configure({ 'parallelism.default': checkParallelism('The environment', 'parallelism', parallelism) })
  }

  /** Number of key groups, the limit of every later parallelism. `env.setMaxParallelism(256)` */
  setMaxParallelism(maxParallelism: number): this {
    return this.configure({ 'pipeline.max-parallelism': checkParallelism('The environment', 'max parallelism', maxParallelism) })
  }

  /** Longest time a record waits in an open batch; 0 sends after each input batch, -1 full batches only. `env.setBufferTimeout(5)` */
  setBufferTimeout(timeout: Duration): this {
    return this.configure({ 'execution.buffer-timeout.interval': checkBufferTimeout('The environment', timeout) })
  }

  /** How often watermark generators are asked; 0 is never. `env.setAutoWatermarkInterval(50)` */
  setAutoWatermarkInterval(interval: Duration): this {
    return this.configure({ 'pipeline.auto-watermark-interval': interval })
  }

  /** Every operator becomes a task of its own. `env.disableOperatorChaining()` */
  disableOperatorChaining(): this {
    return this.configure({ 'pipeline.operator-chaining.enabled': false })
  }

  /**
   * The job takes a checkpoint so often, and goes on from the latest one after a failure. What is not given keeps its setting.
   * `env.enableCheckpointing(seconds(10), { dir: '/data/checkpoints' })`
   */
  enableCheckpointing(interval: Duration | string, options: CheckpointOptions = {}): this {
    return this.configure(checkpointConfig(interval, options))
  }

  /** `env.fromSource(fileSource({ path, format: csv<Flight>() }), { name: 'flights', watermarks: monotonousTimestamps('date') })` */
  fromSource<T>(source: Source<T, any, any>, options: SourceOptions<NoInfer<T>> = {}): SingleOutput<T> {
    if (typeof source?.createReader !== 'function' || typeof source.createEnumerator !== 'function') {
      throw new StreamError(
        'INVALID_ARGUMENT',
        `fromSource() was given ${source === null ? 'null' : typeof source}, which is not a source`,
        {
          hint: 'A source is what fileSource({ ... }), sequence() and their like give, or an object with createEnumerator and createReader.',
        },
      )
    }
    const { watermarks, ...operatorOptions } = options
    const draft = addOperator(this.#planner, {
      name: `Source: ${source.name}`,
      operator: { kind: 'source', source, ...(watermarks !== undefined && { watermarks }) },
      streams: [],
      options: operatorOptions,
      parallelismLimit: limitOf(`source '${source.name}'`, source.maxParallelism),
    })
    return new PlannedOutput<T>(this.#planner, draft)
  }

  /** The rows of an iterable, in one subtask. `env.fromData([{ word: 'a', n: 1 }, { word: 'b', n: 2 }])` */
  fromData<T>(rows: Iterable<NoInfer<T>>, options: SourceOptions<NoInfer<T>> & { readonly type: Type<T> }): SingleOutput<T>
  fromData<T>(rows: Iterable<T>, options?: SourceOptions<NoInfer<T>>): SingleOutput<T>
  fromData<T>(rows: Iterable<T>, options: DataOptions<NoInfer<T>> = {}): SingleOutput<T> {
    const { type, ...sourceOptions } = options
    return this.fromSource(collection(rows, { type }), sourceOptions)
  }

  /** The whole numbers from one to another, both included. `env.fromSequence(1, 1_000_000)` */
  fromSequence(from: number, to: number, options: SourceOptions<number> = {}): SingleOutput<number> {
    return this.fromSource(sequence(from, to), options)
  }

  /**
   * The lines that a server sends, in one subtask, until it closes the connection. At most once: a socket cannot be read again, so
   * a restart loses what was sent since the last checkpoint. `env.socketTextStream('localhost', 9999)`
   */
  socketTextStream(host: string, port: number, delimiter = '\n', options: SourceOptions<string> = {}): SingleOutput<string> {
    return this.fromSource(socketSource(host, port, delimiter), options)
  }

  /** Whether operators wait for an execute(). `if (env.hasPendingOperators) await env.execute()` */
  get hasPendingOperators(): boolean {
    return this.#builder.hasPending
  }

  /** How often a job was executed. `env.executions === 0` */
  get executions(): number {
    return this.#executions.length
  }

  /** Runs what was said since the last execute(), and waits for its end. `const result = await env.execute('delays')` */
  async execute(name?: string): Promise<JobExecutionResult> {
    const client = await this.executeAsync(name)
    return client.result
  }

  /** Runs what was said since the last execute(), and gives a handle at once. `const job = await env.executeAsync(); await job.cancel()` */
  async executeAsync(name?: string): Promise<JobClient> {
    const earlier = this.#executions.map((execution) => execution.toPlain())
    const jobName = name ?? configValue(this.#config, 'pipeline.name') ?? 'headrace job'
    const streamGraph = this.#builder.build({ jobName, config: this.#config, ...this.#graphOptions() })
    const jobGraph = createJobGraph(streamGraph)
    const collects = this.#collects
    this.#collects = new Map()
    for (const rows of collects.values()) rows.markBegun()
    const record = new ExecutionRecord(collects)
    this.#executions.push(record)
    this.#host.jobStarts?.()
    try {
      this.#executor ??= this.#host.executor(this.#config)
      const executor = await this.#executor
      const client = await executor.submit({ streamGraph, jobGraph, earlier, onCollect: (id, rows) => record.collected(id, rows) })
      return record.begin(client, () => this.#host.jobEnds?.())
    } catch (error) {
      record.fail(error)
      this.#host.jobEnds?.()
      throw error
    }
  }

  #graphOptions(): { maxParallelism?: number } {
    const maxParallelism = configValue(this.#config, 'pipeline.max-parallelism')
    return maxParallelism === -1 ? {} : { maxParallelism }
  }

  #collect<T>(stream: Internals): CollectedRows<T> {
    const id = `collect-${++this.#collectCount}`
    const rows = new CollectedRows<T>(() => this.executeAsync())
    this.#collects.set(id, rows as CollectedRows<unknown>)
    addOperator(this.#planner, { name: 'Sink: collect', operator: { kind: 'sink', sink: collectSink(id) }, streams: [stream], options: {} })
    return rows
  }

  #checked(entries: Config): Config {
    const { config, warnings } = checkConfig(entries)
    for (const warning of warnings) this.#builder.warn(warning)
    return config
  }
}
