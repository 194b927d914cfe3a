/** What threads of a process do: dumps, and the profiler, which is switched off. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { DispatcherGateway, ProcessName } from '../../cluster/rpc/dispatcher-gateway.ts'
import { Refusal } from './refusal.ts'

export async function threadDump(gateway: DispatcherGateway, of: ProcessName): Promise<unknown> {
  const threads = (await gateway.threadDump?.(of)) ?? []
  return { threadInfos: threads.map(({ name, text }) => ({ threadName: name, stringifiedThreadInfo: text })) }
}

/** As Flink answers where rest.profiling.enabled is false. `of` refuses a process that is not there. */
export function profilerRoutes(app: FastifyInstance, prefix: string, of: (request: FastifyRequest) => Promise<ProcessName>): void {
  const off = async (request: FastifyRequest): Promise<never> => {
    await of(request)
    throw new Refusal(404, 'Profiling is not enabled here (rest.profiling.enabled).')
  }
  app.get(`${prefix}/profiler`, off)
  app.post(`${prefix}/profiler`, off)
  app.get(`${prefix}/profiler/:filename`, off)
}
