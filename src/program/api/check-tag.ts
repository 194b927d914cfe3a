/**
 * Whether what names a side output is a tag: a string in its place would name nothing, without a word.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import type { OutputTag } from '../function/functions.ts'

/** Fails for what is no tag; `what` begins the message: `lateOutput is`. */
export function checkTag(what: string, tag: OutputTag<unknown>): void {
  if (typeof tag?.id === 'string' && tag.id !== '') return
  throw new StreamError('INVALID_ARGUMENT', `${what} ${String(tag)}, which is no output tag`, {
    hint: "Make one: const late = outputTag<Row>('late').",
  })
}
