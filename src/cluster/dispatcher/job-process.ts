/**
 * One job process as the Dispatcher sees it: a submitted program whose main runs there. Decides when it has had its time; the process
 * itself is behind `StartProcess`.
 *
 * What always holds: its end, however it came, is told to every job of it that still runs, and to whoever waits for its first one;
 * nothing of it is heard afterwards. main may take `mainTimeoutMs` as long as no job of it runs; a process that says nothing for so long
 * while one does, or does not close enumerators in that time, is ended.
 */
import type { Clock, TimerHandle } from '../../base/core/clock.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { JobGraph } from '../../program/graph/job-graph.ts'
import type { ClientCall, FromJobProcess, PlannedJob, ProgramToRun, ToJobProcess } from './job-process-messages.ts'
import { RemoteSources } from './remote-sources.ts'

export interface ProcessEvents {
  message(message: FromJobProcess): void
  /** Once; nothing follows. `error` says how it came to its end. */
  exited(error: StreamError): void
}

export interface StartedProcess {
  send(message: ToJobProcess): void
  /** At once; `exited` follows. */
  kill(): void
}

export type StartProcess = (events: ProcessEvents) => StartedProcess

export interface JobProcessOptions {
  readonly program: ProgramToRun
  readonly clock: Clock
  readonly mainTimeoutMs: number
  readonly start: StartProcess
  /** Before its first job. */
  readonly onBundled: (bytes: Uint8Array, warnings: readonly string[]) => void
  readonly onPlanned: (jobGraph: JobGraph) => void
  readonly onSubmit: (job: number, planned: PlannedJob, sources: RemoteSources) => void
  /** Settles the request with answer(). */
  readonly onAsked: (job: number, request: number, call: ClientCall) => void
  /** main has ended, or can no more: with an error when it threw it. Once. */
  readonly onMainEnded: (error?: StreamError) => void
  readonly onExited: () => void
}

export class JobProcess {
  readonly #options: JobProcessOptions
  readonly #process: StartedProcess
  readonly #sources = new Map<number, RemoteSources>()
  readonly #running = new Set<number>()
  #mainEnded = false
  #exited = false
  #killedFor: StreamError | undefined
  #timer: TimerHandle | undefined
  #pings = 0
  #pongs = 0

  constructor(options: JobProcessOptions) {
    this.#options = options
    this.#process = options.start({
      message: (message) => {
        if (!this.#exited) this.#receive(message)
      },
      exited: (error) => this.#onExit(error),
    })
    this.send({ do: 'run', program: options.program })
    this.#watch()
  }

  send(message: ToJobProcess): void {
    if (!this.#exited) this.#process.send(message)
  }

  accepted(job: number, message: Omit<ToJobProcess & { do: 'accepted' }, 'do' | 'job'>): void {
    this.#running.add(job)
    this.send({ do: 'accepted', job, ...message })
    this.#watch()
  }

  /** The job has ended, or was never begun. */
  over(job: number, message: ToJobProcess & { do: 'refused' | 'finished' | 'failed' }): void {
    this.#running.delete(job)
    this.#sources.delete(job)
    this.send(message)
    this.#watch()
    this.#exitWhenIdle()
  }

  kill(reason: StreamError): void {
    this.#killedFor ??= reason
    this.#process.kill()
  }

  #receive(message: FromJobProcess): void {
    const { onBundled, onPlanned, onSubmit, onAsked } = this.#options
    switch (message.say) {
      case 'bundled':
        return onBundled(message.bytes, message.warnings)
      case 'planned':
        return onPlanned(message.jobGraph)
      case 'submit': {
        const { job } = message
        const sources = new RemoteSources((call) => this.send({ do: 'sources', job, call }))
        this.#sources.set(job, sources)
        return onSubmit(job, message.planned, sources)
      }
      case 'sources':
        return this.#sources.get(message.job)?.receive(message.answer)
      case 'ask':
        return onAsked(message.job, message.request, message.call)
      case 'pong':
        this.#pongs = message.number
        return
      case 'mainEnded':
        return this.#endMain(message.error && StreamError.fromWire(message.error))
    }
  }

  #endMain(error?: StreamError): void {
    if (this.#mainEnded) return
    this.#mainEnded = true
    this.#options.onMainEnded(error)
    this.#watch()
    this.#exitWhenIdle()
  }

  #exitWhenIdle(): void {
    if (this.#mainEnded && this.#running.size === 0) this.send({ do: 'exit' })
  }

  /** The limit that holds now: of main alone, of an answer while jobs run, of its exit. */
  #watch(): void {
    this.#timer?.cancel()
    if (this.#exited) return
    const { clock, mainTimeoutMs } = this.#options
    if (this.#running.size === 0) {
      this.#timer = clock.setTimer(mainTimeoutMs, () => this.kill(this.#tooLong()))
      return
    }
    const number = ++this.#pings
    this.send({ do: 'ping', number })
    const closing = [...this.#sources.values()].filter(({ isClosing }) => isClosing)
    this.#timer = clock.setTimer(mainTimeoutMs, () => {
      if (this.#pongs < number || closing.some(({ isClosing }) => isClosing)) return this.kill(this.#hangs())
      this.#watch()
    })
  }

  #onExit(how: StreamError): void {
    if (this.#exited) return
    this.#exited = true
    this.#timer?.cancel()
    const error = this.#killedFor ?? how
    for (const sources of this.#sources.values()) sources.lost(error)
    this.#endMain(error)
    this.#options.onExited()
  }

  #tooLong(): StreamError {
    const { program, mainTimeoutMs } = this.#options
    return new StreamError('USER_FUNCTION_FAILED', `main of ${program.file} was ended: no job of it ran for ${mainTimeoutMs / 1000} s`, {
      hint: 'Does it loop, or wait for something? job-process.main-timeout says how long it may take before a job, between two and behind the last.',
      place: { file: program.file },
      retry: 'never',
    })
  }

  #hangs(): StreamError {
    const { program, mainTimeoutMs } = this.#options
    return new StreamError(
      'USER_FUNCTION_FAILED',
      `The process of ${program.file} was ended: it did not answer for ${mainTimeoutMs / 1000} s`,
      {
        hint: 'main and the enumerators of its sources share one thread: does one of them loop, or does an enumerator not close? See job-process.main-timeout.',
        place: { file: program.file },
        retry: 'never',
      },
    )
  }
}
