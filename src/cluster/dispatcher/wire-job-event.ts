/**
 * JobEvents as data and back: an error that is sent by structured clone loses its code.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import type { CheckpointReport, JobEvent } from '../../program/api/executor.ts'
import type { WireJobEvent } from './job-process-messages.ts'

export function eventToWire(event: JobEvent): WireJobEvent {
  switch (event.on) {
    case 'restarting':
      return { ...event, cause: event.cause.toWire() }
    case 'cleanupFailed':
      return { ...event, error: event.error.toWire() }
    case 'checkpointCompleted':
    case 'checkpointFailed': {
      const { error, ...checkpoint } = event.checkpoint
      return { on: event.on, checkpoint: { ...checkpoint, ...(error && { error: error.toWire() }) } }
    }
    case 'restarted':
      return event
  }
}

export function eventFromWire(event: WireJobEvent): JobEvent {
  switch (event.on) {
    case 'restarting':
      return { ...event, cause: StreamError.fromWire(event.cause) }
    case 'cleanupFailed':
      return { ...event, error: StreamError.fromWire(event.error) }
    case 'checkpointCompleted':
    case 'checkpointFailed': {
      const { error, ...rest } = event.checkpoint
      const checkpoint: CheckpointReport = { ...rest, ...(error && { error: StreamError.fromWire(error) }) }
      return { on: event.on, checkpoint }
    }
    case 'restarted':
      return event
  }
}
