/** What every group of endpoints is given. */
import type { Clock } from '../../base/core/clock.ts'
import type { DispatcherGateway } from '../../cluster/rpc/dispatcher-gateway.ts'
import type { AsyncOperations } from './async-operations.ts'
import type { UploadStore } from './upload-store.ts'

export interface RestContext {
  readonly gateway: DispatcherGateway
  readonly clock: Clock
  /** 32 hex digits, never the same twice. */
  readonly newId: () => string
  readonly operations: AsyncOperations
  readonly uploads: UploadStore
  readonly webSubmit: boolean
  readonly webCancel: boolean
  readonly webRescale: boolean
  readonly refreshIntervalMs: number
  /** How many bytes an upload may have. */
  readonly maxUploadBytes: number
}
