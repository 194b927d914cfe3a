/** Log files as REST hands them out: plain text whatever they hold, and no page of another site may read them. */
import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import type { DispatcherGateway, LogFile, ProcessName } from '../../cluster/rpc/dispatcher-gateway.ts'
import { Refusal } from './refusal.ts'

export async function logList(gateway: DispatcherGateway, of: ProcessName): Promise<unknown> {
  const files = await gateway.logFiles(of)
  return { logs: files.map(({ name, sizeBytes, modifiedMs }) => ({ name, size: sizeBytes, mtime: Math.floor(modifiedMs) })) }
}

/** `which`: a name from the list, or the process's own log or console. */
export async function sendLog(
  gateway: DispatcherGateway,
  of: ProcessName,
  which: { readonly name: string } | { readonly purpose: NonNullable<LogFile['purpose']> },
  reply: FastifyReply,
): Promise<FastifyReply> {
  const files = await gateway.logFiles(of)
  const file = files.find(({ name, purpose }) => ('name' in which ? name === which.name : purpose === which.purpose))
  if (file === undefined)
    throw new Refusal(404, `There is no ${'name' in which ? `log file '${which.name}'` : `${which.purpose} file`} of ${nameOf(of)}.`)
  const pieces = await gateway.readLogFile(of, file.name)
  reply.header('content-type', 'text/plain; charset=UTF-8').header('content-length', file.sizeBytes)
  reply.header('x-content-type-options', 'nosniff').removeHeader('access-control-allow-origin')
  return reply.send(Readable.from(upTo(pieces, file.sizeBytes), { objectMode: false }))
}

/** A log grows while it is read: what was promised is sent, and no more. */
async function* upTo(pieces: AsyncIterable<Uint8Array>, sizeBytes: number): AsyncIterable<Uint8Array> {
  let left = sizeBytes
  for await (const piece of pieces) {
    if (left <= 0) return
    yield piece.subarray(0, left)
    left -= piece.length
  }
}

const nameOf = (of: ProcessName): string => (of === 'jobmanager' ? 'the JobManager' : `TaskManager ${of.taskManagerId}`)
