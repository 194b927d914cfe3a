/** What a TaskManager and its network thread say to each other. Plain data, but for the ports in `add`, which are handed over. */
import type { WireError } from '../../base/core/stream-error.ts'
import type { NetworkAttempt } from '../rpc/network-service.ts'

export type ToNetwork =
  | { readonly do: 'add'; readonly attempt: NetworkAttempt }
  | { readonly do: 'remove'; readonly jobId: string; readonly attempt: number }
  | { readonly do: 'close' }

export type FromNetwork =
  /** The first message, unless it is `failed`. */
  | { readonly say: 'serving'; readonly dataAddress: string }
  | { readonly say: 'failed'; readonly error: WireError }
  | {
      readonly say: 'broken'
      readonly jobId: string
      readonly attempt: number
      readonly slots: readonly number[]
      readonly error: WireError
    }
