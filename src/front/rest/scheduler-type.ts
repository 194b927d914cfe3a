/** Which of Flink's schedulers ours is, by what it can do: the dashboard shows buttons for rescaling with an adaptive one. */
import type { DispatcherGateway } from '../../cluster/rpc/dispatcher-gateway.ts'
import type { SchedulerType } from './job-info.ts'

export const schedulerTypeOf = ({ rescale }: DispatcherGateway): SchedulerType => (rescale === undefined ? 'Default' : 'Adaptive')
