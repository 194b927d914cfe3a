/**
 * A job process from within: runs main, hands what it executes to the Dispatcher, and hosts the enumerators of those jobs beside the
 * functions that they close over.
 *
 * What always holds: messages are handled in their order; a job's rows reach main before its end does.
 */
import type { Clock } from '../../base/core/clock.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { FileSystem } from '../../base/filesystem/file-system.ts'
import type { Executor, JobClient } from '../../program/api/executor.ts'
import { planProgram } from '../../program/api/plan.ts'
import { type Main, runMain } from '../../program/api/run-main.ts'
import { collectVertices } from '../jobmanager/held-rows.ts'
import { localSources } from '../jobmanager/local-sources.ts'
import { loadRestore, withMaxParallelismOf } from '../jobmanager/restore-job.ts'
import type { SourceHost } from '../rpc/source-host.ts'
import { HostedClient } from './hosted-client.ts'
import type {
  ClientCall,
  FromJobProcess,
  PlannedJob,
  ProgramToRun,
  SourceAnswer,
  SourceCall,
  ToJobProcess,
} from './job-process-messages.ts'

export interface HostedProgramOptions {
  readonly clock: Clock
  readonly fileSystem: FileSystem
  readonly send: (message: FromJobProcess) => void
  /** Bundles the program and tells what task threads load, and main. */
  readonly load: (
    program: ProgramToRun,
  ) => Promise<{ readonly main: Main; readonly bytes: Uint8Array; readonly warnings: readonly string[] }>
  readonly exit: () => void
}

type Job = Parameters<Executor['submit']>[0]

interface HostedJob {
  readonly sources: SourceHost
  readonly onCollect: Job['onCollect']
  readonly accepted: PromiseWithResolvers<JobClient>
  client?: HostedClient
}

export class HostedProgram {
  readonly #options: HostedProgramOptions
  readonly #jobs: HostedJob[] = []
  readonly #asked = new Map<number, PromiseWithResolvers<string | undefined>>()
  #requests = 0

  constructor(options: HostedProgramOptions) {
    this.#options = options
  }

  receive(message: ToJobProcess): void {
    switch (message.do) {
      case 'run':
        return void this.#run(message.program)
      case 'ping':
        return this.#options.send({ say: 'pong', number: message.number })
      case 'exit':
        return this.#options.exit()
      case 'answer':
        return this.#answered(message)
      default:
        return this.#toJob(this.#jobs[message.job]!, message)
    }
  }

  async #run(program: ProgramToRun): Promise<void> {
    const { send, load } = this.#options
    try {
      const { main, bytes, warnings } = await load(program)
      if (program.plan) {
        const { plans } = await planProgram(main, program.args, program)
        send({ say: 'planned', jobGraph: plans[0]!.jobGraph })
      } else {
        send({ say: 'bundled', bytes, warnings })
        const executor: Executor = { submit: (job) => this.#submit(job) }
        await runMain(main, program.args, { config: program.config, executor: async () => executor }, program.seed).done
      }
      send({ say: 'mainEnded' })
    } catch (thrown) {
      send({ say: 'mainEnded', error: StreamError.from(thrown, 'USER_FUNCTION_FAILED', { place: { file: program.file } }).toWire() })
    }
  }

  async #submit(job: Job): Promise<JobClient> {
    const { clock, fileSystem, send } = this.#options
    const { streamGraph, jobGraph: planned, earlier = [], onCollect } = job
    const restored = await loadRestore({ jobGraph: planned, streamGraph }, fileSystem)
    const jobGraph = restored === undefined ? planned : withMaxParallelismOf(restored.metadata, planned)
    const number = this.#jobs.length
    const tell = (answer: SourceAnswer): void => send({ say: 'sources', job: number, answer })
    const sources = localSources({ jobGraph, streamGraph, clock, fileSystem })({
      toReader: (message) => tell({ tell: 'toReader', message }),
      failed: (error) => tell({ tell: 'failed', error: error.toWire() }),
    })
    const accepted = Promise.withResolvers<JobClient>()
    this.#jobs.push({ sources, onCollect, accepted })
    const collects = collectVertices(streamGraph, jobGraph)
    const toSend: PlannedJob = { jobGraph, collects, earlier, ...(restored && { restored }) }
    send({ say: 'submit', job: number, planned: toSend })
    return accepted.promise
  }

  #toJob(job: HostedJob, message: Exclude<ToJobProcess, { do: 'run' | 'ping' | 'exit' | 'answer' }>): void {
    switch (message.do) {
      case 'accepted': {
        const { jobId, restoredFrom, job: number } = message
        const ask = (call: ClientCall): Promise<string | undefined> => this.#ask(number, call)
        job.client = new HostedClient({ jobId, ask, now: () => this.#options.clock.now(), ...(restoredFrom && { restoredFrom }) })
        return job.accepted.resolve(job.client)
      }
      case 'refused':
        return job.accepted.reject(StreamError.fromWire(message.error))
      case 'sources':
        return this.#call(message.job, job.sources, message.call)
      case 'collected':
        return job.onCollect?.(message.id, message.rows)
      default:
        return job.client?.receive(message)
    }
  }

  #call(job: number, sources: SourceHost, call: SourceCall): void {
    const tell = (answer: SourceAnswer): void => this.#options.send({ say: 'sources', job, answer })
    switch (call.call) {
      case 'make':
        return sources.make(call.vertices, call.restored)
      case 'start':
        return sources.start(call.vertices)
      case 'registerReader':
      case 'requestSplit':
        return sources[call.call](call.vertex, call.subtask)
      case 'readerEvent':
        return sources.readerEvent(call.vertex, call.subtask, call.event)
      case 'snapshotAll':
        return sources.snapshotAll(call.checkpointId, (answer) =>
          tell(answer instanceof StreamError ? { tell: 'noSnapshot', error: answer.toWire() } : { tell: 'snapshot', held: answer }),
        )
      case 'notifyCheckpointComplete':
        return sources.notifyCheckpointComplete(call.checkpointId)
      case 'close':
        return void sources.close(call.vertices).then(() => tell({ tell: 'closed', request: call.request }))
    }
  }

  #ask(job: number, call: ClientCall): Promise<string | undefined> {
    const request = ++this.#requests
    const asked = Promise.withResolvers<string | undefined>()
    this.#asked.set(request, asked)
    this.#options.send({ say: 'ask', job, request, call })
    return asked.promise
  }

  #answered({ request, path, error }: ToJobProcess & { do: 'answer' }): void {
    const asked = this.#asked.get(request)
    this.#asked.delete(request)
    if (error === undefined) asked?.resolve(path)
    else asked?.reject(StreamError.fromWire(error))
  }
}
