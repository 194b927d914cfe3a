/**
 * The one line that shows a running job on a terminal, and what has to happen around other output: it is wiped before
 * anything else is written and drawn again with the next progress. Off a terminal it writes nothing.
 */
import { formatDuration } from '../../base/core/duration.ts'
import type { JobProgress, JobStatus } from '../../program/api/executor.ts'

export interface ShownProgress extends JobProgress {
  readonly status?: JobStatus
  /** The last one that is complete. */
  readonly checkpoint?: { readonly checkpointId: number; readonly ageMs: number }
}

/** As much of process.stderr as is needed. */
export interface TerminalStream {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

export class ProgressLine {
  readonly #stream: TerminalStream
  #drawn = false

  constructor(stream: TerminalStream) {
    this.#stream = stream
  }

  show(progress: ShownProgress): void {
    if (this.#stream.isTTY !== true) return
    const line = progressText(progress)
    this.#stream.write(`\r\x1b[K${line.slice(0, Math.max(10, (this.#stream.columns || 80) - 1))}`)
    this.#drawn = true
  }

  /** Leaves the terminal as if the line had never been there. */
  clear(): void {
    if (!this.#drawn) return
    this.#stream.write('\r\x1b[K')
    this.#drawn = false
  }
}

/** "1,234,567 records  2.3 M/s  watermark 2001-03-31 21:00:00  checkpoint 12, 4 s ago  3.2 s" */
export function progressText({ recordsIn, recordsPerSecond, watermark, elapsedMs, status, checkpoint }: ShownProgress): string {
  const parts = [`${recordsIn.toLocaleString('en-US')} records`, `${rateText(recordsPerSecond)}/s`]
  if (watermark !== null) parts.push(`watermark ${watermarkText(watermark)}`)
  if (checkpoint !== undefined) parts.push(`checkpoint ${checkpoint.checkpointId}, ${ageText(checkpoint.ageMs)} ago`)
  if (status === 'RESTARTING') parts.push('restarting')
  return [...parts, formatDuration(elapsedMs)].join('  ')
}

/** In whole seconds: the line is drawn four times a second. */
const ageText = (ms: number): string => (ms < 59_950 ? `${Math.floor(ms / 1000)} s` : formatDuration(ms))

function rateText(perSecond: number): string {
  if (perSecond >= 1e6) return `${(perSecond / 1e6).toFixed(1)} M`
  if (perSecond >= 1e4) return `${Math.round(perSecond / 1e3)} k`
  return String(Math.round(perSecond))
}

/** A watermark is a time only by the user's word: one that no calendar holds, or of the first day of 1970, is shown as the number it is. */
function watermarkText(watermark: number): string {
  if (Math.abs(watermark) > 8.64e15 || Math.abs(watermark) < 86_400_000) return String(watermark)
  return new Date(watermark).toISOString().slice(0, 19).replace('T', ' ')
}
