/**
 * When a part of a folder is finished and the next one begun: by size as rows are written, by time when a checkpoint is taken, since
 * nothing is published in between. Pure.
 */
import { checkOptionNames } from '../../base/core/check-options.ts'
import { StreamError } from '../../base/core/stream-error.ts'

/** What is left out has Flink's default. Durations are ms: `minutes(5)`. */
export interface RollingOptions {
  /** A part that has so many bytes is finished. Default: 128 MB; without checkpointing: parts have no limit. */
  readonly sizeBytes?: number
  /** At a checkpoint, a part begun so long ago is finished. Default: 60 s. */
  readonly intervalMs?: number
  /** At a checkpoint, a part to which nothing was written for so long is finished. Default: 60 s. */
  readonly inactivityMs?: number
  /** At each checkpoint all parts are finished. Default: false; formats with a footer (Arrow) do so always. */
  readonly onCheckpoint?: boolean
}

export type RollingPolicy = Required<RollingOptions>

const minuteMs = 60_000

export function rollingPolicy(what: string, options: RollingOptions = {}, checkpointing: boolean, hasFooter: boolean): RollingPolicy {
  const { sizeBytes, intervalMs = minuteMs, inactivityMs = minuteMs, onCheckpoint = false } = options
  checkRolling(what, options)
  return {
    sizeBytes: sizeBytes ?? (checkpointing ? 128 * 1024 * 1024 : Number.POSITIVE_INFINITY),
    ...{ intervalMs, inactivityMs, onCheckpoint: onCheckpoint || hasFooter },
  }
}

export function checkRolling(what: string, options: RollingOptions | undefined): void {
  checkOptionNames(`rolling of ${what}`, options, ['sizeBytes', 'intervalMs', 'inactivityMs', 'onCheckpoint'])
  for (const [name, value] of Object.entries(options ?? {})) {
    const isRight = name === 'onCheckpoint' ? typeof value === 'boolean' : typeof value === 'number' && value > 0
    if (isRight || value === undefined) continue
    throw new StreamError('INVALID_ARGUMENT', `rolling of ${what}: ${name} is ${String(value)}`, {
      hint: name === 'onCheckpoint' ? 'It is true or false.' : 'It is a number greater than 0, or Infinity.',
      place: { option: `rolling.${name}` },
    })
  }
}

/** Whether a part's time is over. */
export function isDueAtCheckpoint(
  policy: RollingPolicy,
  part: { readonly createdMs: number; readonly writtenMs: number },
  nowMs: number,
): boolean {
  return nowMs - part.createdMs >= policy.intervalMs || nowMs - part.writtenMs >= policy.inactivityMs
}
